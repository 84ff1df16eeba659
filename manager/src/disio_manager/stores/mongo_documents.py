"""How our rows lie in MongoDB's documents.

Rule: a result's ``_id`` is one integer made of task number and index, so that order, uniqueness and ranges need no
other index; whatever may pass 15 MB is kept in chunks.

A document holds at most 16 MB. The core lets no result above 8 MiB through, so a result fits; work units (32 MB) and
written out payload lists (64 MB) are cut.
"""

from typing import Any

import msgspec
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from disio_manager.core.records import BlockRecord, TaskRecord

SCHEMA_VERSION = 1
INDEX_BITS = 40
"""Payload indexes stay below 10^12."""
MAX_NUMBER = (1 << (63 - INDEX_BITS)) - 1
"""Highest task number that fits in an ``_id`` beside an index."""
CHUNK_BYTES = 8 << 20
MAX_UPDATES = 50
"""Updates in one command: FerretDB stops answering above about 90."""
DUPLICATE_KEY = 11000

Database = Any
"""A motor or PyMongo database; both offer the calls used here."""
Document = dict[str, Any]

encode = msgspec.msgpack.encode


def row_id(number: int, index: int) -> int:
    """Return the ``_id`` of the result or failure of one payload."""
    return (number << INDEX_BITS) | index


def index_of(row: int) -> int:
    """Return the payload index in an ``_id``."""
    return row & ((1 << INDEX_BITS) - 1)


def rows_between(number: int, start: int, stop: int | None) -> Document:
    """Return a filter for the rows of a task from ``start`` to ``stop`` (None = all)."""
    end = row_id(number + 1, 0) if stop is None else row_id(number, stop)
    return {"_id": {"$gte": row_id(number, start), "$lt": end}}


def task_document(record: TaskRecord, parts: int) -> Document:
    """Return a task's document without its payloads."""
    return {
        "_id": record.id,
        "number": record.number,
        "state": record.state,
        "search": "\n".join([record.name, *record.tags]).casefold(),
        "parts": parts,
        "record": encode(msgspec.structs.replace(record, payloads=b"")),
    }


def block_document(record: BlockRecord, number: int) -> Document:
    """Return a block's document."""
    return {
        "_id": record.id,
        "task": number,
        "start": record.start,
        "stop": record.stop,
        "lease": record.lease,
        "holder": record.holder,
    }


async def write_chunks(db: Database, owner: str, body: bytes) -> int:
    """Write bytes in chunks, before the document that tells of them; return how many."""
    pieces = [body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES)]
    for part, piece in enumerate(pieces):
        name = f"{owner}/{part}"
        await db["chunks"].replace_one({"_id": name}, {"_id": name, "body": piece}, upsert=True)
    return len(pieces)


async def read_chunks(db: Database, owner: str, parts: int) -> bytes:
    """Return bytes written in chunks."""
    pieces = [await db["chunks"].find_one({"_id": f"{owner}/{part}"}) for part in range(parts)]
    return b"".join(piece["body"] for piece in pieces)


async def insert_new(db: Database, collection: str, documents: list[Document]) -> None:
    """Insert documents; those whose ``_id`` is there already stay as they are."""
    if not documents:
        return
    try:
        await db[collection].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if any(problem["code"] != DUPLICATE_KEY for problem in error.details["writeErrors"]):
            raise
        if error.details.get("writeConcernErrors"):
            raise


async def put_all(db: Database, collection: str, documents: list[Document]) -> None:
    """Insert or replace documents, in order."""
    for at in range(0, len(documents), MAX_UPDATES):
        some = [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents[at : at + MAX_UPDATES]]
        await db[collection].bulk_write(some, ordered=True)


async def drop_all(db: Database, collection: str, names: list[str]) -> None:
    """Delete documents by ``_id``."""
    for at in range(0, len(names), 1_000):
        await db[collection].delete_many({"_id": {"$in": names[at : at + 1_000]}})
