"""The chunks of blobs in a MongoDB database, laid out as GridFS has them, and those of their indexes.

Rule: a chunk is found by its ``_id``, made of the upload and its number, one at a time: FerretDB reads whole
collections for any other question. ``files_id`` and ``n`` are there for whoever reads GridFS.
"""

from pymongo import DeleteOne

from disio_manager.stores.mongo_documents import Database, Document

FILES, CHUNKS, INDEXES = "blobs.files", "blobs.chunks", "blob_indexes"
"""Collections: the first two are GridFS's, of a bucket called ``blobs``."""
CHUNK_BYTES = 1 << 20
"""Small enough that reading a few files out of a blob reads little else."""
DROPPED_AT_ONCE = 50
"""What takes long is taken for a dead database."""


async def write_chunk(db: Database, upload: str, number: int, data: bytes) -> None:
    """Write a chunk.

    Raises:
        DuplicateKeyError: It is there.
    """
    await db[CHUNKS].insert_one({"_id": _name(upload, number), "files_id": upload, "n": number, "data": data})


async def read_chunks(db: Database, upload: str, first: int, stop: int) -> bytes:
    """Return some chunks behind each other; one that is not there is empty."""
    return await _read(db, CHUNKS, [_name(upload, number) for number in range(first, stop)])


async def count_chunks(db: Database, upload: str) -> int:
    """Return how many chunks an upload has, from the first one on without a gap: in few looks, however many."""

    async def is_there(number: int) -> bool:
        return await db[CHUNKS].find_one({"_id": _name(upload, number)}, {"_id": 1}) is not None

    low, high = 0, 1  # there are at least low chunks
    while await is_there(high - 1):
        low, high = high, 2 * high
    while low < high - 1:  # and fewer than high
        middle = (low + high) // 2
        low, high = (middle, high) if await is_there(middle - 1) else (low, middle)
    return low


async def delete_chunk(db: Database, upload: str, number: int) -> None:
    """Remove a chunk if it is there."""
    await db[CHUNKS].delete_one({"_id": _name(upload, number)})


async def write_index(db: Database, upload: str, kind: str, data: bytes) -> None:
    """Write an index, in as many documents as it takes; once more is harmless."""
    for number, at in enumerate(range(0, len(data), CHUNK_BYTES)):
        document: Document = {"_id": _name(f"{upload}/{kind}", number), "data": data[at : at + CHUNK_BYTES]}
        await db[INDEXES].replace_one({"_id": document["_id"]}, document, upsert=True)


async def read_index(db: Database, upload: str, kind: str, size: int) -> bytes:
    """Return an index of so many bytes."""
    return await _read(db, INDEXES, [_name(f"{upload}/{kind}", at) for at in range(-(-size // CHUNK_BYTES))])


async def drop_chunks(db: Database, upload: str) -> None:
    """Remove the chunks and indexes of an upload, the last chunk first: should it break off, no gap hides the rest."""
    for stop in range(await count_chunks(db, upload), 0, -DROPPED_AT_ONCE):
        numbers = range(stop - 1, max(0, stop - DROPPED_AT_ONCE) - 1, -1)
        await db[CHUNKS].bulk_write([DeleteOne({"_id": _name(upload, number)}) for number in numbers], ordered=True)
    of_it = {"_id": {"$gte": f"{upload}/", "$lt": f"{upload}0"}}
    while names := [one["_id"] async for one in db[INDEXES].find(of_it, {"_id": 1}).limit(DROPPED_AT_ONCE)]:
        await db[INDEXES].delete_many({"_id": {"$in": names}})


async def _read(db: Database, collection: str, names: list[str]) -> bytes:
    found = [await db[collection].find_one({"_id": name}) for name in names]
    return b"".join(one["data"] for one in found if one is not None)


def _name(upload: str, number: int) -> str:
    return f"{upload}/{number:08d}"
