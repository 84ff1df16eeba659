"""Tasks out of MongoDB's documents, put right where a commit broke off.

Rule: only rows of stretches that this manager owns are counted and mended; what others own is taken as it is written.

Results are not read where the stretch's document names them (see ``mongo_books``).
"""

from typing import Any, NamedTuple

import msgspec

from disio_manager.core.records import BlockRecord, Growth, LoadedTask, StretchRecord, TaskRecord
from disio_manager.stores import assembling, mongo_matches, mongo_segments
from disio_manager.stores.assembling import StretchRows
from disio_manager.stores.mongo_blobs import MongoBlobs
from disio_manager.stores.mongo_books import FIELD, Books, named, told_in
from disio_manager.stores.mongo_documents import (
    Database,
    block_document,
    block_of,
    drop_all,
    found_among,
    index_of,
    put_where,
    replace_where,
    row_id,
    rows_between,
    set_where,
    stretch_document,
    stretch_of,
)
from disio_manager.stores.mongo_journal import MongoArrivals
from disio_manager.stores.mongo_reading import MongoReader
from disio_manager.stores.mongo_rows import BATCH, MAX_NEAR, Span, ids_between, of_task
from disio_manager.stores.segments import growth_of
from disio_shared.errors import OwnershipLost
from disio_shared.ranges import RangeSet, Run, indexes_of, runs_of

NEAR = 10_000
"""Indexes between two blocks that are rather read than asked about twice."""
TASKS_AT_ONCE = 50
"""Tasks whose rows are asked for in one query."""


class Head(NamedTuple):
    """What is known of a task before its rows are read."""

    record: TaskRecord
    shown: list[StretchRecord]
    own: list[StretchRecord]
    """Those whose rows are to be read: one that is written as done is, for its counters are written last."""
    told: dict[int, RangeSet]
    """The results of those whose documents name them, by their start."""
    growth: Growth | None
    """The log of a growing task."""

    def span(self) -> Span:
        """Return where this manager's rows lie."""
        return self._hull(self.own)

    def unread(self) -> Span:
        """Return where results must be read."""
        return self._hull([each for each in self.own if each.start not in self.told])

    def _hull(self, stretches: list[StretchRecord]) -> Span:
        start = min((each.start for each in stretches), default=0)
        return self.record.number, start, max((each.frontier for each in stretches), default=start)


class Seen(NamedTuple):
    """Rows of one task that stretches share, so that many of them take few queries."""

    blocks: list[dict[str, Any]]
    """By start."""
    failures: RangeSet
    results: RangeSet | None
    """None where there are too many to be read at once."""
    told: dict[int, RangeSet]
    """Results that need not be read, by the start of their stretch."""

    def of(self, stretch: StretchRecord) -> "Seen":
        """Return what there is to know of one stretch."""
        return self._replace(results=self.told.get(stretch.start, self.results))


class MongoLoader:
    """Loads tasks for one manager."""

    def __init__(
        self, db: Database, reader: MongoReader, blobs: MongoBlobs, manager: str, books: Books, arrivals: MongoArrivals
    ) -> None:
        self._db, self._reader, self._blobs, self._manager = db, reader, blobs, manager
        self._books, self._arrivals = books, arrivals

    async def load_all(self, tasks: list[str]) -> list[LoadedTask]:
        """Return tasks, less those that are gone, with the rows of this manager's stretches.

        Raises:
            OwnershipLost: Another manager takes stretches over at this moment.
        """
        loaded: list[LoadedTask] = []
        for at in range(0, len(tasks), TASKS_AT_ONCE):
            loaded += await self._load([(task, None) for task in tasks[at : at + TASKS_AT_ONCE]])
        return loaded

    async def load(self, task: str, starts: set[int] | None = None) -> LoadedTask | None:
        """Return a task with the rows of this manager's stretches; with ``starts`` only stretches that begin there.

        Raises:
            OwnershipLost: Another manager takes the stretches over at this moment.
        """
        return next(iter(await self._load([(task, starts)])), None)

    async def _load(self, wanted: list[tuple[str, set[int] | None]]) -> list[LoadedTask]:
        found = [await self._head(task, starts) for task, starts in wanted]
        heads = [head for head in found if head is not None]
        seen = await self._see(heads)
        return [await self._complete(head, seen[head.record.number]) for head in heads]

    async def _head(self, task: str, starts: set[int] | None) -> Head | None:
        record = await self._reader.bare_task(task)
        if record is None:
            return None
        found = [each async for each in self._db["stretches"].find(rows_between(record.number, 0, None)).sort("_id", 1)]
        stretches = [stretch_of(each, task) for each in found]
        growth = await self._growth(record, stretches)
        own = [one for one in stretches if one.owner == self._manager and (starts is None or one.start in starts)]
        shown = stretches if starts is None else own
        told = {one.start: told_in(each, one) for each, one in zip(found, stretches, strict=True)}
        return Head(
            record,
            shown,
            [each for each in own if each.done < each.stop - each.start],
            {start: results for start, results in told.items() if results is not None},
            growth,
        )

    async def _growth(self, record: TaskRecord, stretches: list[StretchRecord]) -> Growth | None:
        """Return the log of a growing task, and make its stretch as long as that where it is this manager's."""
        if not record.form:
            return None
        growth = growth_of(record.id, await mongo_segments.heads(self._db, record.number))
        stop = sum(head.count for head in growth.segments)
        for stretch in stretches:
            if stretch.owner == self._manager and stretch.stop < stop:
                stretch.stop = stop
                document = {"_id": row_id(record.number, stretch.start), "stop": stop}
                await set_where(self._db, "stretches", [document], {"owner": self._manager})
        return growth

    async def _complete(self, head: Head, seen: Seen) -> LoadedTask:
        rows = [await self._rows(head, stretch, seen.of(stretch)) for stretch in head.own]
        failed = [run for part in rows for run in part.failed]
        if failed:
            await self._arrivals.tell_failures(head.record.number, failed, head.record.retries)
        place = assembling.index_of(head.record)
        index = await self._blobs.index(*place) if place else None
        return assembling.assemble(head.record, head.shown, rows, index, head.growth)

    async def _see(self, heads: list[Head]) -> dict[int, Seen]:
        """Read what stretches share. Results come last: there are only ever more of them."""
        blocks = await self._blocks([head for head in heads if head.own])
        spans = [head.span() for head in heads]
        failures = await ids_between(self._db, "failures", spans)
        narrow = [span for span in (head.unread() for head in heads) if span[2] - span[1] <= MAX_NEAR]
        results = await ids_between(self._db, "results", narrow)
        read = {number for number, _, _ in narrow}
        return {
            number: Seen(
                blocks.get(number, []),
                of_task(failures, number),
                of_task(results, number) if number in read else None,
                head.told,
            )
            for head, (number, _, _) in zip(heads, spans, strict=True)
        }

    async def _blocks(self, heads: list[Head]) -> dict[int, list[dict[str, Any]]]:
        """Return the blocks between the first and the last own stretch of each task, by the task's number."""
        found: dict[int, list[dict[str, Any]]] = {}
        if not heads:
            return found
        bounds = [
            {
                "task": head.record.number,
                "start": {"$gte": min(each.start for each in head.own), "$lt": max(each.stop for each in head.own)},
            }
            for head in heads
        ]
        async for block in self._db["blocks"].find({"$or": bounds}).sort("start", 1).batch_size(BATCH):
            found.setdefault(block["task"], []).append(block)
        return found

    async def _rows(self, head: Head, stretch: StretchRecord, seen: Seen) -> StretchRows:
        record, start, frontier = head.record, stretch.start, stretch.frontier
        number = record.number
        stored, others = self._stored_blocks(record, stretch, seen)
        blocks = assembling.adopt(stored, [block for block, _ in others], frontier)
        closed = await self._closed_in(number, blocks, seen)
        failed = await self._failed(number, start, frontier, seen)
        done = await self._done(number, start, frontier, seen)
        counted = msgspec.structs.replace(stretch, done=done, failed=assembling.size_of(failed))
        if done + counted.failed + assembling.open_in(blocks, closed) != frontier - start:
            found = assembling.gaps(blocks, start, frontier)
            there = [run for a, b in found for run in await self._closed(number, a, b, seen)]
            missing = assembling.lost_blocks(record.id, assembling.lost(found, there))
            blocks = sorted([*blocks, *missing], key=lambda block: block.start)
            closed |= {block.id: [] for block in missing}
        await self._mend_blocks(number, stored, others, blocks)
        results = assembling.done_in(counted, blocks, closed, failed)
        if start not in head.told and results:
            await self._arrivals.add_missing(number, results)  # before the document names them
        if record.policy.stop_when is not None:
            counted.matched = await mongo_matches.count_in(self._db, number, start, frontier, results)
        if counted != stretch:
            await self._mend_stretch(counted, number, results)
        self._open_books(head, counted, results)
        return StretchRows(counted, blocks, closed, failed)

    def _open_books(self, head: Head, stretch: StretchRecord, results: RangeSet) -> None:
        number = head.record.number
        self._books.open(number, stretch.start, stretch.stop, results)
        if stretch.start in head.told:
            self._books.doubt(number, RangeSet([(stretch.start, stretch.frontier)]).difference(results.runs()).runs())

    def _stored_blocks(
        self, record: TaskRecord, stretch: StretchRecord, seen: Seen
    ) -> tuple[list[BlockRecord], list[tuple[BlockRecord, str]]]:
        """Return this manager's blocks in a stretch, and those that an owner before it left there."""
        own: list[BlockRecord] = []
        others: list[tuple[BlockRecord, str]] = []
        for found in seen.blocks:
            block = block_of(found, record.id)
            if not stretch.start <= block.start < stretch.stop:
                continue
            if found["owner"] == self._manager:
                own.append(block)
            else:
                others.append((block, found["owner"]))
        return own, others

    async def _done(self, number: int, start: int, frontier: int, seen: Seen) -> int:
        if seen.results is None:
            return int(await self._db["results"].count_documents(rows_between(number, start, frontier)))
        return assembling.size_of(seen.results.within(start, frontier))

    async def _failed(self, number: int, start: int, frontier: int, seen: Seen) -> list[Run]:
        """Return quarantined payloads; failures of those that have a result are dropped, for a result wins."""
        indexes = indexes_of(seen.failures.within(start, frontier))
        rows = [row_id(number, index) for index in indexes]
        if seen.results is None:
            decided = await found_among(self._db, "results", rows)
        else:
            results = seen.results
            decided = [row for row, index in zip(rows, indexes, strict=True) if index in results]
        await drop_all(self._db, "failures", decided)
        return runs_of(map(index_of, set(rows).difference(decided)))

    async def _mend_blocks(
        self, number: int, stored: list[BlockRecord], others: list[tuple[BlockRecord, str]], right: list[BlockRecord]
    ) -> None:
        """Make block documents what they should have been."""
        before = {block.id: block for block in stored}
        left = {block.id: owner for block, owner in others}
        kept = {block.id for block in right}
        mine = [block for block in right if block.id not in left and before.get(block.id) != block]
        documents = [block_document(block, number, self._manager) for block in mine]
        is_mine = await put_where(self._db, "blocks", documents, {"owner": self._manager})
        adopted = [
            ({"owner": left[block.id]}, block_document(block, number, self._manager))
            for block in right
            if block.id in left
        ]
        if not (await replace_where(self._db, "blocks", adopted) and is_mine):
            raise OwnershipLost(f"blocks of task number {number}")
        await drop_all(self._db, "blocks", [name for name in (*before, *left) if name not in kept])

    async def _mend_stretch(self, counted: StretchRecord, number: int, results: RangeSet) -> None:
        """Write counters that a crash kept from being written: other managers know no others."""
        document = {**stretch_document(counted, number), FIELD: named(results.runs())}
        if not await set_where(self._db, "stretches", [document], {"owner": self._manager}):
            raise OwnershipLost(f"payloads {counted.start} to {counted.stop - 1} of task {counted.task}")

    async def _closed_in(self, number: int, blocks: list[BlockRecord], seen: Seen) -> dict[str, list[Run]]:
        """Return the closed indexes of each block; blocks that lie near each other are read at once."""
        closed: dict[str, list[Run]] = {}
        for near in _near(blocks):
            rows = RangeSet(await self._closed(number, near[0].start, near[-1].stop, seen))
            for block in near:
                span = RangeSet([(block.start, block.stop)])
                closed[block.id] = span.difference(span.difference(rows.runs()).runs()).runs()
        return closed

    async def _closed(self, number: int, start: int, stop: int, seen: Seen) -> list[Run]:
        failures = seen.failures.within(start, stop)
        if seen.results is None:
            return runs_of([*await self._indexes("results", number, start, stop), *indexes_of(failures)])
        rows = RangeSet(seen.results.within(start, stop))
        rows.add_all(failures)
        return rows.runs()

    async def _indexes(self, collection: str, number: int, start: int, stop: int) -> list[int]:
        cursor = self._db[collection].find(rows_between(number, start, stop), {"_id": 1}).batch_size(BATCH)
        return [index_of(found["_id"]) async for found in cursor]


def _near(blocks: list[BlockRecord]) -> list[list[BlockRecord]]:
    """Part blocks, which are sorted, into groups to be read at once."""
    groups: list[list[BlockRecord]] = []
    for block in blocks:
        last = groups[-1] if groups else []
        if last and block.start - last[-1].stop <= NEAR and block.stop - last[0].start <= MAX_NEAR:
            last.append(block)
        else:
            groups.append([block])
    return groups
