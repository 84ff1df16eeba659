"""What managers on one MongoDB do about each other: claims, taking over, looking, notices.

Rule: each step is one write that compares, so whoever is first has it; none needs a transaction.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec
from pymongo import ReturnDocument

from disio_manager.core.records import LoadedTask, Look, Notice, StretchRecord
from disio_manager.stores.mongo_documents import (
    DELETED,
    Database,
    Document,
    encode,
    in_parts,
    index_of,
    insert_new,
    row_id,
    rows_between,
    stretch_document,
    stretch_of,
)
from disio_manager.stores.mongo_loading import MongoLoader
from disio_manager.stores.mongo_reading import MongoReader
from disio_shared.ranges import runs_of
from disio_shared.taskdoc import OPEN_STATES

MAX_NOTICES = 1_000
"""Notices in one look; the next look brings the next ones."""
IS_OPEN: Document = {"$in": sorted(OPEN_STATES)}
_notices = msgspec.msgpack.Decoder(Notice)


class MongoSharing:
    """One manager's dealings with the others."""

    def __init__(self, db: Database, reader: MongoReader, loader: MongoLoader, manager: str) -> None:
        self._db, self._reader, self._loader, self._manager = db, reader, loader, manager
        self._seen: set[str] = set()
        """Tasks that were in the database: only those can be deleted."""
        self._taken: dict[str, set[int]] = {}
        """Task to the starts of stretches that were taken over and not returned yet."""

    def note_seen(self, tasks: Iterable[str]) -> None:
        """Remember that tasks are in the database."""
        self._seen.update(tasks)

    def forget_taken(self) -> None:
        """Everything this manager owns is being loaded, what it took over included."""
        self._taken.clear()

    async def claim(self, stretch: StretchRecord) -> list[StretchRecord]:
        """Insert a stretch where none begins; return all of the task."""
        task = await self._db["tasks"].find_one({"_id": stretch.task, "state": IS_OPEN}, {"number": 1})
        if task is None:
            return []
        await insert_new(self._db, "stretches", [stretch_document(stretch, task["number"])])
        cursor = self._db["stretches"].find(rows_between(task["number"], 0, None)).sort("_id", 1)
        return [stretch_of(found, stretch.task) async for found in cursor]

    async def take_over(self, gone: str) -> list[LoadedTask]:
        """Take what a manager that is gone looked after."""
        cursor = self._db["tasks"].find({"state": IS_OPEN}, {"number": 1})
        names = {found["number"]: found["_id"] async for found in cursor}
        left = [found async for found in self._db["stretches"].find({"owner": gone}).sort("_id", 1)]
        for found in left:
            if found["task"] in names and await self._take(found, gone):
                self._taken.setdefault(names[found["task"]], set()).add(index_of(found["_id"]))
        # Whoever writes a notice wrote the rows before it: they are loaded below, or by who took the stretch.
        await self._db["notices"].delete_many({"owner": gone})
        loaded = [await self._loader.load(task, starts) for task, starts in self._taken.items()]
        self._taken.clear()
        return [task for task in loaded if task is not None]

    async def _take(self, found: Document, gone: str) -> bool:
        """Become the owner of a stretch, then of its blocks; return False when another manager was faster."""
        taken = await self._db["stretches"].find_one_and_update(
            {"_id": found["_id"], "owner": gone},
            {"$set": {"owner": self._manager}},
            return_document=ReturnDocument.AFTER,
        )
        if taken is None:
            return False
        bounds = {"$gte": index_of(taken["_id"]), "$lt": taken["stop"]}
        await self._db["blocks"].update_many(
            {"task": taken["task"], "start": bounds, "owner": gone}, {"$set": {"owner": self._manager}}
        )
        return True

    async def look(self, known: Sequence[str]) -> Look:
        """Return what the others did."""
        seen = set(self._seen)  # a task that is put in while this looks is not deleted because it is not found
        notices = self._db["notices"].find({"owner": self._manager}).sort("_id", 1).limit(MAX_NOTICES)
        news = [_notices.decode(found["body"]) async for found in notices]
        tasks = await self._reader.shared({"state": IS_OPEN})
        found = {task.record.id for task in tasks}
        for some in in_parts([task for task in known if task not in found]):
            tasks += await self._reader.shared({"_id": {"$in": some}, "state": {"$ne": DELETED}})
        found |= {task.record.id for task in tasks}
        self._seen = (self._seen - seen) | found
        return Look(
            tasks=tasks,
            gone=[task for task in known if task in seen and task not in found],
            notices=news,
            distributors=await self._reader.distributors({"manager": {"$nin": ["", self._manager]}}),
        )


Told = dict[tuple[str, str], tuple[list[int], list[int]]]
"""Owner and task to the indexes that were done and that failed."""


async def sort_by_owner(db: Database, number: int, task: str, done: list[int], failed: list[int], told: Told) -> None:
    """Find out who looks after indexes; those that nobody does are told to nobody."""
    if not done and not failed:
        return
    done, failed = sorted(done), sorted(failed)
    bounds = {"_id": {"$gte": row_id(number, 0), "$lte": row_id(number, max([*done[-1:], *failed[-1:]]))}}
    async for found in db["stretches"].find(bounds, {"owner": 1, "stop": 1}).sort("_id", 1):
        start, stop = index_of(found["_id"]), found["stop"]
        theirs = _between(done, start, stop), _between(failed, start, stop)
        if any(theirs):
            so_far = told.setdefault((found["owner"], task), ([], []))
            so_far[0].extend(theirs[0])
            so_far[1].extend(theirs[1])


def _between(ascending: list[int], start: int, stop: int) -> list[int]:
    return ascending[bisect_left(ascending, start) : bisect_left(ascending, stop)]


async def write_notices(db: Database, told: Told) -> None:
    """Tell owners. A notice is named by what it says, so a repeat is the same notice."""
    documents: list[Document] = []
    for (owner, task), (done, failed) in told.items():
        notice = Notice(id="", task=task, done=runs_of(sorted(done)), failed=runs_of(sorted(failed)))
        notice.id = hashlib.sha256(encode([owner, notice])).hexdigest()[:32]
        documents.append({"_id": notice.id, "owner": owner, "task": task, "body": encode(notice)})
    await insert_new(db, "notices", documents)
