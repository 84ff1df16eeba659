"""Changes to documents of MongoDB.

Rule: without transactions the order of writes is the safety: results and failures, arrivals, votes, blocks, stretches,
the end of blocks, tasks, notices. A group that breaks off anywhere leaves what loading can put right, and a repeated
one changes nothing more. Blocks and stretches are written only while this manager owns them.
"""

from collections.abc import Iterable, Sequence

from disio_manager.core import changes
from disio_manager.core.changes import Change
from disio_manager.core.records import TaskRecord
from disio_manager.stores import mongo_blocks, mongo_matches, mongo_segments, mongo_tries, mongo_votes
from disio_manager.stores.assembling import with_matching
from disio_manager.stores.mongo_blobs import drop_unnamed
from disio_manager.stores.mongo_books import FIELD, Books, named
from disio_manager.stores.mongo_documents import (
    DELETED,
    INDEX_BITS,
    MAX_NUMBER,
    Database,
    Document,
    block_document,
    drop_all,
    encode,
    found_among,
    in_parts,
    index_of,
    insert_new,
    replace_where,
    row_id,
    rows_between,
    set_where,
    stretch_document,
    task_document,
    write_chunks,
)
from disio_manager.stores.mongo_fleet import write_distributors
from disio_manager.stores.mongo_journal import MongoArrivals
from disio_manager.stores.mongo_sharing import IS_OPEN, Told, tell_owners
from disio_shared.errors import OwnershipLost, StoreUnavailable
from disio_shared.ranges import RangeSet, Run, runs_of
from disio_shared.task_parts import StopWhen
from disio_shared.taskdoc import ENDED_STATES, OPEN_STATES

MAX_REMEMBERED = 20_000
LONG_RUN = 1_000
"""Indexes of a run from which on its rows are named by their bounds and not one by one."""


class MongoWriter:
    """Applies changes to a database for one manager."""

    def __init__(self, db: Database, manager: str, books: Books, arrivals: MongoArrivals) -> None:
        self._db, self._manager, self._books, self._arrivals = db, manager, books, arrivals
        self._tasks: dict[str, tuple[int, int]] = {}
        """Task id to its number and its chunks of payloads."""

    async def commit(self, group: Sequence[Change]) -> None:
        """Apply a group; what removes rows is done in its place between the others.

        Raises:
            OwnershipLost: A block or stretch of the group belongs to another manager.
        """
        try:
            await self._commit(group)
        except BaseException:
            self._books.forget()  # what was written of the group is not known
            self._arrivals.forget()
            raise

    async def _commit(self, group: Sequence[Change]) -> None:
        together: list[Change] = []
        for change in await self._of_open_tasks(group):
            if isinstance(change, changes.DeleteTask | changes.DropFailures):
                await self._apply(together)
                together = []
                await self._remove(change)
            else:
                together.append(change)
        await self._apply(together)

    async def _of_open_tasks(self, group: Sequence[Change]) -> list[Change]:
        """Leave out what others sent of tasks that are not open (any more), and look which of it satisfies them."""
        foreign = sorted({change.rows.task for change in group if isinstance(change, changes.AddForeign)})
        if not foreign:
            return list(group)
        stops: dict[str, StopWhen | None] = {}
        for some in in_parts(foreign):
            async for found in self._db["tasks"].find({"_id": {"$in": some}, "state": IS_OPEN}, {"stop": 1}):
                stops[found["_id"]] = mongo_matches.stop_in(found)
        kept: list[Change] = []
        for change in group:
            if not isinstance(change, changes.AddForeign):
                kept.append(change)
            elif isinstance(change.rows, changes.AddFailures):
                kept += [change] if change.rows.task in stops else []
            elif change.rows.task in stops:
                kept.append(changes.AddForeign(with_matching(change.rows, stops[change.rows.task])))
        return kept

    async def finish_deletes(self) -> None:
        """Go on with deletes that a crash broke off."""
        async for found in self._db["tasks"].find({"state": DELETED}, {"number": 1, "parts": 1, "blob": 1}):
            await self._delete_rows(found["_id"], found["number"], found["parts"], found.get("blob"))

    async def _apply(self, group: list[Change]) -> None:
        if not group:
            return
        await self._note_new_tasks(group)
        await self._begin_growing(group)
        if any(isinstance(change, changes.AddFailures) for change in group):
            # A manager that was taken for gone would quarantine what another one runs again.
            await self._check_stretches(group)
        own = [change for change in group if isinstance(change, changes.AddResults)]
        foreign = [change.rows for change in group if isinstance(change, changes.AddForeign)]
        await mongo_matches.insert_own(self._db, await self._result_documents(own))
        await mongo_matches.insert_results(self._db, await self._result_documents(foreign))
        noted = await self._note_results(group)
        await insert_new(self._db, "failures", await self._failure_documents(group))
        await self._arrivals.write(group, self._known)
        await self._write_votes(group)
        await mongo_tries.write(self._db, group, self._known)
        blocks = await self._last_of_blocks(group)
        await mongo_blocks.put(self._db, self._manager, blocks)
        await self._write_stretches(group, noted)
        await mongo_blocks.drop(self._db, self._manager, blocks)
        await self._write_tasks(group)
        await write_distributors(self._db, group, self._manager)
        await self._write_notices(group)

    async def _note_new_tasks(self, group: list[Change]) -> None:
        """Write payloads of new tasks and remember numbers: other rows name tasks by number."""
        for change in group:
            if isinstance(change, changes.PutTask) and not change.was:
                record = change.record
                known = await self._known(record.id)
                if known is not None and known[0] == record.number:
                    continue
                if record.number > MAX_NUMBER:
                    raise StoreUnavailable("MongoDB", f"has seen {MAX_NUMBER} tasks", "go on with a new database")
                parts = await write_chunks(self._db, f"task/{record.number}", record.payloads)
                self._remember(record.id, (record.number, parts))

    async def _begin_growing(self, group: list[Change]) -> None:
        """Write what new growing tasks come with, and the one stretch of each."""
        for change in group:
            if isinstance(change, changes.AddSegments):
                await mongo_segments.add(self._db, change.number, change.segments)
        fresh = {one.record.id for one in group if isinstance(one, changes.PutTask) and not one.was and one.record.form}
        for document in await self._stretch_documents(
            [one for one in group if isinstance(one, changes.PutStretch) and one.record.task in fresh]
        ):
            if not await insert_new(self._db, "stretches", [{**document, FIELD: named([])}]):
                self._books.open(document["task"], 0, document["stop"], RangeSet())

    async def _result_documents(self, group: Sequence[changes.AddResults | changes.AddFailures]) -> list[Document]:
        documents: list[Document] = []
        for change in group:
            known = await self._known(change.task)
            if known is None or not isinstance(change, changes.AddResults):
                continue
            rows = zip(change.indexes, change.values, change.seconds, change.by, strict=True)
            found = set(change.matching)
            documents += [
                {
                    "_id": row_id(known[0], index),
                    "v": value,
                    "s": seconds,
                    "c": change.clients[by],
                    "d": change.distributor,
                    "at": change.at,
                    **(mongo_matches.MATCHING if index in found else {}),
                }
                for index, value, seconds, by in rows
            ]
        return documents

    async def _note_results(self, group: list[Change]) -> dict[int, list[Run]]:
        """Note which results of own payloads are there now; return them by the task's number."""
        noted: dict[int, list[Run]] = {}
        for change in group:
            if isinstance(change, changes.AddResults | changes.NoteResults):
                known = await self._known(change.task)
                if known is not None:
                    runs = change.runs if isinstance(change, changes.NoteResults) else runs_of(change.indexes)
                    noted.setdefault(known[0], []).extend(runs)
                    self._books.add(known[0], runs)
        return noted

    async def _failure_documents(self, group: list[Change]) -> list[Document]:
        """Return failures of payloads that have no result; results of this group are written already.

        Failures of others' payloads get no rows: only the owner knows whether they count.
        """
        documents: dict[int, Document] = {}
        tasks: dict[int, str] = {}
        for change in group:
            known = await self._known(change.task) if isinstance(change, changes.AddFailures) else None
            if known is None or not isinstance(change, changes.AddFailures):
                continue
            tasks[known[0]] = change.task
            for index, errors in zip(change.indexes, change.errors, strict=True):
                row = row_id(known[0], index)
                documents.setdefault(row, {"_id": row, "errors": encode(errors), "at": change.at})
        told = Told()
        for row in await found_among(self._db, "results", list(documents)):
            del documents[row]
            told.add(tasks[row >> INDEX_BITS], [index_of(row)], ())
        await tell_owners(self._db, told)  # a manager that knew of them would have quarantined nothing
        return list(documents.values())

    async def _write_votes(self, group: list[Change]) -> None:
        for change in group:
            if isinstance(change, changes.AddVotes):
                known = await self._known(change.task)
                if known is not None:
                    await mongo_votes.add(self._db, known[0], change)

    async def _last_of_blocks(self, group: list[Change]) -> dict[str, Document | None]:
        """Return what becomes of each block in a group; None of those that are dropped."""
        last: dict[str, Document | None] = {}
        for change in group:
            if isinstance(change, changes.PutBlock):
                known = await self._known(change.record.task)
                last[change.record.id] = block_document(change.record, known[0], self._manager) if known else None
            elif isinstance(change, changes.DropBlock):
                last[change.block] = None
        return last

    async def _write_stretches(self, group: list[Change], noted: dict[int, list[Run]]) -> None:
        documents = await self._stretch_documents(group)
        for document in documents:
            self._books.grow(document["task"], index_of(document["_id"]), document["stop"])
            document[FIELD] = self._books.text(document["task"], index_of(document["_id"]), document["stop"])
        if not await set_where(self._db, "stretches", documents, {"owner": self._manager}):
            await self._refuse_foreign(documents)
        # Of a stretch whose row does not come with its results, the counters are counted at the next start.
        written = {document["_id"] for document in documents}
        spans = [
            row_id(number, start) for number, runs in noted.items() for start, _ in self._books.touched(number, runs)
        ]
        behind = [{"_id": row, FIELD: None} for row in spans if row not in written]
        await set_where(self._db, "stretches", behind, {"owner": self._manager})

    async def _check_stretches(self, group: list[Change]) -> None:
        await self._refuse_foreign(await self._stretch_documents(group))

    async def _stretch_documents(self, group: list[Change]) -> list[Document]:
        """Return the last row of each stretch in a group."""
        last: dict[int, Document] = {}
        for change in group:
            if isinstance(change, changes.PutStretch):
                known = await self._known(change.record.task)
                if known is not None:
                    document = stretch_document(change.record, known[0])
                    last[document["_id"]] = document
        return list(last.values())

    async def _refuse_foreign(self, documents: list[Document]) -> None:
        """Raise when another manager owns a stretch; one that is not there is of a task deleted meanwhile."""
        rows = [document["_id"] for document in documents]
        foreign = await found_among(self._db, "stretches", rows, {"owner": {"$ne": self._manager}})
        if foreign:
            raise OwnershipLost(f"payloads from {index_of(foreign[0])} on of a task")

    async def _write_tasks(self, group: list[Change]) -> None:
        was: dict[str, str] = {}
        last: dict[str, TaskRecord] = {}
        for change in group:
            if isinstance(change, changes.PutTask):
                was.setdefault(change.record.id, change.was)
                last[change.record.id] = change.record
        fresh: list[Document] = []
        others: list[tuple[Document, Document]] = []
        for task, record in last.items():
            known = await self._known(task)
            if known is None:
                continue
            document = task_document(record, known[1])
            if was[task]:
                others.append((_overwritten(was[task], record), document))
            else:
                fresh.append(document)
        if not await replace_where(self._db, "tasks", others):
            await self._check_ends([record for record in last.values() if record.state in ENDED_STATES])
        await self._insert_tasks(fresh)
        self._close_books(last.values())

    def _close_books(self, records: Iterable[TaskRecord]) -> None:
        for record in records:
            if record.state not in OPEN_STATES and record.id in self._tasks:
                self._books.drop(record.number)

    async def _check_ends(self, ended: list[TaskRecord]) -> None:
        """Refuse to end what stays open: nobody may be told of an end that did not take place.

        Raises:
            OwnershipLost: Another manager opened a task again meanwhile.
        """
        for record in ended:
            still_open = {"_id": record.id, "number": record.number, "state": IS_OPEN}
            if await self._db["tasks"].find_one(still_open, {"_id": 1}):
                raise OwnershipLost(f"task {record.id}, which is open again,")

    async def _insert_tasks(self, fresh: list[Document]) -> None:
        """Insert new tasks; one id may come twice, at two managers, for it follows from an idempotency key.

        Raises:
            OwnershipLost: Another manager made a task of that id, or is deleting one.
        """
        there = [fresh[at] for at in await insert_new(self._db, "tasks", fresh)]
        same = [({"number": one["number"], "state": {"$ne": DELETED}}, one) for one in there]
        if not await replace_where(self._db, "tasks", same):
            for document in there:
                self._tasks.pop(document["_id"], None)
            raise OwnershipLost("a task with the same idempotency key")

    async def _write_notices(self, group: list[Change]) -> None:
        """Tell owners what came in of theirs, then forget what was told to this manager."""
        told = Told()
        dealt_with: list[str] = []
        for change in group:
            if isinstance(change, changes.DropNotices):
                dealt_with += change.ids
            elif isinstance(change, changes.AddForeign):
                rows = change.rows
                if isinstance(rows, changes.AddResults):
                    told.add(rows.task, rows.indexes, ())
                else:
                    told.add(rows.task, (), zip(rows.indexes, rows.errors, strict=True))
        await tell_owners(self._db, told)
        await drop_all(self._db, "notices", dealt_with)

    async def _remove(self, change: changes.DeleteTask | changes.DropFailures) -> None:
        known = await self._known(change.task)
        if known is None:
            return
        number, parts = known
        if isinstance(change, changes.DropFailures):
            await self._drop_failures(number, change.runs)
            return
        this = {"_id": change.task, "number": number}
        found = await self._db["tasks"].find_one(this, {"blob": 1})
        await self._db["tasks"].update_one(this, {"$set": {"state": DELETED}})
        await self._delete_rows(change.task, number, parts, found.get("blob") if found else None)

    async def _drop_failures(self, number: int, runs: list[Run]) -> None:
        short = [run for run in runs if run[1] - run[0] < LONG_RUN]
        await drop_all(self._db, "failures", [row_id(number, i) for start, stop in short for i in range(start, stop)])
        for start, stop in runs:
            if stop - start >= LONG_RUN:
                await self._db["failures"].delete_many(rows_between(number, start, stop))

    async def _delete_rows(self, task: str, number: int, parts: int, blob: str | None) -> None:
        for collection in ("results", "matches", "failures", "segments"):
            await self._db[collection].delete_many(rows_between(number, 0, None))
        for collection in ("blocks", "stretches", "votes", "snapshots", "history", "tries", "tries_kept"):
            await self._db[collection].delete_many({"task": number})
        await self._db["notices"].delete_many({"task": task})
        await self._arrivals.drop(number)
        await drop_all(self._db, "chunks", [f"task/{number}/{part}" for part in range(parts)])
        if blob:
            await drop_unnamed(self._db, blob)  # before the task's document: what breaks off is done at the next start
        await self._db["tasks"].delete_one({"_id": task, "number": number})
        self._books.drop(number)
        self._tasks.pop(task, None)

    async def _known(self, task: str) -> tuple[int, int] | None:
        """Return a task's number and chunks; rows of a task that was deleted meanwhile go nowhere."""
        known = self._tasks.get(task)
        if known is None:
            found = await self._db["tasks"].find_one({"_id": task}, {"number": 1, "parts": 1})
            if found is not None:
                known = (found["number"], found["parts"])
                self._remember(task, known)
        return known

    def _remember(self, task: str, known: tuple[int, int]) -> None:
        if len(self._tasks) >= MAX_REMEMBERED:
            del self._tasks[next(iter(self._tasks))]
        self._tasks[task] = known


def _overwritten(was: str, record: TaskRecord) -> Document:
    """Return a filter for what a task that was changed may replace in the database."""
    begins = was == "queued" and record.state == "running"
    only: Document = {"state": IS_OPEN if was in OPEN_STATES and not begins else was, "number": record.number}
    if record.state in ENDED_STATES:
        only["retries"] = {"$not": {"$gt": record.retries}}  # fits where an older release wrote no such field
    return only
