"""Which rows of results and failures there are, without what is in them.

Rule: only ``_id``s are read, in parts of at most ``MAX_NEAR`` indexes.
"""

from disio_manager.stores.mongo_documents import Database, row_id, rows_between
from disio_shared.ranges import RangeSet, runs_of

MAX_NEAR = 200_000
"""Indexes read at once."""
BATCH = 10_000
"""Rows that the database sends at a time."""
Span = tuple[int, int, int]
"""A task's number, and its indexes from and to."""


async def ids_between(db: Database, collection: str, spans: list[Span]) -> RangeSet:
    """Return the ``_id``s there are; small spans share a query."""
    ids = RangeSet()
    part: list[Span] = []
    width = 0
    for span in _cut(spans):
        if width + span[2] - span[1] > MAX_NEAR:
            await _read(db, collection, part, ids)
            part, width = [], 0
        part.append(span)
        width += span[2] - span[1]
    await _read(db, collection, part, ids)
    return ids


def of_task(ids: RangeSet, number: int) -> RangeSet:
    """Return the indexes of one task among rows of several."""
    first = row_id(number, 0)
    return RangeSet([(start - first, stop - first) for start, stop in ids.within(first, row_id(number + 1, 0))])


def _cut(spans: list[Span]) -> list[Span]:
    return [
        (number, at, min(stop, at + MAX_NEAR)) for number, start, stop in spans for at in range(start, stop, MAX_NEAR)
    ]


async def _read(db: Database, collection: str, part: list[Span], ids: RangeSet) -> None:
    if part:
        cursor = db[collection].find({"$or": [rows_between(*span) for span in part]}, {"_id": 1}).batch_size(BATCH)
        ids.add_all(runs_of([found["_id"] async for found in cursor]))
