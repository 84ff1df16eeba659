"""The journal of a task: what was accepted, in the order it was.

Rule: an arrival is durable with the rows it tells of, never before them. SQLite tells of each result once; a store that
several managers write may tell of an index again, so whoever reads on drops repeats.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Protocol

import msgspec

from disio_manager.stores.rows import FailureRow, ResultRow
from disio_shared.ranges import RangeSet, Run

PAGE_ROWS = 2_000
PAGE_BYTES = 4 << 20
"""Of results on a page; one row may be more by itself."""
MAX_WRITERS = 1_000
MAX_TEXT = 64 << 10


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far the arrivals of one writer are read."""

    seq: int
    """Those up to it are read whole."""
    offset: int
    """Of the next one, so many indexes are read."""


class Position(msgspec.Struct, frozen=True):
    """How far a journal is read. The beginning has no marks."""

    marks: dict[str, Mark] = {}
    """By writer; a store with one writer calls it by the empty name."""

    def text(self) -> str:
        """Return it as the text that REST calls a cursor."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self.marks, order="deterministic")).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position of a text; the empty text is the beginning.

        Raises:
            ValueError: It is no such text.
        """
        if not text:
            return cls()
        if len(text) > MAX_TEXT or not text.isascii():
            raise ValueError("no position in a journal")
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            marks = msgspec.msgpack.decode(packed, type=dict[str, Mark])
        except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError("no position in a journal") from error
        is_fine = all(0 <= number < 2**62 for mark in marks.values() for number in (mark.seq, mark.offset))
        if len(marks) > MAX_WRITERS or not is_fine:
            raise ValueError("no position in a journal")
        return cls(marks)


class ArrivalPage(msgspec.Struct, frozen=True):
    """What came next, at most ``PAGE_ROWS`` rows and about ``PAGE_BYTES`` of results."""

    position: Position
    """Where to read on."""
    results: list[ResultRow]
    failures: list[FailureRow]
    """As they stand now: what was opened again meanwhile is not among them, and what failed again comes again."""
    is_end: bool
    """Nothing more has come so far."""


class JournalStore(Protocol):
    """Reads journals; they are written with the rows, by ``commit``."""

    async def arrivals(self, task: str, after: Position, limit: int) -> ArrivalPage:
        """Return what came after a position, at most ``limit`` rows (0 = a page); nothing of a task that is gone."""
        ...

    async def head(self, task: str) -> Position:
        """Return the position after everything that has come so far."""
        ...


class HasJournal(Protocol):
    """A store that keeps journals."""

    @property
    def journal(self) -> JournalStore:
        """Where they are."""
        ...


class JournalReader:
    """Reads one task's journal from a position on, and tells of each result once.

    Args:
        had: Results that are known already; it grows with what is read.
    """

    def __init__(self, journal: JournalStore, task: str, position: Position, had: RangeSet) -> None:
        self._journal, self._task, self._had = journal, task, had
        self.position = position

    async def page(self, limit: int = 0) -> ArrivalPage:
        """Return what came next, without results that came before; a failure comes again when it fails again.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        page = await self._journal.arrivals(self._task, self.position, limit)
        self.position = page.position
        fresh = [row for row in page.results if self._had.add(row.index, row.index + 1)]
        return ArrivalPage(page.position, fresh, page.failures, page.is_end)


def rest_of(runs: Sequence[Run], offset: int) -> list[Run]:
    """Return runs without their first ``offset`` indexes."""
    rest: list[Run] = []
    for start, stop in runs:
        skipped = min(offset, stop - start)
        offset -= skipped
        if start + skipped < stop:
            rest.append((start + skipped, stop))
    return rest


def passed_by(runs: Sequence[Run], index: int) -> int:
    """Return how many indexes of ascending runs are not above an index."""
    return sum(min(stop, index + 1) - start for start, stop in runs if start <= index)
