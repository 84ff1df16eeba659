"""Changes to documents of MongoDB.

Rule: without transactions the order of writes is the safety: results and failures, then blocks, then tasks. A group
that breaks off anywhere leaves what loading can put right, and a repeated one changes nothing more.
"""

from collections.abc import Sequence

from disio_manager.core import changes
from disio_manager.core.changes import Change
from disio_manager.core.records import BlockRecord
from disio_manager.stores.mongo_documents import (
    MAX_NUMBER,
    Database,
    Document,
    block_document,
    drop_all,
    encode,
    insert_new,
    put_all,
    row_id,
    rows_between,
    task_document,
    write_chunks,
)
from disio_shared.errors import StoreUnavailable

DELETED = "deleted"
"""State of a task that is being deleted; nobody sees it any more."""
MAX_REMEMBERED = 20_000


class MongoWriter:
    """Applies changes to a database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._tasks: dict[str, tuple[int, int]] = {}
        """Task id to its number and its chunks of payloads."""

    async def commit(self, group: Sequence[Change]) -> None:
        """Apply a group; what removes rows is done in its place between the others."""
        together: list[Change] = []
        for change in group:
            if isinstance(change, changes.DeleteTask | changes.DropFailures):
                await self._apply(together)
                together = []
                await self._remove(change)
            else:
                together.append(change)
        await self._apply(together)

    async def finish_deletes(self) -> None:
        """Go on with deletes that a crash broke off."""
        async for found in self._db["tasks"].find({"state": DELETED}, {"number": 1, "parts": 1}):
            await self._delete_rows(found["_id"], found["number"], found["parts"])

    async def mend_blocks(self, number: int, stored: list[BlockRecord], right: list[BlockRecord]) -> None:
        """Make block documents what they should have been."""
        before = {block.id: block for block in stored}
        after = {block.id: block for block in right}
        await put_all(self._db, "blocks", [block_document(b, number) for b in right if before.get(b.id) != b])
        await drop_all(self._db, "blocks", [name for name in before if name not in after])

    async def _apply(self, group: list[Change]) -> None:
        if not group:
            return
        await self._note_new_tasks(group)
        await insert_new(self._db, "results", await self._result_documents(group))
        await insert_new(self._db, "failures", await self._failure_documents(group))
        await self._write_blocks(group)
        await self._write_tasks(group)
        await self._write_distributors(group)

    async def _note_new_tasks(self, group: list[Change]) -> None:
        """Write payloads of new tasks and remember numbers: other rows name tasks by number."""
        for change in group:
            if isinstance(change, changes.PutTask) and await self._known(change.record.id) is None:
                record = change.record
                if record.number > MAX_NUMBER:
                    raise StoreUnavailable("MongoDB", f"has seen {MAX_NUMBER} tasks", "go on with a new database")
                parts = await write_chunks(self._db, f"task/{record.number}", record.payloads)
                self._remember(record.id, (record.number, parts))

    async def _result_documents(self, group: list[Change]) -> list[Document]:
        documents: list[Document] = []
        for change in group:
            if not isinstance(change, changes.AddResults):
                continue
            known = await self._known(change.task)
            if known is None:
                continue
            rows = zip(change.indexes, change.values, change.seconds, change.by, strict=True)
            documents += [
                {
                    "_id": row_id(known[0], index),
                    "v": value,
                    "s": seconds,
                    "c": change.clients[by],
                    "d": change.distributor,
                    "at": change.at,
                }
                for index, value, seconds, by in rows
            ]
        return documents

    async def _failure_documents(self, group: list[Change]) -> list[Document]:
        documents: list[Document] = []
        for change in group:
            if not isinstance(change, changes.AddFailures):
                continue
            known = await self._known(change.task)
            if known is None:
                continue
            rows = zip(change.indexes, change.errors, strict=True)
            documents += [
                {"_id": row_id(known[0], index), "errors": encode(errors), "at": change.at} for index, errors in rows
            ]
        return documents

    async def _write_blocks(self, group: list[Change]) -> None:
        last: dict[str, Document | None] = {}
        for change in group:
            if isinstance(change, changes.PutBlock):
                known = await self._known(change.record.task)
                last[change.record.id] = block_document(change.record, known[0]) if known else None
            elif isinstance(change, changes.DropBlock):
                last[change.block] = None
        await put_all(self._db, "blocks", [document for document in last.values() if document is not None])
        await drop_all(self._db, "blocks", [name for name, document in last.items() if document is None])

    async def _write_tasks(self, group: list[Change]) -> None:
        last = {change.record.id: change.record for change in group if isinstance(change, changes.PutTask)}
        documents = []
        for record in last.values():
            known = await self._known(record.id)
            documents.append(task_document(record, known[1] if known else 0))
        await put_all(self._db, "tasks", documents)

    async def _write_distributors(self, group: list[Change]) -> None:
        last: dict[str, Document | None] = {}
        for change in group:
            if isinstance(change, changes.PutDistributor):
                last[change.record.id] = {"_id": change.record.id, "record": encode(change.record)}
            elif isinstance(change, changes.DropDistributor):
                last[change.distributor] = None
        await put_all(self._db, "distributors", [document for document in last.values() if document is not None])
        await drop_all(self._db, "distributors", [name for name, document in last.items() if document is None])

    async def _remove(self, change: changes.DeleteTask | changes.DropFailures) -> None:
        known = await self._known(change.task)
        if known is None:
            return
        number, parts = known
        if isinstance(change, changes.DropFailures):
            await self._db["failures"].delete_many(rows_between(number, 0, None))
            return
        await self._db["tasks"].update_one({"_id": change.task}, {"$set": {"state": DELETED}})
        await self._delete_rows(change.task, number, parts)

    async def _delete_rows(self, task: str, number: int, parts: int) -> None:
        for collection in ("results", "failures"):
            await self._db[collection].delete_many(rows_between(number, 0, None))
        await self._db["blocks"].delete_many({"task": number})
        await drop_all(self._db, "chunks", [f"task/{number}/{part}" for part in range(parts)])
        await self._db["tasks"].delete_one({"_id": task})
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
