"""Which results satisfy the ``stop_when`` of their task, in MongoDB.

Rule: a result's own document says whether it does, in the one write that makes it. The collection ``matches`` is
written before and names the rows that may, so that they are found without a look at all the others.
"""

from collections.abc import AsyncIterator

import msgspec

from disio_manager.stores.mongo_documents import (
    Database,
    Document,
    found_among,
    index_of,
    insert_new,
    rows_between,
)
from disio_manager.stores.rows import ResultRow
from disio_shared.errors import OwnershipLost
from disio_shared.ranges import RangeSet
from disio_shared.task_parts import StopWhen

MARK = "m"
MATCHING: Document = {MARK: True}
PAGE_ROWS = 1_000
"""As many as one filter can name."""
PAGE_BYTES = 4 << 20
_stops = msgspec.msgpack.Decoder(StopWhen)


def stop_in(found: Document) -> StopWhen | None:
    """Return the condition in a task's document."""
    text = found.get("stop")
    return None if text is None else _stops.decode(text)


async def insert_results(db: Database, documents: list[Document]) -> list[Document]:
    """Insert results, an index that has one keeps it; return the documents that were not inserted."""
    await insert_new(db, "matches", [{"_id": one["_id"]} for one in documents if MARK in one])
    return [documents[at] for at in await insert_new(db, "results", documents)]


async def insert_own(db: Database, documents: list[Document]) -> None:
    """Insert results that the core has counted.

    Raises:
        OwnershipLost: Another manager took in one of them as well, and only one of the two satisfies the condition.
    """
    there = await insert_results(db, documents)
    counted = {one["_id"] for one in there if MARK in one}
    if there and counted != set(await among(db, [one["_id"] for one in there])):
        raise OwnershipLost("results that this one was sent as well, and that are others there,")


async def among(db: Database, rows: list[int]) -> list[int]:
    """Return which of some rows are results that satisfy the condition."""
    return await found_among(db, "results", rows, MATCHING)


async def between(db: Database, number: int, start: int, stop: int | None) -> AsyncIterator[list[int]]:
    """Yield rows of a task that satisfy the condition, in index order, a part at a time."""
    while True:
        named = db["matches"].find(rows_between(number, start, stop)).sort("_id", 1).limit(PAGE_ROWS)
        rows = [found["_id"] async for found in named]
        if not rows:
            return
        yield sorted(await among(db, rows))
        start = index_of(rows[-1]) + 1


async def indexes(db: Database, number: int, start: int, limit: int) -> list[int]:
    """Return up to ``limit`` indexes from ``start`` on."""
    kept: list[int] = []
    async for rows in between(db, number, start, None):
        kept += map(index_of, rows)
        if len(kept) >= limit:
            break
    return kept[:limit]


async def pages(db: Database, number: int, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
    """Yield results in index order from ``start``, at most ``limit`` (0 = all)."""
    left = limit or 1 << 62
    async for rows in between(db, number, start, None):
        wanted = rows[: min(left, PAGE_ROWS)]
        async for page in _read(db, wanted):
            yield page
        left -= len(wanted)
        if not left:
            return


async def _read(db: Database, rows: list[int]) -> AsyncIterator[list[ResultRow]]:
    page: list[ResultRow] = []
    size = 0
    async for found in db["results"].find({"_id": {"$in": rows}}).sort("_id", 1):
        page.append(ResultRow(index_of(found["_id"]), found["v"], found["c"], found["s"]))
        size += len(found["v"])
        if size > PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


async def count_in(db: Database, number: int, start: int, stop: int, known: RangeSet) -> int:
    """Return how many of the known indexes between satisfy the condition."""
    found = 0
    async for rows in between(db, number, start, stop):
        found += sum(index_of(row) in known for row in rows)
    return found
