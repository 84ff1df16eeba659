"""Points of the past in SQLite.

Rule: one transaction a call.
"""

from collections.abc import Sequence

import apsw
import msgspec

from disio_manager.history import Point, Row
from disio_manager.stores.histories import Kept
from disio_manager.stores.sqlite_journal import Reading
from disio_manager.stores.sqlite_keys import Writing

HISTORY = """
CREATE TABLE history (
    task INTEGER NOT NULL, span INTEGER NOT NULL, at INTEGER NOT NULL, manager TEXT NOT NULL, point BLOB NOT NULL,
    PRIMARY KEY (task, span, at, manager)
) WITHOUT ROWID;
CREATE INDEX history_by_age ON history (span, at);
"""
ALL = 0
"""In place of a task's number: all tasks together."""
MAX_OWN = 1_000
PUT = (
    "INSERT OR REPLACE INTO history SELECT number, ?1, ?2, ?3, ?4 FROM "
    "(SELECT number FROM tasks WHERE id = ?5 UNION ALL SELECT 0 WHERE ?5 = '')"
)
OWN = (
    "SELECT coalesce((SELECT id FROM tasks WHERE number = task), ''), span, at, point FROM history "
    "WHERE span = ? AND at = ? AND manager = ? LIMIT ?"
)
READ = "SELECT manager, at, point FROM history WHERE task = ? AND span = ? AND at >= ? AND at < ?"
_points = msgspec.msgpack.Decoder(Point)


class SqliteHistory:
    """HistoryStore over a file.

    Args:
        manager: Whose points are written.
    """

    def __init__(
        self, manager: str, write: apsw.Connection, writing: Writing, read: apsw.Connection, reading: Reading
    ) -> None:
        self._manager, self._write, self._writing = manager, write, writing
        self._read, self._reading = read, reading

    async def put(self, rows: Sequence[Row]) -> None:
        """Keep points of this manager."""
        values = [(row.span, row.at, self._manager, msgspec.msgpack.encode(row.point), row.task) for row in rows]

        def write() -> None:
            with self._write:
                self._write.executemany(PUT, values)

        await self._writing(write)

    async def own(self, span: int, at: int) -> list[Row]:
        """Return this manager's points that begin at a moment."""

        def read() -> list[Row]:
            found = self._read.execute(OWN, (span, at, self._manager, MAX_OWN))
            return [Row(task, span, at, _points.decode(point)) for task, span, at, point in found]

        return await self._reading(read)

    async def read(self, task: str, span: int, start: int, stop: int) -> list[Kept]:
        """Return points of every manager."""

        def read() -> list[Kept]:
            number = self._read.execute("SELECT number FROM tasks WHERE id = ?", (task,)).get if task else ALL
            found = self._read.execute(READ, (number, span, start, stop))  # of no number there is nothing
            return [Kept(manager, Row(task, span, at, _points.decode(point))) for manager, at, point in found]

        return await self._reading(read)

    async def drop(self, span: int, before: int) -> None:
        """Remove old points."""
        query = "DELETE FROM history WHERE span = ? AND at < ?"
        await self._writing(lambda: self._write.execute(query, (span, before)))
