"""Arrivals in MongoDB.

Rule: they are written after the rows they tell of and before a stretch's document names those, so whatever breaks off
between is told again by whoever finds the rows. Nothing is left out; an index may be told of more than once.

Each manager numbers its own arrivals of a task, so no reader passes one that is not there yet. Pages follow the time of
the commits.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from heapq import merge
from typing import Any, NamedTuple

import msgspec

from disio_manager.core import changes
from disio_manager.core.changes import Change
from disio_manager.stores.journal import PAGE_BYTES, PAGE_ROWS, ArrivalPage, Mark, Position, passed_by, rest_of
from disio_manager.stores.mongo_documents import (
    Database,
    Document,
    encode,
    index_of,
    number_of,
    rows_between,
)
from disio_manager.stores.rows import FailureRow, ResultRow
from disio_shared.ranges import RangeSet, Run, runs_of

INDEXES: list[list[tuple[str, int]]] = [[("task", 1), ("kind", 1)]]
RESULTS, FAILURES = "results", "failures"
MAX_REMEMBERED = 20_000
MAX_LOOKED_AT = 1_000
"""Arrivals of one manager that a page looks at."""
MAX_SPANS = 100
"""Runs that one filter names."""
_runs = msgspec.msgpack.Decoder(list[tuple[int, int]])
_errors = msgspec.msgpack.Decoder(list[str])
Known = Callable[[str], Awaitable[tuple[int, int] | None]]
"""Returns a task's number and something else."""


def first_id(number: int, writer: str = "", seq: int = 0) -> str:
    """Return the ``_id`` of an arrival; those of one task lie together, and in it those of one writer."""
    return f"{number:08x}/{writer}/{seq:012x}" if writer else f"{number:08x}/"


def _of_task(number: int) -> Document:
    return {"_id": {"$gte": f"{number:08x}/", "$lt": f"{number:08x}0"}}


class MongoArrivals:
    """Writes the arrivals of one manager."""

    def __init__(self, db: Database, manager: str) -> None:
        self._db, self._manager = db, manager
        self._last: dict[int, int] = {}

    def forget(self) -> None:
        """Forget what is remembered: a commit broke off."""
        self._last.clear()

    async def write(self, group: Sequence[Change], known: Known) -> None:
        """Tell of the rows of a group, which are written."""
        told: dict[tuple[int, str], tuple[float, list[Run]]] = {}
        for task, kind, at, runs in _told_in(group):
            found = await known(task)
            if found is not None:
                told.setdefault((found[0], kind), (at, []))[1].extend(runs)
        documents = []
        for (number, kind), (at, runs) in told.items():
            documents.append(await self._document(number, kind, at, RangeSet(sorted(runs)).runs()))
        if documents:
            await self._db["arrivals"].insert_many(documents, ordered=True)

    async def add_missing(self, number: int, results: RangeSet) -> None:
        """Tell of results in a stretch that no arrival names."""
        told = RangeSet()
        async for found in self._db["arrivals"].find({"task": number, "kind": RESULTS}, {"runs": 1}):
            told.add_all(_runs.decode(found["runs"]))
        missing = results.difference(told.runs()).runs()
        if missing:
            document = await self._document(number, RESULTS, 0.0, missing)
            await self._db["arrivals"].insert_many([document], ordered=True)

    async def tell_failures(self, number: int, failed: list[Run], retries: int) -> None:
        """Tell of the failures that are there, unless that was the last that this manager told of any.

        An older arrival may be of failures that were queued again since, so it does not count.
        """
        mine = {"task": number, "kind": FAILURES, "writer": self._manager}
        cursor = self._db["arrivals"].find(mine, {"runs": 1, "retries": 1}).sort("_id", -1).limit(1)
        async for found in cursor:
            if found.get("retries") == retries and _runs.decode(found["runs"]) == failed:
                return
        document = await self._document(number, FAILURES, 0.0, failed)
        await self._db["arrivals"].insert_many([{**document, "retries": retries}], ordered=True)

    async def drop(self, number: int) -> None:
        """Remove the arrivals of a task."""
        await self._db["arrivals"].delete_many(_of_task(number))
        self._last.pop(number, None)

    async def _document(self, number: int, kind: str, at: float, runs: list[Run]) -> Document:
        if number not in self._last:
            if len(self._last) >= MAX_REMEMBERED:
                self._last.clear()
            self._last[number] = await _last_seq(self._db, number, self._manager)
        self._last[number] += 1
        seq = self._last[number]
        name = first_id(number, self._manager, seq)
        at_ms = round(at * 1000)
        columns = {"task": number, "writer": self._manager, "seq": seq, "kind": kind, "at": at_ms}
        return {"_id": name, **columns, "runs": encode(runs)}


def _told_in(group: Iterable[Change]) -> Iterable[tuple[str, str, float, list[Run]]]:
    """Yield task, kind, time and indexes of what a group adds. Failures of others' payloads add no rows."""
    for change in group:
        rows = change.rows if isinstance(change, changes.AddForeign) else change
        if isinstance(rows, changes.AddResults):
            yield rows.task, RESULTS, rows.at, runs_of(rows.indexes)
        elif isinstance(change, changes.AddFailures):
            yield change.task, FAILURES, change.at, runs_of(change.indexes)
        elif isinstance(change, changes.NoteResults):
            yield change.task, RESULTS, 0.0, change.runs


class MongoJournal:
    """JournalStore over a database."""

    def __init__(self, db: Database, answering: Callable[[], AbstractContextManager[None]]) -> None:
        self._db, self._answering = db, answering

    async def arrivals(self, task: str, after: Position, limit: int) -> ArrivalPage:
        """Return what came after a position."""
        with self._answering():
            number = await number_of(self._db, task)
            if number is None:
                return ArrivalPage(after, [], [], is_end=True)
            return await self._page(number, after, limit)

    async def head(self, task: str) -> Position:
        """Return the position after everything."""
        with self._answering():
            number = await number_of(self._db, task)
            if number is None:
                return Position()
            writers = await self._writers(number)
            return Position({each: Mark(await _last_seq(self._db, number, each), 0) for each in writers})

    async def _page(self, number: int, after: Position, limit: int) -> ArrivalPage:
        marks, found = dict(after.marks), _Found(self._db, number, limit)
        queues: list[list[_Arrival]] = []
        for writer in await self._writers(number):
            queues.append(await self._next_of(number, writer, marks.get(writer, Mark(0, 0)).seq))
        # What is told of beyond the end of a full queue may be older than the rest of the others: it waits.
        full = [queue[-1].at for queue in queues if len(queue) == MAX_LOOKED_AT]
        for arrival in merge(*queues, key=lambda each: each.at):
            if full and arrival.at > min(full):
                return ArrivalPage(Position(marks), found.results, found.failures, is_end=False)
            offset = marks.get(arrival.writer, Mark(0, 0)).offset
            marks[arrival.writer] = await found.take(arrival, offset)
            if found.is_full:
                return ArrivalPage(Position(marks), found.results, found.failures, is_end=False)
        return ArrivalPage(Position(marks), found.results, found.failures, is_end=not full)

    async def _writers(self, number: int) -> list[str]:
        """Return who has told of anything, with one look each."""
        writers: list[str] = []
        above = first_id(number)
        while True:
            bounds = {"$gt": above, "$lt": f"{number:08x}0"}
            found = await self._db["arrivals"].find_one({"_id": bounds}, {"writer": 1}, sort=[("_id", 1)])
            if found is None:
                return writers
            writers.append(found["writer"])
            above = f"{number:08x}/{found['writer']}0"

    async def _next_of(self, number: int, writer: str, seq: int) -> "list[_Arrival]":
        bounds = {"$gt": first_id(number, writer, seq), "$lt": f"{number:08x}/{writer}0"}
        cursor = self._db["arrivals"].find({"_id": bounds}).sort("_id", 1).limit(MAX_LOOKED_AT)
        queue: list[_Arrival] = []
        at = 0
        async for found in cursor:
            at = max(at, found["at"])  # one writer's are in order, whatever its clock said
            queue.append(_Arrival(at, writer, found["seq"], found["kind"], _runs.decode(found["runs"])))
        return queue


class _Arrival(NamedTuple):
    at: int
    """Milliseconds since 1970, never before those of an earlier one of its writer."""
    writer: str
    seq: int
    kind: str
    runs: list[Run]


class _Found:
    """A page in the making."""

    def __init__(self, db: Database, number: int, limit: int) -> None:
        self._db, self._number = db, number
        self._left, self._bytes = min(limit or PAGE_ROWS, PAGE_ROWS), PAGE_BYTES
        self.results: list[ResultRow] = []
        self.failures: list[FailureRow] = []

    @property
    def is_full(self) -> bool:
        return self._left <= 0 or self._bytes <= 0

    async def take(self, arrival: _Arrival, offset: int) -> Mark:
        """Read the rows of an arrival, less its first ``offset`` indexes, until the page is full; return how far."""
        runs = rest_of(arrival.runs, offset)
        for at in range(0, len(runs), MAX_SPANS):
            reached = await self._read(arrival.kind, runs[at : at + MAX_SPANS])
            if self.is_full and reached is not None:
                passed = passed_by(arrival.runs, reached)
                is_whole = passed == sum(stop - start for start, stop in arrival.runs)
                return Mark(arrival.seq, 0) if is_whole else Mark(arrival.seq - 1, passed)
        return Mark(arrival.seq, 0)

    async def _read(self, kind: str, runs: list[Run]) -> int | None:
        """Read the rows of some runs; return the last index that was read when the page is full then."""
        spans = [rows_between(self._number, start, stop) for start, stop in runs]
        wanted = spans[0] if len(spans) == 1 else {"$or": spans}
        async for row in self._db[kind].find(wanted).sort("_id", 1).limit(self._left):
            self._keep(kind, index_of(row["_id"]), row)
            if self.is_full:
                return index_of(row["_id"])
        return None

    def _keep(self, kind: str, index: int, row: dict[str, Any]) -> None:
        if kind == RESULTS:
            self.results.append(ResultRow(index, row["v"], row["c"], row["s"]))
            self._bytes -= len(row["v"])
        else:
            self.failures.append(FailureRow(index, _errors.decode(row["errors"])))
        self._left -= 1


async def _last_seq(db: Database, number: int, writer: str) -> int:
    bounds = {"$gt": first_id(number, writer), "$lt": f"{number:08x}/{writer}0"}
    found = await db["arrivals"].find_one({"_id": bounds}, {"seq": 1}, sort=[("_id", -1)])
    return 0 if found is None else int(found["seq"])
