"""Segments of growing tasks in MongoDB.

Rule: a segment's ``_id`` is made of the task and the payload it begins with, so only one manager can write what comes
next; whoever was later is refused.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from disio_manager.core.records import Growth, SegmentHead
from disio_manager.stores.mongo_documents import (
    Database,
    Document,
    index_of,
    insert_new,
    number_of,
    row_id,
    rows_between,
)
from disio_manager.stores.segments import LastSegment, Segment, check_next, growth_of, picked
from disio_shared.errors import TaskNotFound
from disio_shared.ranges import Run

FIELDS = {"count": 1, "size": 1, "nth": 1}


class MongoSegments:
    """SegmentStore over a database."""

    def __init__(
        self,
        db: Database,
        answering: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._db, self._answering, self._writing = db, answering, writing

    async def append(self, task: str, segment: Segment, mark: bytes = b"") -> bool:
        """Keep a segment."""
        head, _ = segment
        with self._writing():
            number = await number_of(self._db, task)
            if number is None:
                raise TaskNotFound(task)
            if await self._is_there(number, segment):
                return False
            nth = check_next(task, await _last(self._db, number), head)
            if not await insert_new(self._db, "segments", [_document(number, segment, nth, mark)]):
                return True
            if await self._is_there(number, segment):
                return False
            check_next(task, await _last(self._db, number), head)
            raise AssertionError("somebody else's segment is there")

    async def marks(self, task: str) -> list[bytes]:
        """Return what was noted of segments."""
        with self._answering():
            number = await number_of(self._db, task)
            if number is None:
                return []
            cursor = self._db["segments"].find(rows_between(number, 0, None), {"mark": 1}).sort("_id", 1)
            return [found["mark"] async for found in cursor if found["mark"]]

    async def growth(self, task: str, start: int) -> Growth:
        """Return the log from a payload on."""
        with self._answering():
            number = await number_of(self._db, task)
            return growth_of(task, [] if number is None else await heads(self._db, number, start))

    async def values(self, task: str, runs: Sequence[Run]) -> list[bytes]:
        """Return payloads."""
        if not runs:
            return []
        with self._answering():
            number = await number_of(self._db, task)
            if number is None:
                return []
            first = await _last(self._db, number, runs[0][0])
            bounds = rows_between(number, first.head.start if first else runs[0][0], runs[-1][1])
            cursor = self._db["segments"].find(bounds).sort("_id", 1)
            return picked([(index_of(found["_id"]), found["body"]) async for found in cursor], runs)

    async def _is_there(self, number: int, segment: Segment) -> bool:
        head, body = segment
        found = await self._db["segments"].find_one({"_id": row_id(number, head.start)})
        return found is not None and (found["count"], found["body"]) == (head.count, body)


async def add(db: Database, number: int, segments: Sequence[Segment]) -> None:
    """Write segments one by one (each may be as large as a document gets); those that are there stay."""
    for nth, segment in enumerate(segments):
        await insert_new(db, "segments", [_document(number, segment, nth, b"")])


async def heads(db: Database, number: int, start: int = 0) -> list[SegmentHead]:
    """Return the segments of a task that begin at a payload or behind it."""
    cursor = db["segments"].find(rows_between(number, start, None), FIELDS).sort("_id", 1)
    return [_head(found) async for found in cursor]


async def _last(db: Database, number: int, upto: int | None = None) -> LastSegment | None:
    """Return the last segment of a task, or the last one that begins at a payload or before it."""
    bounds = rows_between(number, 0, None if upto is None else upto + 1)
    found = await db["segments"].find_one(bounds, FIELDS, sort=[("_id", -1)])
    return None if found is None else LastSegment(_head(found), found["nth"])


def _head(found: Document) -> SegmentHead:
    return SegmentHead(index_of(found["_id"]), found["count"], found["size"])


def _document(number: int, segment: Segment, nth: int, mark: bytes) -> Document:
    head, body = segment
    told = {"count": head.count, "size": head.size, "nth": nth, "mark": mark}
    return {"_id": row_id(number, head.start), **told, "body": body}
