"""Arrivals in SQLite.

Rule: an arrival is written in the transaction of its rows, and of results it tells only of those that were new.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import apsw
import msgspec

from disio_manager.stores.journal import PAGE_BYTES, PAGE_ROWS, ArrivalPage, Mark, Position
from disio_manager.stores.rows import FailureRow, ResultRow
from disio_shared.ranges import RangeSet, Run, indexes_of, runs_of

ARRIVALS = """
CREATE TABLE arrivals (
    task INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, runs BLOB NOT NULL, PRIMARY KEY (task, seq)
) WITHOUT ROWID;
"""
RESULTS, FAILURES = 1, 2
WRITER = ""
MAX_REMEMBERED = 20_000
MAX_RUNS = 10_000
"""Runs of one arrival that is made of rows which were there before."""
MAX_LOOKED_AT = 10_000
"""Arrivals of one page, most of which tell of nothing that is still there."""
_ROWS = {
    RESULTS: "SELECT idx, value, client, seconds FROM results JOIN origins ON origins.number = origin",
    FAILURES: "SELECT idx, errors FROM failures",
}
ValueT = TypeVar("ValueT")
_encoder = msgspec.msgpack.Encoder()
_runs = msgspec.msgpack.Decoder(list[tuple[int, int]])
_errors = msgspec.msgpack.Decoder(list[str])


class Arrivals:
    """Writes them, in the writer's thread and transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._last: dict[int, int] = {}
        self._noted: dict[tuple[int, int], list[int]] = {}
        """Task and kind to the indexes of the present transaction."""

    def note_results(self, task: int, indexes: list[int], inserted: int) -> None:
        """Tell of results, ``inserted`` of which were new."""
        if inserted == len(indexes):
            self._note(task, RESULTS, indexes)
        elif inserted:
            self._note(task, RESULTS, indexes_of(RangeSet(runs_of(indexes)).difference(self._told(task)).runs()))

    def note_failures(self, task: int, indexes: list[int], inserted: int) -> None:
        """Tell of failures, if any were new."""
        if inserted:
            self._note(task, FAILURES, indexes)

    def _note(self, task: int, kind: int, indexes: list[int]) -> None:
        self._noted.setdefault((task, kind), []).extend(indexes)

    def finish(self) -> None:
        """Write what the transaction is to tell of: one arrival a task and kind."""
        for (task, kind), indexes in self._noted.items():
            self.write(task, kind, runs_of(indexes))
        self._noted.clear()

    def drop(self, task: int) -> None:
        """Forget a task's."""
        self._connection.execute("DELETE FROM arrivals WHERE task = ?", (task,))
        self._last.pop(task, None)
        for kind in (RESULTS, FAILURES):
            self._noted.pop((task, kind), None)

    def forget(self) -> None:
        """Forget what is remembered: the transaction was undone."""
        self._last.clear()
        self._noted.clear()

    def _told(self, task: int) -> list[Run]:
        told = RangeSet(runs_of(self._noted.get((task, RESULTS), [])))
        query = "SELECT runs FROM arrivals WHERE task = ? AND kind = ?"
        for (runs,) in self._connection.execute(query, (task, RESULTS)):
            told.add_all(_runs.decode(runs))
        return told.runs()

    def write(self, task: int, kind: int, runs: list[Run]) -> None:
        """Write an arrival; its number is the next one of the task."""
        last = self._last.get(task)
        if last is None:
            last = _last_seq(self._connection, task)
            if len(self._last) >= MAX_REMEMBERED:
                self._last.clear()
        self._last[task] = last + 1
        row = (task, last + 1, kind, _encoder.encode(runs))
        self._connection.execute("INSERT INTO arrivals VALUES (?, ?, ?, ?)", row)


class Reading(Protocol):
    """Runs work in the reading thread, in one snapshot."""

    async def __call__(self, work: Callable[[], ValueT]) -> ValueT:
        """Return what the work returns.

        Raises:
            StoreUnavailable: The file does not answer.
        """
        ...


class SqliteJournal:
    """JournalStore over a file."""

    def __init__(self, connection: apsw.Connection, reading: Reading) -> None:
        self._connection, self._reading = connection, reading

    async def arrivals(self, task: str, after: Position, limit: int) -> ArrivalPage:
        """Return what came after a position."""
        return await self._reading(lambda: page(self._connection, task, after, limit))

    async def head(self, task: str) -> Position:
        """Return the position after everything."""

        def read() -> Position:
            number = _number(self._connection, task)
            last = 0 if number is None else _last_seq(self._connection, number)
            return Position({WRITER: Mark(last, 0)} if last else {})

        return await self._reading(read)


def page(connection: apsw.Connection, task: str, after: Position, limit: int) -> ArrivalPage:
    """Return what came after a position."""
    number = _number(connection, task)
    if number is None:
        return ArrivalPage(after, [], [], is_end=True)
    mark, found = after.marks.get(WRITER, Mark(0, 0)), _Found(connection, number, limit)
    query = "SELECT seq, kind, runs FROM arrivals WHERE task = ? AND seq > ? ORDER BY seq LIMIT ?"
    looked_at = 0
    for seq, kind, packed in connection.execute(query, (number, mark.seq, MAX_LOOKED_AT)):
        looked_at += 1
        mark = found.take(seq, kind, _runs.decode(packed), mark.offset)
        if found.is_full:
            break
    position = Position({WRITER: mark} if mark != Mark(0, 0) else {})
    return ArrivalPage(position, found.results, found.failures, not found.is_full and looked_at < MAX_LOOKED_AT)


class _Found:
    """A page in the making."""

    def __init__(self, connection: apsw.Connection, number: int, limit: int) -> None:
        self._connection, self._number = connection, number
        self._left, self._bytes = min(limit or PAGE_ROWS, PAGE_ROWS), PAGE_BYTES
        self.results: list[ResultRow] = []
        self.failures: list[FailureRow] = []

    @property
    def is_full(self) -> bool:
        return self._left <= 0 or self._bytes <= 0

    def take(self, seq: int, kind: int, runs: list[Run], offset: int) -> Mark:
        """Read the rows of an arrival, less its first ``offset`` indexes, until the page is full; return how far."""
        passed = 0
        for start, stop in runs:
            skipped = min(stop - start, max(0, offset - passed))
            reached = self._read(kind, start + skipped, stop) if skipped < stop - start else stop
            passed += reached - start
            if self.is_full:
                break
        is_whole = passed == sum(stop - start for start, stop in runs)
        return Mark(seq, 0) if is_whole else Mark(seq - 1, passed)

    def _read(self, kind: int, start: int, stop: int) -> int:
        """Read the rows of a run; return the index up to which it is done."""
        query = f"{_ROWS[kind]} WHERE task = ? AND idx >= ? AND idx < ? ORDER BY idx LIMIT ?"
        for row in self._connection.execute(query, (self._number, start, stop, self._left)):
            self._keep(kind, row)
            if self.is_full:
                return int(row[0]) + 1
        return stop

    def _keep(self, kind: int, row: Any) -> None:
        if kind == RESULTS:
            self.results.append(ResultRow(*row))
            self._bytes -= len(row[1])
        else:
            self.failures.append(FailureRow(row[0], _errors.decode(row[1])))
        self._left -= 1


def fill(connection: apsw.Connection) -> None:
    """Make arrivals of the rows that a file of an earlier version has, in index order."""
    arrivals = Arrivals(connection)
    numbers = [int(number) for (number,) in connection.execute("SELECT number FROM tasks ORDER BY number")]
    for task in numbers:
        for kind, table in ((RESULTS, "results"), (FAILURES, "failures")):
            query = f"SELECT idx FROM {table} WHERE task = ? ORDER BY idx"
            for runs in _gathered(index for (index,) in connection.execute(query, (task,))):
                arrivals.write(task, kind, runs)


def _gathered(indexes: Iterable[int]) -> Iterable[list[Run]]:
    """Yield the runs of ascending indexes, at most ``MAX_RUNS`` at a time."""
    runs: list[Run] = []
    start = stop = -1
    for index in indexes:
        if index == stop:
            stop += 1
            continue
        if stop > 0:
            runs.append((start, stop))
        if len(runs) == MAX_RUNS:
            yield runs
            runs = []
        start, stop = index, index + 1
    if stop > 0:
        yield [*runs, (start, stop)]


def _number(connection: apsw.Connection, task: str) -> int | None:
    found = connection.execute("SELECT number FROM tasks WHERE id = ?", (task,)).get
    return None if found is None else int(found)


def _last_seq(connection: apsw.Connection, task: int) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM arrivals WHERE task = ?", (task,)).get)
