"""A task's payloads as people see them: values, or names of files.

Rule: a file is named and measured, never shown; its bytes are in the archive.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from disio_manager.archives import Archives
from disio_manager.core.records import TaskRecord
from disio_manager.tar_index import Files
from disio_shared import payloads
from disio_shared.values import as_json


class Inputs:
    """The payloads of one spec.

    Args:
        files: Of a spec that is files.
    """

    def __init__(self, spec: payloads.PayloadSpec, files: Files | None) -> None:
        self._spec, self._files = spec, files

    def shown(self, indexes: Sequence[int]) -> list[msgspec.Raw]:
        """Return payloads as JSON text."""
        if self._files is None:
            return [as_json(value) for value in payloads.payloads_at(self._spec, indexes)]
        files = self._files
        told = ({"$file": files.name(index), "bytes": files.sizes[index]} for index in indexes)
        return [msgspec.Raw(msgspec.json.encode(each)) for each in told]

    def named(self, index: int) -> dict[str, str]:
        """Return ``name`` of a payload that is a file, to be shown beside it; nothing of others."""
        return {} if self._files is None else {"name": self._files.name(index)}


async def inputs_of(archives: Archives, record: TaskRecord) -> Inputs:
    """Return the payloads of a task.

    Raises:
        BadArchive: Their archive is lost.
    """
    return await inputs_of_spec(archives, await asyncio.to_thread(_parsed, record.payloads))


async def inputs_of_spec(archives: Archives, spec: payloads.PayloadSpec) -> Inputs:
    """Return the payloads of a spec.

    Raises:
        BadArchive: It names a blob that is not there, or no archive of files.
    """
    return Inputs(spec, await archives.files(spec.blob) if isinstance(spec, payloads.FilesSpec) else None)


def _parsed(text: bytes) -> payloads.PayloadSpec:
    return payloads.parse_spec(msgspec.json.decode(text))
