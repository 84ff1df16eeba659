"""Idempotency keys in MongoDB.

Rule: the row of a key is inserted once; whoever comes second reads it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from disio_manager.stores.keys import StoredKey
from disio_shared.errors import StoreUnavailable

INDEXES: list[list[tuple[str, int]]] = [[("task", 1)], [("at", 1)]]


class MongoKeys:
    """KeyStore over the collection ``keys``.

    Args:
        database: Where it is.
        writing: Translates the driver's errors.
    """

    def __init__(self, database: Any, writing: Callable[[], AbstractContextManager[None]]) -> None:
        self._rows, self._writing = database["keys"], writing

    async def remember(self, key: str, document_sha256: str, task: str, at: float) -> StoredKey:
        """Take a key, or find what it was taken for.

        Raises:
            StoreUnavailable: It was freed at this very moment.
        """
        row: Any = {"_id": key, "document": document_sha256, "task": task, "void": False, "at": at}
        with self._writing():
            try:
                await self._rows.insert_one(row)
            except DuplicateKeyError:
                row = await self._rows.find_one_and_update(
                    {"_id": key}, {"$set": {"at": at}}, return_document=ReturnDocument.AFTER
                )
        if row is None:
            raise StoreUnavailable("idempotency key", "was freed at this moment", "try again")
        return StoredKey(row["document"], row["task"], row["void"])

    async def free(self, key: str) -> None:
        """Free a key."""
        with self._writing():
            await self._rows.delete_one({"_id": key})

    async def void(self, task: str) -> None:
        """Note that a task is about to be deleted."""
        with self._writing():
            await self._rows.update_many({"task": task}, {"$set": {"void": True}})

    async def drop_keys(self, before: float) -> None:
        """Free old keys."""
        with self._writing():
            await self._rows.delete_many({"at": {"$lt": before}})
