"""Documents of MongoDB to what the core and the REST interface want.

Rule: reads go by ``_id`` or by an index, and every page is bounded in rows and bytes.
"""

import re
from collections.abc import AsyncIterator

import msgspec

from disio_manager.core.records import BlockRecord, DistributorRecord, LoadedTask, TaskRecord
from disio_manager.stores import assembling
from disio_manager.stores.base import FailureRow, ResultRow, TaskPage
from disio_manager.stores.mongo_documents import Database, Document, index_of, read_chunks, rows_between
from disio_shared.ranges import Run, runs_of
from disio_shared.taskdoc import OPEN_STATES

PAGE_ROWS = 1_000
PAGE_BYTES = 4 << 20
MAX_DISTRIBUTORS = 10_000

_records = msgspec.msgpack.Decoder(TaskRecord)
_distributors = msgspec.msgpack.Decoder(DistributorRecord)
_errors = msgspec.msgpack.Decoder(list[str])


class MongoReader:
    """Reads one database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def open_tasks(self) -> list[str]:
        """Return ids of open tasks, oldest first."""
        cursor = self._db["tasks"].find({"state": {"$in": sorted(OPEN_STATES)}}, {"number": 1}).sort("number", 1)
        return [found["_id"] async for found in cursor]

    async def task(self, task: str) -> TaskRecord | None:
        """Return a task with its payloads."""
        found = await self._db["tasks"].find_one({"_id": task})
        if found is None or found["state"] == "deleted":
            return None
        payloads = await read_chunks(self._db, f"task/{found['number']}", found["parts"])
        return msgspec.structs.replace(_records.decode(found["record"]), payloads=payloads)

    async def blocks(self, record: TaskRecord) -> list[BlockRecord]:
        """Return the blocks of a task as they are written."""
        cursor = self._db["blocks"].find({"task": record.number}).sort("start", 1)
        return [
            BlockRecord(
                id=found["_id"],
                task=record.id,
                start=found["start"],
                stop=found["stop"],
                lease=found["lease"],
                holder=found["holder"],
            )
            async for found in cursor
        ]

    async def assemble(self, record: TaskRecord, stored: list[BlockRecord]) -> LoadedTask:
        """Return a task counted from its rows, its blocks put right where a crash came between writes."""
        number, frontier = record.number, record.frontier
        blocks = assembling.untangle(stored, frontier)
        closed = {block.id: await self._closed(number, block.start, block.stop) for block in blocks}
        failed = runs_of(await self._indexes("failures", number, 0, None))
        done = await self._db["results"].count_documents(rows_between(number, 0, None))
        if done + sum(b - a for a, b in failed) + assembling.open_in(blocks, closed) != frontier:
            found = assembling.gaps(blocks, frontier)
            there = [run for start, stop in found for run in await self._closed(number, start, stop)]
            missing = assembling.lost_blocks(record.id, assembling.lost(found, there))
            blocks = sorted([*blocks, *missing], key=lambda block: block.start)
            closed |= {block.id: [] for block in missing}
        return assembling.assemble(record, blocks, closed, done, failed)

    async def task_page(self, state: str, q: str, limit: int, cursor: str) -> TaskPage:
        """Return a page of tasks, newest first; the cursor is the number of the last one."""
        matching: Document = {"state": state or {"$ne": "deleted"}}
        if q:
            matching["search"] = {"$regex": re.escape(q.casefold())}
        total = await self._db["tasks"].count_documents(matching)
        below = {"number": {"$lt": int(cursor)}} if cursor.isdecimal() else {}
        found = self._db["tasks"].find({**matching, **below}, {"record": 1}).sort("number", -1).limit(limit + 1)
        rows = [_records.decode(one["record"]) async for one in found]
        items = rows[:limit]
        more = len(rows) > limit and bool(items)
        return TaskPage(items=items, next_cursor=str(items[-1].number) if more else None, total=total)

    async def result_pages(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield results in index order from ``start``, at most ``limit`` (0 = all)."""
        number = await self._number(task)
        if number is None:
            return
        fields = {"v": 1, "c": 1, "s": 1}
        cursor = self._db["results"].find(rows_between(number, start, None), fields).sort("_id", 1).limit(limit)
        page: list[ResultRow] = []
        size = 0
        async for found in cursor.batch_size(PAGE_ROWS):
            page.append(ResultRow(index_of(found["_id"]), found["v"], found["c"], found["s"]))
            size += len(found["v"])
            if len(page) >= PAGE_ROWS or size > PAGE_BYTES:
                yield page
                page, size = [], 0
        if page:
            yield page

    async def failures(self, task: str, start: int, limit: int) -> list[FailureRow]:
        """Return quarantined payloads in index order from ``start``, at most ``limit`` (0 = all)."""
        number = await self._number(task)
        if number is None:
            return []
        cursor = self._db["failures"].find(rows_between(number, start, None)).sort("_id", 1).limit(limit)
        return [FailureRow(index_of(found["_id"]), _errors.decode(found["errors"])) async for found in cursor]

    async def distributors(self) -> list[DistributorRecord]:
        """Return every distributor."""
        cursor = self._db["distributors"].find({}).sort("_id", 1).limit(MAX_DISTRIBUTORS)
        return [_distributors.decode(found["record"]) async for found in cursor]

    async def _number(self, task: str) -> int | None:
        found = await self._db["tasks"].find_one({"_id": task}, {"number": 1})
        return None if found is None else int(found["number"])

    async def _closed(self, number: int, start: int, stop: int) -> list[Run]:
        results = await self._indexes("results", number, start, stop)
        return runs_of([*results, *await self._indexes("failures", number, start, stop)])

    async def _indexes(self, collection: str, number: int, start: int, stop: int | None) -> list[int]:
        cursor = self._db[collection].find(rows_between(number, start, stop), {"_id": 1})
        return [index_of(found["_id"]) async for found in cursor]
