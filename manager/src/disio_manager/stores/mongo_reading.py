"""Documents of MongoDB to what the core and the REST interface want.

Rule: reads go by ``_id`` or by an index, and every page is bounded in rows and bytes.
"""

from collections.abc import AsyncIterator

import msgspec

from disio_manager.core.records import DistributorRecord, SharedTask, StretchRecord, TaskRecord
from disio_manager.stores import mongo_matches
from disio_manager.stores.assembling import with_counters
from disio_manager.stores.base import FailureRow, IndexedRows, ResultRow, StoredBlock
from disio_manager.stores.mongo_books import FIELD
from disio_manager.stores.mongo_documents import (
    DELETED,
    Database,
    Document,
    block_of,
    in_parts,
    index_of,
    number_of,
    read_chunks,
    rows_between,
    stretch_of,
)
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
        """Return a task with its payloads and the counters of its stretches."""
        record = await self.bare_task(task)
        return None if record is None else with_counters(record, await self.stretches(record))

    async def bare_task(self, task: str) -> TaskRecord | None:
        """Return a task with its payloads as it is written, which is without counters."""
        found = await self._db["tasks"].find_one({"_id": task})
        if found is None or found["state"] == DELETED:
            return None
        payloads = await read_chunks(self._db, f"task/{found['number']}", found["parts"])
        return msgspec.structs.replace(_records.decode(found["record"]), payloads=payloads)

    async def stretches(self, record: TaskRecord) -> list[StretchRecord]:
        """Return the stretches of a task as they are written, by start."""
        cursor = self._db["stretches"].find(rows_between(record.number, 0, None), {FIELD: 0}).sort("_id", 1)
        return [stretch_of(found, record.id) async for found in cursor]

    async def shared(self, matching: Document, limit: int = 0) -> list[SharedTask]:
        """Return up to ``limit`` (0 = all) tasks, oldest first, with their stretches."""
        cursor = self._db["tasks"].find(matching, {"record": 1}).sort("number", 1).limit(limit)
        return await self._with_stretches([_records.decode(found["record"]) async for found in cursor])

    async def _with_stretches(self, records: list[TaskRecord]) -> list[SharedTask]:
        """Join tasks with their stretches; their counters are the sums of those."""
        of: dict[int, list[StretchRecord]] = {record.number: [] for record in records}
        names = {record.number: record.id for record in records}
        for numbers in in_parts(sorted(of)):
            cursor = self._db["stretches"].find({"task": {"$in": numbers}}, {FIELD: 0}).sort("_id", 1)
            async for found in cursor:
                of[found["task"]].append(stretch_of(found, names[found["task"]]))
        stretches = [of[record.number] for record in records]
        return [
            SharedTask(record=with_counters(record, own), stretches=own)
            for record, own in zip(records, stretches, strict=True)
        ]

    async def result_pages(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield results in index order from ``start``, at most ``limit`` (0 = all)."""
        number = await number_of(self._db, task)
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

    async def match_pages(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield results that satisfy the task's condition, in index order, at most ``limit`` (0 = all)."""
        number = await number_of(self._db, task)
        if number is not None:
            async for page in mongo_matches.pages(self._db, number, start, limit):
                yield page

    async def failures(self, task: str, start: int, limit: int) -> list[FailureRow]:
        """Return quarantined payloads in index order from ``start``, at most ``limit`` (0 = all)."""
        number = await number_of(self._db, task)
        if number is None:
            return []
        cursor = self._db["failures"].find(rows_between(number, start, None)).sort("_id", 1).limit(limit)
        return [
            FailureRow(index_of(found["_id"]), _errors.decode(found["errors"]), found.get("at", 0.0))
            async for found in cursor
        ]

    async def distributors(self, only: Document | None = None) -> list[DistributorRecord]:
        """Return every distributor whose document fits a filter."""
        cursor = self._db["distributors"].find(only or {}).sort("_id", 1).limit(MAX_DISTRIBUTORS)
        return [_distributors.decode(found["record"]) async for found in cursor]

    async def indexes(self, rows: IndexedRows, task: str, start: int, limit: int) -> list[int]:
        """Return up to ``limit`` indexes that have such a row, ascending from ``start``."""
        number = await number_of(self._db, task)
        if number is None:
            return []
        if rows == "matches":
            return await mongo_matches.indexes(self._db, number, start, limit)
        cursor = self._db[rows].find(rows_between(number, start, None), {"_id": 1}).sort("_id", 1).limit(limit)
        return [index_of(found["_id"]) async for found in cursor]

    async def blocks(self, task: str, start: int, limit: int) -> list[StoredBlock]:
        """Return up to ``limit`` blocks that begin at ``start`` or above, by start."""
        number = await number_of(self._db, task)
        if number is None:
            return []
        matching = {"task": number, "start": {"$gte": start}}
        cursor = self._db["blocks"].find(matching).sort([("start", 1), ("_id", 1)]).limit(limit)
        return [StoredBlock(block_of(found, task), found["owner"]) async for found in cursor]
