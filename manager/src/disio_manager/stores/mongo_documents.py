"""How our rows lie in MongoDB's documents.

Rule: a result's ``_id`` is one integer made of task number and index, so that order, uniqueness and ranges need no
other index; whatever may pass 15 MB is kept in chunks.

A document holds at most 16 MB. The core lets no result above 8 MiB through, so a result fits; work units (32 MB) and
written out payload lists (64 MB) are cut.
"""

from typing import Any

import msgspec
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from disio_manager.core.records import BlockRecord, DistributorRecord, StretchRecord, TaskRecord

SCHEMA_VERSION = 3
INDEX_BITS = 40
"""Payload indexes stay below 10^12."""
MAX_NUMBER = (1 << (63 - INDEX_BITS)) - 1
"""Highest task number that fits in an ``_id`` beside an index."""
CHUNK_BYTES = 8 << 20
MAX_UPDATES = 50
"""Updates in one command: FerretDB stops answering above about 90."""
MAX_NAMES = 1_000
"""``_id``s named in one filter."""
DELETED = "deleted"
"""State of a task that is being deleted; nobody sees it any more."""
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
    """Return a task's document without its payloads and without what its stretches tell."""
    return {
        "_id": record.id,
        "number": record.number,
        "state": record.state,
        "retries": record.retries,
        "blob": record.blob,
        "created": record.created_at,
        "ended": record.finished_at or 0.0,
        "total": record.total,
        "owner": record.owner,
        "search": "\n".join([record.name, *record.tags]).casefold(),
        "parts": parts,
        "stop": None if record.policy.stop_when is None else encode(record.policy.stop_when),
        "record": encode(msgspec.structs.replace(record, payloads=b"", done=0, failed=0, matched=0)),
    }


def stretch_document(record: StretchRecord, number: int) -> Document:
    """Return a stretch's document."""
    return {
        "_id": row_id(number, record.start),
        "task": number,
        "owner": record.owner,
        "stop": record.stop,
        "frontier": record.frontier,
        "done": record.done,
        "failed": record.failed,
        "leased": record.leased,
        "retries": record.retries,
        "matched": record.matched,
    }


def stretch_of(found: Document, task: str) -> StretchRecord:
    """Return a document's stretch."""
    return StretchRecord(
        task=task,
        start=index_of(found["_id"]),
        stop=found["stop"],
        owner=found["owner"],
        frontier=found["frontier"],
        done=found["done"],
        failed=found["failed"],
        leased=found["leased"],
        retries=found["retries"],
        matched=found.get("matched", 0),
    )


def block_document(record: BlockRecord, number: int, owner: str) -> Document:
    """Return a block's document."""
    return {
        "_id": record.id,
        "task": number,
        "owner": owner,
        "start": record.start,
        "stop": record.stop,
        "lease": record.lease,
        "holder": record.holder,
    }


def block_of(found: Document, task: str) -> BlockRecord:
    """Return a document's block."""
    return BlockRecord(
        id=found["_id"],
        task=task,
        start=found["start"],
        stop=found["stop"],
        lease=found["lease"],
        holder=found["holder"],
    )


def distributor_document(record: DistributorRecord) -> Document:
    """Return a distributor's document."""
    return {"_id": record.id, "manager": record.manager, "record": encode(record)}


async def number_of(db: Database, task: str) -> int | None:
    """Return a task's number; none of one that is not there."""
    found = await db["tasks"].find_one({"_id": task}, {"number": 1})
    return None if found is None else int(found["number"])


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


async def insert_new(db: Database, collection: str, documents: list[Document]) -> list[int]:
    """Insert documents; those whose ``_id`` is there already stay as they are, and their positions are returned."""
    if not documents:
        return []
    try:
        await db[collection].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        problems = error.details["writeErrors"]
        if any(problem["code"] != DUPLICATE_KEY for problem in problems):
            raise
        if error.details.get("writeConcernErrors"):
            raise
        return [problem["index"] for problem in problems]
    return []


async def put_all(db: Database, collection: str, documents: list[Document]) -> None:
    """Insert or replace documents, in order."""
    for at in range(0, len(documents), MAX_UPDATES):
        some = [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents[at : at + MAX_UPDATES]]
        await db[collection].bulk_write(some, ordered=True)


async def put_where(db: Database, collection: str, documents: list[Document], only: Document) -> bool:
    """Insert documents, or replace those that fit the filter ``only``; return whether every one was written.

    An upsert would do both at once, but FerretDB answers one that meets a duplicate key with nonsense.
    """
    there = [documents[at] for at in await insert_new(db, collection, documents)]
    return await replace_where(db, collection, [(only, document) for document in there])


async def replace_where(db: Database, collection: str, pairs: list[tuple[Document, Document]]) -> bool:
    """Replace documents that fit the filter beside them; return whether all did."""
    updates = [ReplaceOne({"_id": document["_id"], **only}, document) for only, document in pairs]
    return await _write(db, collection, updates)


async def set_where(db: Database, collection: str, documents: list[Document], only: Document) -> bool:
    """Set fields of documents that fit a filter; return whether all did."""
    updates = [
        UpdateOne({"_id": one["_id"], **only}, {"$set": {name: one[name] for name in one if name != "_id"}})
        for one in documents
    ]
    return await _write(db, collection, updates)


async def _write(db: Database, collection: str, updates: list[Any]) -> bool:
    matched = 0
    for at in range(0, len(updates), MAX_UPDATES):
        done = await db[collection].bulk_write(updates[at : at + MAX_UPDATES], ordered=True)
        matched += done.matched_count
    return matched == len(updates)


async def drop_all(db: Database, collection: str, names: list[Any], only: Document | None = None) -> int:
    """Delete documents by ``_id``, of those the ones that fit a filter; return how many there were."""
    dropped = 0
    for some in in_parts(names):
        done = await db[collection].delete_many({"_id": {"$in": some}, **(only or {})})
        dropped += done.deleted_count
    return dropped


async def found_among(db: Database, collection: str, names: list[Any], only: Document | None = None) -> list[Any]:
    """Return which of some ``_id``s there are documents of that fit a filter."""
    found: list[Any] = []
    for some in in_parts(names):
        cursor = db[collection].find({"_id": {"$in": some}, **(only or {})}, {"_id": 1})
        found += [document["_id"] async for document in cursor]
    return found


def in_parts(names: list[Any]) -> list[list[Any]]:
    """Cut a list into parts that one filter can name."""
    return [names[at : at + MAX_NAMES] for at in range(0, len(names), MAX_NAMES)]
