"""Blobs in a MongoDB database, laid out as GridFS has them.

Rule: a blob's document is written after its chunks and removed before them, and every upload has chunks of its own,
so nobody ever reads a half one. The driver's GridFS is not used: it cannot go on with an upload that broke off.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime

from pymongo.errors import DuplicateKeyError

from disio_manager.stores.mongo_chunks import CHUNK_BYTES, FILES, drop_chunks, read_chunks, read_index, write_index
from disio_manager.stores.mongo_documents import DELETED, Database, Document
from disio_manager.stores.mongo_parts import MongoParts
from disio_shared.errors import BlobNotFound, StoreUnavailable

MAX_TRIES = 3
Guard = Callable[[], AbstractContextManager[None]]


class MongoBlobs:
    """BlobStore over a database.

    Args:
        manager: Whose uploads these are.
        answering: Translates the driver's errors.
        writing: The same, and refuses readers.
    """

    def __init__(self, db: Database, manager: str, answering: Guard, writing: Guard) -> None:
        self._db, self._answering, self._writing = db, answering, writing
        self._parts = MongoParts(db, manager)

    async def offset(self, sha256: str) -> int:
        """Return how many bytes of an unfinished upload are here."""
        with self._answering():
            return await self._parts.offset(sha256)

    async def append(self, sha256: str, offset: int, parts: AsyncIterator[bytes], *, is_last: bool) -> int:
        """Go on with an upload; return how many bytes of it are here."""
        with self._writing():
            return await self._parts.append(sha256, offset, parts, is_last=is_last)

    async def finish(self, sha256: str) -> bool:
        """Let an upload be seen when it is whole; one that is there counts as uploaded anew."""
        with self._writing():
            if await self._touch(sha256):
                await self._parts.drop(sha256)
                return False
            async with self._parts.whole(sha256) as part:
                is_new = await self._show(_file_document(part))
                await self._parts.drop_upload(part)
            return is_new

    async def drop_part(self, sha256: str) -> None:
        """Forget an unfinished upload."""
        with self._writing():
            await self._parts.drop(sha256)

    async def size(self, sha256: str) -> int | None:
        """Return how many bytes a blob has, unless it is being removed."""
        found = await self._find(sha256)
        return None if found is None or found["metadata"]["gone"] else int(found["length"])

    async def read(self, sha256: str, start: int, size: int) -> bytes:
        """Return bytes of a blob."""
        found = await self._find(sha256)
        if found is None:
            raise BlobNotFound(sha256)
        stop = min(start + size, found["length"])
        if start >= stop:
            return b""
        first, last = start // CHUNK_BYTES, (stop - 1) // CHUNK_BYTES
        with self._answering():
            data = await read_chunks(self._db, found["_id"], first, last + 1)
        return data[start - first * CHUNK_BYTES : stop - first * CHUNK_BYTES]

    async def put_index(self, sha256: str, kind: str, index: bytes) -> None:
        """Keep an index beside a blob."""
        with self._writing():
            found = await self._find(sha256)
            if found is not None:
                await write_index(self._db, found["_id"], kind, index)
                size = {f"metadata.indexes.{kind}": len(index)}
                await self._db[FILES].update_one({"_id": found["_id"]}, {"$set": size})

    async def index(self, sha256: str, kind: str) -> bytes | None:
        """Return an index of a blob."""
        found = await self._find(sha256)
        size = None if found is None else found["metadata"]["indexes"].get(kind)
        if found is None or size is None:
            return None
        with self._answering():
            return await read_index(self._db, found["_id"], kind, size)

    async def drop_old_parts(self, before: float) -> None:
        """Remove unfinished uploads, and go on with removing what a crash broke off."""
        with self._writing():
            await self._parts.drop_old(before)

    async def drop_orphans(self, before: float) -> None:
        """Remove what no task names, and go on with removing what a crash broke off."""
        with self._writing():
            old = {"$or": [{"metadata.at": {"$lt": before}}, {"metadata.gone": True}]}
            for sha256 in [found["filename"] async for found in self._db[FILES].find(old, {"filename": 1})]:
                await drop_unnamed(self._db, sha256)

    async def _find(self, sha256: str) -> Document | None:
        with self._answering():
            found: Document | None = await self._db[FILES].find_one({"filename": sha256})
        return found

    async def _touch(self, sha256: str) -> bool:
        """Let a blob that is there count as uploaded just now."""
        there = {"filename": sha256, "metadata.gone": False}
        found = await self._db[FILES].update_one(there, {"$set": {"metadata.at": time.time()}})
        return int(found.matched_count) > 0

    async def _show(self, document: Document) -> bool:
        """Write the document of an upload; False when another upload of the same was faster."""
        for _ in range(MAX_TRIES):
            with suppress(DuplicateKeyError):
                await self._db[FILES].insert_one(document)
                return True
            if await self._touch(document["filename"]):
                return False
            await drop_unnamed(self._db, document["filename"])
        raise StoreUnavailable("MongoDB", "the blob is uploaded and removed at the same time", "upload it again")


async def drop_unnamed(db: Database, sha256: str) -> None:
    """Remove a blob unless a task names it.

    It is marked before tasks are looked at: whoever makes a task looks at the mark afterwards, so one of both sees
    the other.
    """
    found = await db[FILES].find_one_and_update({"filename": sha256}, {"$set": {"metadata.gone": True}})
    if found is None:
        return
    if await db["tasks"].find_one({"blob": sha256, "state": {"$ne": DELETED}}, {"_id": 1}) is not None:
        await db[FILES].update_one({"_id": found["_id"]}, {"$set": {"metadata.gone": False}})
        return
    # Should this break off, the next start finds what is left.
    left = {"_id": found["_id"], "upload": found["_id"], "token": "", "owner": "", "at": 0.0}
    await db["uploads"].replace_one({"_id": left["_id"]}, left, upsert=True)
    await db[FILES].delete_one({"_id": found["_id"], "metadata.gone": True})
    await drop_chunks(db, found["_id"])
    await db["uploads"].delete_one({"_id": left["_id"]})


def _file_document(part: Document) -> Document:
    """Return what is written of an upload that is whole; ``metadata`` is ours, the rest is GridFS's."""
    return {
        "_id": part["upload"],
        "filename": part["_id"],
        "length": part["whole"],
        "chunkSize": CHUNK_BYTES,
        "uploadDate": datetime.now(UTC),
        "metadata": {"at": time.time(), "gone": False, "indexes": {}},
    }
