"""Results of one task as payloads of another: one by one, or several as a list.

Rule: pure. What a segment is made of is told with it, so that whoever reads it later knows what was taken.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from disio_manager.stores.rows import ResultRow
from disio_manager.stores.segments import MAX_SEGMENT_BYTES
from disio_shared.ranges import Run, runs_of
from disio_shared.values import as_json


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a segment was made of."""

    position: str
    """Of the source's journal: whatever came before it is in this segment or in one before."""
    runs: list[Run]
    """Indexes of the results."""


class Part(NamedTuple):
    """Payloads of one segment."""

    values: list[bytes]
    runs: list[Run]
    """Indexes of the results that they are made of."""


class _Made(NamedTuple):
    value: bytes
    indexes: Sequence[int]


class Gathering:
    """Makes payloads of results.

    Args:
        batch: So many results are one payload, fewer when they are large; 0 = each one is a payload as it is.
    """

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._texts: list[bytes] = []
        self._indexes: list[int] = []
        self._size = 0

    def take(self, rows: Iterable[ResultRow]) -> list[Part]:
        """Take results in; return what can be written."""
        if not self._batch:
            return _parts(_Made(row.value, (row.index,)) for row in rows)
        return _parts(made for row in rows for made in self._gather(row))

    def rest(self) -> list[Part]:
        """Return what is left, as a payload that is smaller than the others."""
        return _parts([self._pack()]) if self._texts else []

    def _gather(self, row: ResultRow) -> list[_Made]:
        text, made = bytes(as_json(row.value)), []
        if self._texts and self._size + len(text) > MAX_SEGMENT_BYTES:
            made.append(self._pack())
        self._texts.append(text)
        self._indexes.append(row.index)
        self._size += len(text) + 1
        return [*made, self._pack()] if len(self._texts) == self._batch else made

    def _pack(self) -> _Made:
        made = _Made(b"[" + b",".join(self._texts) + b"]", self._indexes)
        self._texts, self._indexes, self._size = [], [], 0
        return made


def _parts(payloads: Iterable[_Made]) -> list[Part]:
    parts: list[Part] = []
    values: list[bytes] = []
    indexes: list[int] = []
    size = 0
    for made in payloads:
        if values and size + len(made.value) > MAX_SEGMENT_BYTES:
            parts.append(Part(values, runs_of(indexes)))
            values, indexes, size = [], [], 0
        values.append(made.value)
        indexes += made.indexes
        size += len(made.value)
    return [*parts, Part(values, runs_of(indexes))] if values else parts
