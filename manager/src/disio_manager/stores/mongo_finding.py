"""Finding tasks in MongoDB.

Rule: what the tasks' own documents say is compared there; what their stretches say (progress, failures) is added up
here, of small fields of the tasks that fit, and records are read of the page that is shown alone.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import msgspec

from disio_manager.core.records import TaskRecord
from disio_manager.stores.finding import END, MAX_IDS, Cursor, Matches, Sort, TaskFilter, paged, progress
from disio_manager.stores.mongo_documents import DELETED, Database, Document
from disio_manager.stores.mongo_reading import MongoReader
from disio_manager.stores.rows import TaskPage

INDEXES: list[list[tuple[str, int]]] = [[("created", -1)], [("ended", -1)], [("owner", 1)]]
_records = msgspec.msgpack.Decoder(TaskRecord)
SMALL = {"number": 1, "total": 1, "ended": 1}


class _Small(NamedTuple):
    key: float
    number: int
    id: str


class MongoFinding:
    """FindingStore over the collections ``tasks`` and ``stretches``.

    Args:
        db: Where they are.
        reader: Reads whole tasks.
        answering: Translates the driver's errors.
    """

    def __init__(
        self, db: Database, reader: MongoReader, answering: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db, self._reader, self._answering = db, reader, answering

    async def page(self, wanted: TaskFilter, sort: Sort, limit: int, cursor: Cursor) -> TaskPage:
        """Return a page of tasks."""
        with self._answering():
            if sort == "progress" or wanted.has_failures:
                return await self._added_up(wanted, sort, limit, cursor)
            matching = _matching(wanted)
            total = await self._db["tasks"].count_documents(matching)
            behind: Document = {"number": {"$lt": cursor.number}}
            if sort == "ended":
                behind = _behind_end(cursor)
            order = [("ended", -1), ("number", -1)] if sort == "ended" else [("number", -1)]
            query = {"$and": [matching, behind]} if cursor.number != END else matching
            found = self._db["tasks"].find(query, {"number": 1}).sort(order).limit(limit + 1)
            return paged(await self._records([one["number"] async for one in found]), total, sort, limit)

    async def ids(self, wanted: TaskFilter) -> Matches:
        """Return the tasks that fit."""
        with self._answering():
            if wanted.has_failures:
                small = sorted(await self._small(wanted, "newest"), key=lambda one: one.number)
                return Matches([one.id for one in small[:MAX_IDS]], len(small))
            matching = _matching(wanted)
            total = await self._db["tasks"].count_documents(matching)
            found = self._db["tasks"].find(matching, {"number": 1}).sort("number", 1).limit(MAX_IDS)
            return Matches([one["_id"] async for one in found], total)

    async def _added_up(self, wanted: TaskFilter, sort: Sort, limit: int, cursor: Cursor) -> TaskPage:
        small = sorted(await self._small(wanted, sort), reverse=True)
        page = [one.number for one in small if (one.key, one.number) < cursor][: limit + 1]
        return paged(await self._records(page), len(small), sort, limit)

    async def _small(self, wanted: TaskFilter, sort: Sort) -> list[_Small]:
        """Return the tasks that fit, each with what it is sorted by."""
        closed, failed = dict[int, int](), set[int]()
        async for one in self._db["stretches"].find({}, {"task": 1, "done": 1, "failed": 1}):
            closed[one["task"]] = closed.get(one["task"], 0) + one["done"] + one["failed"]
            failed |= {one["task"]} if one["failed"] else set()
        found = []
        async for one in self._db["tasks"].find(_matching(wanted), SMALL):
            number = one["number"]
            if wanted.has_failures and number not in failed:
                continue
            share = progress(closed.get(number, 0), one.get("total", 0))
            keys: dict[Sort, float] = {"newest": float(number), "ended": one.get("ended") or 0.0, "progress": share}
            found.append(_Small(keys[sort], number, one["_id"]))
        return found

    async def _records(self, numbers: Sequence[int]) -> list[TaskRecord]:
        """Return tasks in the order of their numbers here."""
        if not numbers:
            return []
        shared = await self._reader.shared({"number": {"$in": list(numbers)}, "state": {"$ne": DELETED}})
        of = {each.record.number: each.record for each in shared}
        return [of[number] for number in numbers if number in of]


def _matching(wanted: TaskFilter) -> Document:
    matching: Document = {"state": {"$in": sorted(set(wanted.states))} if wanted.states else {"$ne": DELETED}}
    if wanted.numbers:
        matching["$or"] = [{"number": {"$gte": start, "$lt": stop}} for start, stop in wanted.numbers]
    if wanted.ids:
        matching["_id"] = {"$in": list(wanted.ids)}
    if wanted.owner:
        matching["owner"] = wanted.owner
    if wanted.q:
        matching["search"] = {"$regex": re.escape(wanted.q.casefold())}
    if wanted.created is not None:
        matching["created"] = {"$gte": wanted.created[0], "$lt": wanted.created[1]}
    if wanted.ended is not None:
        matching["ended"] = {"$gte": max(wanted.ended[0], 1e-9), "$lt": wanted.ended[1]}
    return matching


def _behind_end(cursor: Cursor) -> Document:
    return {"$or": [{"ended": {"$lt": cursor.key}}, {"ended": cursor.key, "number": {"$lt": cursor.number}}]}


async def fill(db: Database) -> None:
    """Put what is compared of tasks that an earlier version wrote beside their records."""
    async for found in db["tasks"].find({"created": {"$exists": False}}, {"record": 1}):
        record = _records.decode(found["record"])
        fields: Document = {"created": record.created_at, "ended": record.finished_at or 0.0, "total": record.total}
        await db["tasks"].update_one({"_id": found["_id"], "created": {"$exists": False}}, {"$set": fields})
    async for found in db["tasks"].find({"owner": {"$exists": False}}, {"record": 1}):
        fields = {"owner": _records.decode(found["record"]).owner}
        await db["tasks"].update_one({"_id": found["_id"]}, {"$set": fields})
