"""A task's payloads as people see them: values, or names of files.

Rule: a file is named and measured, never shown; of payloads that are read from a blob some at a time are in memory.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from disio_manager.core.records import TaskRecord
from disio_manager.sources import Sources
from disio_manager.tar_index import Files
from disio_shared import payload_parsing, payloads
from disio_shared.ranges import runs_of
from disio_shared.values import as_json

SMALL = 4 << 10
"""Bytes of a payload spec that are read at once: another thread would take longer."""
MAX_SHOWN_BYTES = 4 << 20
"""Bytes of payloads from a blob that are shown together, unless it is a single one."""


class Inputs:
    """The payloads of one spec.

    Args:
        spec: With extents.
        sources: Where stored payloads are.
        files: Of a spec that is files.
    """

    def __init__(self, spec: payloads.PayloadSpec, sources: Sources, files: Files | None) -> None:
        self._spec, self._sources, self._files = spec, sources, files

    async def shown(self, indexes: Sequence[int]) -> list[msgspec.Raw]:
        """Return payloads as JSON text; indexes ascend, each one once.

        Raises:
            BadBlob, BlobNotFound, StoreUnavailable: They cannot be read.
        """
        if self._files is not None:
            told = ({"$file": self._files.name(index), "bytes": self._files.sizes[index]} for index in indexes)
            return [msgspec.Raw(msgspec.json.encode(each)) for each in told]
        if not isinstance(self._spec, payloads.StoredSpec):
            return [as_json(value) for value in payloads.payloads_at(self._spec, indexes)]
        runs = runs_of(list(indexes))
        return [as_json(value) for value in await self._sources.payloads(self._spec, runs)]

    def fitting(self, indexes: Sequence[int]) -> int:
        """Return how many of some payloads, from the first one on, may be shown together; at least 1."""
        if self._files is not None or not isinstance(self._spec, payloads.StoredSpec):
            return len(indexes)
        size = 0
        for at, index in enumerate(indexes):
            size += self._spec.extents.bytes_between(index, index + 1)
            if size > MAX_SHOWN_BYTES:
                return max(1, at)
        return len(indexes)

    def names(self, indexes: Sequence[int]) -> Sequence[str | msgspec.UnsetType]:
        """Return the names of payloads that are files, to be shown beside them; of others none is set."""
        if self._files is None:
            return [msgspec.UNSET] * len(indexes)
        return [self._files.name(index) for index in indexes]


async def inputs_of(sources: Sources, record: TaskRecord) -> Inputs:
    """Return the payloads of a task.

    Raises:
        BadBlob: Their blob is lost.
    """
    text = record.payloads
    spec = _parsed(text) if len(text) <= SMALL else await asyncio.to_thread(_parsed, text)
    if isinstance(spec, payloads.StoredSpec) and spec.kind == "values":
        spec = msgspec.structs.replace(spec, task=record.id)
    return await inputs_of_spec(sources, spec)


async def inputs_of_spec(sources: Sources, spec: payloads.PayloadSpec) -> Inputs:
    """Return the payloads of a spec.

    Raises:
        BadBlob: It names a blob that is not there, or is none of its kind.
    """
    spec = await sources.resolved(spec)
    index = await sources.index(spec) if isinstance(spec, payloads.StoredSpec) and spec.blob else None
    return Inputs(spec, sources, index if isinstance(index, Files) else None)


def _parsed(text: bytes) -> payloads.PayloadSpec:
    return payload_parsing.parse_spec(msgspec.json.decode(text))
