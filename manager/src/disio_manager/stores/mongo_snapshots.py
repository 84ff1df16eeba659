"""Snapshots in MongoDB.

Rule: a snapshot is one document, named by its task's number; one that is written while its task is being deleted is
removed by who wrote it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from disio_manager.stores.mongo_documents import DELETED, Database

INDEXES: list[list[tuple[str, int]]] = [[("task", 1)]]


class MongoSnapshots:
    """SnapshotStore over the collection ``snapshots``.

    Args:
        db: Where it is.
        answering: Translates the driver's errors.
        writing: The same, for who may write.
    """

    def __init__(
        self,
        db: Database,
        answering: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._db, self._answering, self._writing = db, answering, writing

    async def put(self, task: str, name: str, body: bytes) -> None:
        """Keep a snapshot."""
        with self._writing():
            number = await self._number(task)
            if number is None:
                return
            document = {"_id": f"{number}/{name}", "task": number, "body": body}
            await self._db["snapshots"].replace_one({"_id": document["_id"]}, document, upsert=True)
            if await self._number(task) is None:
                await self._db["snapshots"].delete_one({"_id": document["_id"]})

    async def get(self, task: str, name: str) -> bytes | None:
        """Return a snapshot."""
        with self._answering():
            number = await self._number(task)
            found = None if number is None else await self._db["snapshots"].find_one({"_id": f"{number}/{name}"})
            return None if found is None else bytes(found["body"])

    async def _number(self, task: str) -> int | None:
        found = await self._db["tasks"].find_one({"_id": task, "state": {"$ne": DELETED}}, {"number": 1})
        return None if found is None else int(found["number"])
