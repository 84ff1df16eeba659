"""Documents with a version in MongoDB.

Rule: the version that is replaced is part of the filter, so of two managers one loses, and is told.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from pymongo.errors import DuplicateKeyError

from disio_manager.stores.documents import Versioned
from disio_manager.stores.mongo_documents import Database


class MongoVersioned:
    """DocumentStore over the collection ``documents``.

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

    async def version(self, name: str) -> int:
        """Return a version."""
        with self._answering():
            found = await self._db["documents"].find_one({"_id": name}, {"version": 1})
            return 0 if found is None else int(found["version"])

    async def read(self, name: str) -> Versioned | None:
        """Return a document."""
        with self._answering():
            found = await self._db["documents"].find_one({"_id": name})
            return None if found is None else Versioned(int(found["version"]), bytes(found["body"]))

    async def replace(self, name: str, new: Versioned, old: int) -> bool:
        """Put a document in place of another."""
        document = {"_id": name, "version": new.version, "body": new.body}
        with self._writing():
            if old:
                done = await self._db["documents"].replace_one({"_id": name, "version": old}, document)
                return bool(done.matched_count)
            try:
                await self._db["documents"].insert_one(document)
            except DuplicateKeyError:
                return False
            return True
