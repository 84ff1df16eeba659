"""What managers on one MongoDB do about each other: claims, taking over, looking, notices.

Rule: each step is one write that compares, so whoever is first has it; none needs a transaction.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec
from pymongo import ReturnDocument

from disio_manager.core.records import Growth, LoadedTask, Look, Notice, SharedTask, StretchRecord
from disio_manager.stores import mongo_matches, mongo_segments
from disio_manager.stores.mongo_books import FIELD, Books, named
from disio_manager.stores.mongo_documents import (
    DELETED,
    Database,
    Document,
    drop_all,
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
from disio_manager.stores.mongo_rows import ids_between, of_task
from disio_manager.stores.segments import growth_of
from disio_shared.ranges import RangeSet, indexes_of, runs_of
from disio_shared.taskdoc import OPEN_STATES

MAX_NOTICES = 1_000
"""Notices in one look; the next look brings the next ones."""
MAX_TRIES = 3
"""Times owners are looked up to be told something; they change when a manager is taken for gone."""
IS_OPEN: Document = {"$in": sorted(OPEN_STATES)}
_notices = msgspec.msgpack.Decoder(Notice)


class MongoSharing:
    """One manager's dealings with the others."""

    def __init__(self, db: Database, reader: MongoReader, loader: MongoLoader, manager: str, books: Books) -> None:
        self._db, self._reader, self._loader, self._manager = db, reader, loader, manager
        self._books = books
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
        document = {**stretch_document(stretch, task["number"]), FIELD: named([])}
        if not await insert_new(self._db, "stretches", [document]):
            self._books.open(task["number"], stretch.start, stretch.stop, RangeSet())
        cursor = self._db["stretches"].find(rows_between(task["number"], 0, None), {FIELD: 0}).sort("_id", 1)
        return [stretch_of(found, stretch.task) async for found in cursor]

    async def take_over(self, gone: str) -> list[LoadedTask]:
        """Take what a manager that is gone looked after."""
        cursor = self._db["tasks"].find({"state": IS_OPEN}, {"number": 1})
        names = {found["number"]: found["_id"] async for found in cursor}
        left = [found async for found in self._db["stretches"].find({"owner": gone}).sort("_id", 1)]
        for found in left:
            if found["task"] in names and await self._take(found, gone):
                self._taken.setdefault(names[found["task"]], set()).add(index_of(found["_id"]))
        await self._pass_on(gone)
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
        # Whoever they were of: a stretch that was given up has no owner, its blocks still name the one it had.
        await self._db["blocks"].update_many(
            {"task": taken["task"], "start": bounds}, {"$set": {"owner": self._manager}}
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
            grown=[await self._grown(task) for task in tasks if task.record.growing],
        )

    async def _grown(self, task: SharedTask) -> Growth:
        """Return what the log of a task holds beyond its stretch."""
        number, stop = task.record.number, max((each.stop for each in task.stretches), default=0)
        return growth_of(task.record.id, await mongo_segments.heads(self._db, number, stop))

    async def recount(self) -> bool:
        """Write notices to this manager itself of results that nobody told it of."""
        told = Told()
        due = self._books.due()
        try:
            numbers = {number: (number, runs[0][0], runs[-1][1]) for number, runs in due}
            names = await self._names_of(list(numbers))
            # Read before the books are asked: whatever a commit writes meanwhile is in them by then.
            rows = await ids_between(self._db, "results", [numbers[number] for number in names])
            for number, task in names.items():
                told.add(task, indexes_of(self._books.unknown(number, of_task(rows, number))), ())
            await tell_owners(self._db, told)
        except BaseException:
            for number, runs in due:
                self._books.doubt(number, runs)
            raise
        return any(done for done, _ in told.tasks.values())

    async def _names_of(self, numbers: list[int]) -> dict[int, str]:
        """Return the open ones among some tasks."""
        names: dict[int, str] = {}
        for some in in_parts(numbers):
            async for found in self._db["tasks"].find({"number": {"$in": some}, "state": IS_OPEN}, {"number": 1}):
                names[found["number"]] = found["_id"]
        return names

    async def _pass_on(self, gone: str) -> None:
        """Bring notices for a manager that is gone to those who own its stretches now.

        They may tell of failures, which have no rows yet.
        """
        left = [found async for found in self._db["notices"].find({"owner": gone}).sort("_id", 1).limit(MAX_NOTICES)]
        told = Told()
        for found in left:
            notice = _notices.decode(found["body"])
            told.add(notice.task, indexes_of(notice.done), zip(notice.failed, notice.errors, strict=True))
        await tell_owners(self._db, told)
        await drop_all(self._db, "notices", [found["_id"] for found in left])


class Told:
    """What there is to tell of each task: indexes that are done, and errors by index of those that failed."""

    def __init__(self) -> None:
        self.tasks: dict[str, tuple[set[int], dict[int, list[str]]]] = {}

    def add(self, task: str, done: Iterable[int], failed: Iterable[tuple[int, list[str]]]) -> None:
        """Take in what is to be told of a task."""
        so_far = self.tasks.setdefault(task, (set(), {}))
        so_far[0].update(done)
        for index, errors in failed:
            so_far[1].setdefault(index, errors)


async def tell_owners(db: Database, told: Told) -> None:
    """Write one notice for each owner of indexes; those that nobody looks after are told to nobody."""
    for task, (done, failed) in told.tasks.items():
        found = await db["tasks"].find_one({"_id": task}, {"number": 1, "stop": 1}) if done or failed else None
        if found is None:
            continue
        number, ascending = found["number"], sorted(done)
        is_searched = mongo_matches.stop_in(found) is not None
        rows = await mongo_matches.among(db, [row_id(number, index) for index in ascending]) if is_searched else []
        matched = sorted(map(index_of, rows))
        written: list[Document] = []
        for _ in range(MAX_TRIES):
            notices = await _notices_of(db, number, task, ascending, matched, failed)
            if {each["_id"] for each in notices} <= {each["_id"] for each in written}:
                break
            # Whoever took a stretch over before it was written may have passed on what was there: look once more.
            await insert_new(db, "notices", notices)
            written += notices


async def _notices_of(
    db: Database, number: int, task: str, done: list[int], matched: list[int], failed: dict[int, list[str]]
) -> list[Document]:
    """Return a notice for each owner. It is named by what it says, so a repeat is the same notice."""
    wrong = sorted(failed)
    theirs: dict[str, Notice] = {}
    bounds = {"_id": {"$gte": row_id(number, 0), "$lte": row_id(number, max([*done[-1:], *wrong[-1:]]))}}
    async for found in db["stretches"].find(bounds, {"owner": 1, "stop": 1}).sort("_id", 1):
        start, stop = index_of(found["_id"]), found["stop"]
        notice = theirs.setdefault(found["owner"], Notice(id="", task=task))
        notice.done += runs_of(_between(done, start, stop))
        notice.matched += _between(matched, start, stop)
        notice.failed += _between(wrong, start, stop)
    documents: list[Document] = []
    for owner, notice in theirs.items():
        if notice.done or notice.failed:
            notice.errors = [failed[index] for index in notice.failed]
            notice.id = hashlib.sha256(encode([owner, notice])).hexdigest()[:32]
            documents.append({"_id": notice.id, "owner": owner, "task": task, "body": encode(notice)})
    return documents


def _between(ascending: list[int], start: int, stop: int) -> list[int]:
    return ascending[bisect_left(ascending, start) : bisect_left(ascending, stop)]
