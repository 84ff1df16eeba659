"""Points of the past in MongoDB.

Rule: a point is one document, named by task, span, begin and manager; what is written of a task that is just being
deleted is dropped when it is old.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import msgspec

from disio_manager.history import Point, Row
from disio_manager.stores.histories import Kept
from disio_manager.stores.mongo_documents import DELETED, Database, in_parts, put_all

INDEXES: list[list[tuple[str, int]]] = [[("task", 1), ("span", 1), ("at", 1)], [("span", 1), ("at", 1)]]
ALL = 0
"""In place of a task's number: all tasks together."""
MAX_OWN = 1_000
_points = msgspec.msgpack.Decoder(Point)


class MongoHistory:
    """HistoryStore over the collection ``history``.

    Args:
        db: Where it is.
        manager: Whose points are written.
        answering: Translates the driver's errors.
        writing: The same, for who may write.
    """

    def __init__(
        self,
        db: Database,
        manager: str,
        answering: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._db, self._manager, self._answering, self._writing = db, manager, answering, writing

    async def put(self, rows: Sequence[Row]) -> None:
        """Keep points of this manager."""
        with self._writing():
            numbers = await self._numbers(sorted({row.task for row in rows if row.task}))
            documents = [
                {
                    "_id": f"{numbers[row.task]}/{row.span}/{row.at}/{self._manager}",
                    "task": numbers[row.task],
                    "span": row.span,
                    "at": row.at,
                    "manager": self._manager,
                    "name": row.task,
                    "point": msgspec.msgpack.encode(row.point),
                }
                for row in rows
                if row.task in numbers
            ]
            await put_all(self._db, "history", documents)

    async def own(self, span: int, at: int) -> list[Row]:
        """Return this manager's points that begin at a moment."""
        with self._answering():
            cursor = self._db["history"].find({"span": span, "at": at, "manager": self._manager}).limit(MAX_OWN)
            return [Row(found["name"], span, at, _points.decode(found["point"])) async for found in cursor]

    async def read(self, task: str, span: int, start: int, stop: int) -> list[Kept]:
        """Return points of every manager."""
        with self._answering():
            numbers = await self._numbers([task] if task else [])
            if task not in numbers:
                return []
            matching = {"task": numbers[task], "span": span, "at": {"$gte": start, "$lt": stop}}
            return [
                Kept(found["manager"], Row(task, span, found["at"], _points.decode(found["point"])))
                async for found in self._db["history"].find(matching)
            ]

    async def drop(self, span: int, before: int) -> None:
        """Remove old points."""
        with self._writing():
            await self._db["history"].delete_many({"span": span, "at": {"$lt": before}})

    async def _numbers(self, tasks: list[str]) -> dict[str, int]:
        """Return the numbers of tasks that are there; that of the empty name stands for all."""
        numbers = {"": ALL}
        for some in in_parts(tasks):
            matching = {"_id": {"$in": some}, "state": {"$ne": DELETED}}
            async for found in self._db["tasks"].find(matching, {"number": 1}):
                numbers[found["_id"]] = int(found["number"])
        return numbers
