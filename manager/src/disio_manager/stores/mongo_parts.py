"""Unfinished uploads in a MongoDB database: the chunks of a blob that nobody sees yet.

Rule: chunks are written in order, each once and never changed, so whoever goes on with an upload, here or at another
manager, counts them and knows what is there. How one is named and owned is in ``uploads``, by the blob's hash.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from pymongo.errors import DuplicateKeyError, PyMongoError

from disio_manager.stores.mongo_chunks import (
    CHUNK_BYTES,
    FILES,
    count_chunks,
    delete_chunk,
    drop_chunks,
    read_chunks,
    write_chunk,
)
from disio_manager.stores.mongo_documents import Database, Document
from disio_manager.stores.uploads import Digest, Digests, Held, UploadBusy, UploadConflict
from disio_shared.errors import InvalidDocument
from disio_shared.ids import fresh_id

BEAT_S = 10.0
"""How often who writes an upload says so."""
STALE_S = 90.0
"""After so long without that another manager takes over; should it be wrong, both find the other's chunks there."""
READ_CHUNKS = 4
MAX_TRIES = 3


class MongoParts:
    """Unfinished uploads.

    Args:
        manager: Whose uploads these are; what it held before a restart it takes again at once.
    """

    def __init__(self, db: Database, manager: str) -> None:
        self._db, self._manager = db, manager
        self._digests, self._held = Digests(), Held()

    async def offset(self, sha256: str) -> int:
        """Return how many bytes of an upload are here, as far as they can be gone on from."""
        found = await self._db["uploads"].find_one({"_id": sha256})
        return 0 if found is None else await self._here(found)

    async def append(self, sha256: str, offset: int, parts: AsyncIterator[bytes], *, is_last: bool) -> int:
        """Go on with an upload; return how many bytes of it are here."""
        async with self._taken(sha256, is_new=not offset) as part:
            here = await self._here(part)
            if offset != here:
                raise UploadConflict(sha256, here)
            if part.get("whole") is not None:  # its end was written: it is to be another one
                await delete_chunk(self._db, part["upload"], here // CHUNK_BYTES)
                await self._set(part, {"whole": None})
            digest = await self._digest(part["upload"], here)
            try:
                return await self._append(part, digest, parts, is_last)
            finally:
                self._digests.keep(part["upload"], digest)

    async def _append(self, part: Document, digest: Digest, parts: AsyncIterator[bytes], is_last: bool) -> int:
        rest, told = bytearray(), time.monotonic()
        async for piece in parts:
            rest += piece
            while len(rest) >= CHUNK_BYTES:
                await self._write(part, digest, bytes(rest[:CHUNK_BYTES]))
                del rest[:CHUNK_BYTES]
            if time.monotonic() - told > BEAT_S:
                await self._set(part, {"at": time.time()})
                told = time.monotonic()
        if is_last:
            await self._set(part, {"whole": digest.size + len(rest)})
            if rest:
                await self._write(part, digest, bytes(rest))
        return digest.size

    async def _write(self, part: Document, digest: Digest, data: bytes) -> None:
        try:
            await write_chunk(self._db, part["upload"], digest.size // CHUNK_BYTES, data)
        except DuplicateKeyError as error:
            raise UploadBusy(part["_id"]) from error
        digest.add(data)

    @asynccontextmanager
    async def whole(self, sha256: str) -> AsyncIterator[Document]:
        """Hold an upload that has come to its end; gives its ``upload`` and ``whole``, its size.

        Raises:
            UploadConflict: It has not.
            InvalidDocument: It is something else; nothing is left of it.
        """
        if await self._db["uploads"].find_one({"_id": sha256}) is None:
            raise UploadConflict(sha256, 0)
        async with self._taken(sha256, is_new=False) as part:
            size = part.get("whole")
            if size is None or await count_chunks(self._db, part["upload"]) != -(-size // CHUNK_BYTES):
                raise UploadConflict(sha256, await self._here(part))
            digest = await self._digest(part["upload"], size)
            try:
                digest.check(sha256)
            except InvalidDocument:
                await self.drop_upload(part)
                raise
            yield part

    async def drop(self, sha256: str) -> None:
        """Forget an upload."""
        with self._held.holding(sha256):
            found = await self._db["uploads"].find_one({"_id": sha256})
            if found is not None:
                await self.drop_upload(found)

    async def drop_upload(self, part: Document) -> None:
        """Remove an unfinished upload and what is left of it, unless it has become a blob."""
        if await self._db[FILES].find_one({"_id": part["upload"]}, {"_id": 1}) is None:
            await drop_chunks(self._db, part["upload"])
        await self._db["uploads"].delete_one({"_id": part["_id"], "upload": part["upload"]})

    async def drop_old(self, before: float) -> None:
        """Remove what nobody has gone on with since a time, and go on with removing what a crash broke off."""
        for part in [found async for found in self._db["uploads"].find({"at": {"$lt": before}})]:
            if part["_id"] not in self._held and not await self._is_taken(part):
                await self.drop_upload(part)

    async def _is_taken(self, left: Document) -> bool:
        """Tell whether what was to be removed is gone on with: beginning it anew broke off."""
        other = {"upload": left["upload"], "_id": {"$ne": left["_id"]}}
        return await self._db["uploads"].find_one(other, {"_id": 1}) is not None

    @asynccontextmanager
    async def _taken(self, sha256: str, *, is_new: bool) -> AsyncIterator[Document]:
        """Hold an upload, or begin it anew."""
        with self._held.holding(sha256):
            part = await self._take(sha256, is_new=is_new)
            try:
                yield part
            finally:
                with suppress(PyMongoError, UploadBusy):  # what is not given back is taken again
                    await self._set(part, {"token": ""})

    async def _take(self, sha256: str, *, is_new: bool) -> Document:
        uploads = self._db["uploads"]
        for _ in range(MAX_TRIES):
            held = {"token": fresh_id(), "owner": self._manager, "at": time.time()}
            fresh = {"_id": sha256, "upload": fresh_id(20), "whole": None, **held}
            found = await uploads.find_one({"_id": sha256})
            if found is None:
                with suppress(DuplicateKeyError):
                    await uploads.insert_one(fresh)
                    return fresh
                continue
            if found["token"] and found["owner"] != self._manager and found["at"] > time.time() - STALE_S:
                raise UploadBusy(sha256)
            part = fresh if is_new else {**found, **held}
            # Should beginning anew break off, the next start finds what is left.
            left = {"_id": found["upload"], "upload": found["upload"], "token": "", "owner": "", "at": 0.0}
            if is_new:
                await uploads.replace_one({"_id": left["_id"]}, left, upsert=True)
            this = {"_id": sha256, "token": found["token"], "upload": found["upload"]}
            if (await uploads.replace_one(this, part)).matched_count:
                if is_new:
                    await self.drop_upload(left)
                return part
        raise UploadBusy(sha256)

    async def _set(self, part: Document, fields: Document) -> None:
        """Change what is said of an upload that we hold.

        Raises:
            UploadBusy: We do not hold it any more.
        """
        this = {"_id": part["_id"], "token": part["token"]}
        if not (await self._db["uploads"].update_one(this, {"$set": fields})).matched_count:
            raise UploadBusy(part["_id"])
        part.update(fields)

    async def _here(self, part: Document) -> int:
        """Return how many bytes there are in chunks of full size."""
        number, whole = await count_chunks(self._db, part["upload"]), part.get("whole")
        return CHUNK_BYTES * (number if whole is None else min(number, whole // CHUNK_BYTES))

    async def _digest(self, upload: str, size: int) -> Digest:
        """Return the digest of the first bytes of an upload."""
        digest = self._digests.take(upload, size)
        if digest is not None:
            return digest
        digest = Digest()
        stop = -(-size // CHUNK_BYTES)
        for first in range(0, stop, READ_CHUNKS):
            digest.add(await read_chunks(self._db, upload, first, min(stop, first + READ_CHUNKS)))
        return digest
