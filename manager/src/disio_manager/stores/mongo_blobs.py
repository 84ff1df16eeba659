"""Blobs as chunks of a MongoDB database.

Rule: a blob's document is written after its chunks and removed before them, and every upload has chunks of its own,
so nobody ever reads a half one. GridFS is not used: this is all it would do, and FerretDB need not know it.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, suppress

from pymongo.errors import DuplicateKeyError

from disio_manager.stores.mongo_documents import DELETED, Database, Document
from disio_manager.stores.uploads import verified
from disio_shared.errors import BlobNotFound, StoreUnavailable
from disio_shared.ids import fresh_id

CHUNK_BYTES = 1 << 20
"""Small enough that reading a few files out of a blob reads little else."""
DROPPED_AT_ONCE = 200
MAX_TRIES = 3
Guard = Callable[[], AbstractContextManager[None]]


class MongoBlobs:
    """BlobStore over a database.

    Args:
        answering: Translates the driver's errors.
        writing: The same, and refuses readers.
    """

    def __init__(self, db: Database, answering: Guard, writing: Guard) -> None:
        self._db, self._answering, self._writing = db, answering, writing

    async def put(self, sha256: str, parts: AsyncIterator[bytes]) -> bool:
        """Keep a blob; one that is there counts as uploaded anew."""
        with self._writing():
            if await self._touch(sha256):
                async for _ in verified(sha256, parts):
                    pass
                return False
            upload = fresh_id(20)
            await self._db["uploads"].insert_one({"_id": upload, "at": time.time()})
            is_new = False
            try:
                size = await self._write(f"{upload}/blob", verified(sha256, parts))
                is_new = await self._show({"_id": sha256, "upload": upload, "bytes": size, "at": time.time()})
            finally:
                if not is_new:
                    await drop_chunks(self._db, upload)
                await self._db["uploads"].delete_one({"_id": upload})
            return is_new

    async def size(self, sha256: str) -> int | None:
        """Return how many bytes a blob has, unless it is being removed."""
        with self._answering():
            found = await self._db["blobs"].find_one({"_id": sha256})
        return None if found is None or found.get("gone") else int(found["bytes"])

    async def read(self, sha256: str, start: int, size: int) -> bytes:
        """Return bytes of a blob."""
        with self._answering():
            found = await self._db["blobs"].find_one({"_id": sha256})
            if found is None:
                raise BlobNotFound(sha256)
            stop = min(start + size, found["bytes"])
            if start >= stop:
                return b""
            first, last = start // CHUNK_BYTES, (stop - 1) // CHUNK_BYTES
            data = await self._read(f"{found['upload']}/blob", first, last + 1)
            return data[start - first * CHUNK_BYTES : stop - first * CHUNK_BYTES]

    async def put_index(self, sha256: str, index: bytes) -> None:
        """Keep an index beside a blob."""

        async def whole() -> AsyncIterator[bytes]:
            for at in range(0, len(index), CHUNK_BYTES):
                yield index[at : at + CHUNK_BYTES]

        with self._writing():
            found = await self._db["blobs"].find_one({"_id": sha256})
            if found is not None:
                await self._write(f"{found['upload']}/index", whole())
                size = {"index": len(index)}
                await self._db["blobs"].update_one({"_id": sha256, "upload": found["upload"]}, {"$set": size})

    async def index(self, sha256: str) -> bytes | None:
        """Return the index of a blob."""
        with self._answering():
            found = await self._db["blobs"].find_one({"_id": sha256})
            if found is None or "index" not in found:
                return None
            return await self._read(f"{found['upload']}/index", 0, -(-found["index"] // CHUNK_BYTES))

    async def drop_orphans(self, before: float) -> None:
        """Remove what no task names, and go on with what a crash broke off."""
        with self._writing():
            old = {"$or": [{"at": {"$lt": before}}, {"gone": True}]}
            for sha256 in [found["_id"] async for found in self._db["blobs"].find(old, {"_id": 1})]:
                await drop_unnamed(self._db, sha256)
            late = [found["_id"] async for found in self._db["uploads"].find({"at": {"$lt": before}}, {"_id": 1})]
            for upload in late:
                if await self._db["blobs"].find_one({"upload": upload}) is None:
                    await drop_chunks(self._db, upload)
                await self._db["uploads"].delete_one({"_id": upload})

    async def _touch(self, sha256: str) -> bool:
        """Let a blob that is there count as uploaded just now."""
        there = {"_id": sha256, "gone": {"$ne": True}}
        found = await self._db["blobs"].update_one(there, {"$set": {"at": time.time()}})
        return int(found.matched_count) > 0

    async def _show(self, document: Document) -> bool:
        """Write the document of an upload; False when another upload of the same was faster."""
        for _ in range(MAX_TRIES):
            with suppress(DuplicateKeyError):
                await self._db["blobs"].insert_one(document)
                return True
            if await self._touch(document["_id"]):
                return False
            gone = {"_id": document["_id"], "gone": True}
            if (await self._db["blobs"].replace_one(gone, document)).matched_count:
                return True
        raise StoreUnavailable("MongoDB", "the blob is uploaded and removed at the same time", "upload it again")

    async def _write(self, name: str, parts: AsyncIterator[bytes]) -> int:
        """Write chunks of equal size; return how many bytes they are."""
        number = size = 0
        rest = b""
        async for part in parts:
            rest, size = rest + part, size + len(part)
            while len(rest) >= CHUNK_BYTES:
                await self._write_chunk(name, number, rest[:CHUNK_BYTES])
                rest, number = rest[CHUNK_BYTES:], number + 1
        if rest:
            await self._write_chunk(name, number, rest)
        return size

    async def _write_chunk(self, name: str, number: int, body: bytes) -> None:
        key = _chunk(name, number)
        await self._db["blob_chunks"].replace_one({"_id": key}, {"_id": key, "body": body}, upsert=True)

    async def _read(self, name: str, first: int, stop: int) -> bytes:
        names = [_chunk(name, number) for number in range(first, stop)]
        found = {one["_id"]: one["body"] async for one in self._db["blob_chunks"].find({"_id": {"$in": names}})}
        return b"".join(found.get(name, b"") for name in names)


async def drop_unnamed(db: Database, sha256: str) -> None:
    """Remove a blob unless a task names it.

    It is marked before tasks are looked at: whoever makes a task looks at the mark afterwards, so one of both sees
    the other.
    """
    found = await db["blobs"].find_one_and_update({"_id": sha256}, {"$set": {"gone": True}})
    if found is None:
        return
    this = {"_id": sha256, "upload": found["upload"]}
    if await db["tasks"].find_one({"blob": sha256, "state": {"$ne": DELETED}}, {"_id": 1}) is not None:
        await db["blobs"].update_one(this, {"$set": {"gone": False}})
        return
    left = {"_id": found["upload"], "at": 0.0}  # should this break off, the next start finds what is left
    await db["uploads"].replace_one({"_id": found["upload"]}, left, upsert=True)
    await db["blobs"].delete_one({**this, "gone": True})
    await drop_chunks(db, found["upload"])
    await db["uploads"].delete_one({"_id": found["upload"]})


async def drop_chunks(db: Database, upload: str) -> None:
    """Remove the chunks of an upload, some at a time: a command that takes long is taken for a dead database."""
    of_it = {"_id": {"$gte": f"{upload}/", "$lt": f"{upload}0"}}
    while names := [found["_id"] async for found in db["blob_chunks"].find(of_it, {"_id": 1}).limit(DROPPED_AT_ONCE)]:
        await db["blob_chunks"].delete_many({"_id": {"$in": names}})


def _chunk(name: str, number: int) -> str:
    return f"{name}/{number:08d}"
