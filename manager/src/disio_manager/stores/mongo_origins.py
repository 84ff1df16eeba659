"""Origins in MongoDB.

Rule: rows are read without their values and grouped here: FerretDB groups by one field alone.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from disio_manager.stores import mongo_votes
from disio_manager.stores.mongo_documents import Database, index_of, number_of, rows_between
from disio_manager.stores.origins import OriginPage, OriginRow, SecondsPage

BATCH = 10_000
FIELDS = {"c": 1, "d": 1, "s": 1, "at": 1}


class MongoOrigins:
    """OriginStore over the collection ``results``.

    Args:
        db: Where it is.
        answering: Translates the driver's errors.
    """

    def __init__(self, db: Database, answering: Callable[[], AbstractContextManager[None]]) -> None:
        self._db, self._answering = db, answering

    async def page(self, task: str, start: int, limit: int) -> OriginPage:
        """Group results."""
        with self._answering():
            number = await number_of(self._db, task)
            if number is None:
                return OriginPage([], None)
            cursor = self._db["results"].find(rows_between(number, start, None), FIELDS).sort("_id", 1).limit(limit)
            grouped: dict[tuple[str, str], OriginRow] = {}
            count, last = 0, start
            async for found in cursor.batch_size(BATCH):
                key, at = (found["c"], found["d"]), found["at"]
                known = grouped.get(key, OriginRow(*key, 0, 0.0, at, at))
                first, latest = min(known.first_at, at), max(known.last_at, at)
                grouped[key] = OriginRow(*key, known.results + 1, known.seconds + found["s"], first, latest)
                count, last = count + 1, index_of(found["_id"])
            return OriginPage(list(grouped.values()), last + 1 if count >= limit else None)

    async def seconds(self, task: str, start: int, limit: int) -> SecondsPage:
        """Return durations."""
        with self._answering():
            number = await number_of(self._db, task)
            if number is None:
                return SecondsPage([], None)
            cursor = self._db["results"].find(rows_between(number, start, None), {"s": 1}).sort("_id", 1).limit(limit)
            rows = [(found["_id"], found["s"]) async for found in cursor.batch_size(BATCH)]
            return SecondsPage(
                [seconds for _, seconds in rows], index_of(rows[-1][0]) + 1 if len(rows) >= limit else None
            )

    async def votes(self, task: str) -> tuple[int, int]:
        """Count further results."""
        with self._answering():
            return await mongo_votes.agreements(self._db, task), await mongo_votes.disagreements(self._db, task)
