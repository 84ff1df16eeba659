"""Origins in SQLite.

Rule: grouped by the database, a bounded run of rows at a time.
"""

from typing import Any

import apsw

from disio_manager.stores import sqlite_votes
from disio_manager.stores.origins import OriginPage, OriginRow, SecondsPage
from disio_manager.stores.sqlite_journal import Reading

PAGE = """
WITH page AS (
    SELECT idx, seconds, origin, at FROM results
    WHERE task = (SELECT number FROM tasks WHERE id = ?) AND idx >= ? ORDER BY idx LIMIT ?
)
SELECT client, distributor, count(*), sum(seconds), min(at) / 1000.0, max(at) / 1000.0, max(idx)
FROM page JOIN origins ON number = origin GROUP BY origin
"""
SECONDS = """
SELECT idx, seconds FROM results WHERE task = (SELECT number FROM tasks WHERE id = ?) AND idx >= ? ORDER BY idx LIMIT ?
"""


class SqliteOrigins:
    """OriginStore over a file."""

    def __init__(self, connection: apsw.Connection, reading: Reading) -> None:
        self._connection, self._reading = connection, reading

    async def page(self, task: str, start: int, limit: int) -> OriginPage:
        """Group results."""
        found: list[Any] = await self._reading(lambda: self._connection.execute(PAGE, (task, start, limit)).fetchall())
        is_full = sum(int(row[2]) for row in found) >= limit
        following = max(int(row[6]) for row in found) + 1 if is_full else None
        return OriginPage([OriginRow(*row[:6]) for row in found], following)

    async def seconds(self, task: str, start: int, limit: int) -> SecondsPage:
        """Return durations."""
        found: list[Any] = await self._reading(
            lambda: self._connection.execute(SECONDS, (task, start, limit)).fetchall()
        )
        return SecondsPage([row[1] for row in found], found[-1][0] + 1 if len(found) >= limit else None)

    async def votes(self, task: str) -> tuple[int, int]:
        """Count further results."""
        return await self._reading(
            lambda: (
                sqlite_votes.agreements(self._connection, task),
                sqlite_votes.disagreements(self._connection, task),
            )
        )
