"""Segments of growing tasks in SQLite.

Rule: a segment is written in one transaction with the look at what it follows.
"""

from collections.abc import Sequence

import apsw

from disio_manager.core.records import Growth, SegmentHead, TaskRecord
from disio_manager.stores.segments import LastSegment, Segment, check_next, growth_of, picked
from disio_manager.stores.sqlite_journal import Reading
from disio_manager.stores.sqlite_keys import Writing
from disio_shared.errors import TaskNotFound
from disio_shared.ranges import Run

SEGMENTS = """
CREATE TABLE segments (
    task INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, size INTEGER NOT NULL,
    nth INTEGER NOT NULL, mark BLOB NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (task, start)
);
"""
NUMBER = "(SELECT number FROM tasks WHERE id = ?)"


class SqliteSegments:
    """SegmentStore over a file."""

    def __init__(self, write: apsw.Connection, read: apsw.Connection, writing: Writing, reading: Reading) -> None:
        self._write, self._read, self._writing, self._reading = write, read, writing, reading

    async def append(self, task: str, segment: Segment, mark: bytes = b"") -> bool:
        """Keep a segment."""
        return await self._writing(lambda: _append(self._write, task, segment, mark))

    async def marks(self, task: str) -> list[bytes]:
        """Return what was noted of segments."""
        query = f"SELECT mark FROM segments WHERE task = {NUMBER} AND mark != x'' ORDER BY start"
        return await self._reading(lambda: [mark for (mark,) in self._read.execute(query, (task,))])

    async def growth(self, task: str, start: int) -> Growth:
        """Return the log from a payload on."""

        def read() -> Growth:
            number = self._read.execute("SELECT number FROM tasks WHERE id = ?", (task,)).get
            return growth_of(task, [] if number is None else heads(self._read, number, start))

        return await self._reading(read)

    async def values(self, task: str, runs: Sequence[Run]) -> list[bytes]:
        """Return payloads."""
        if not runs:
            return []
        query = f"SELECT start, body FROM segments WHERE task = {NUMBER} AND start < ? AND start + count > ? ORDER BY 1"
        bounds = (task, runs[-1][1], runs[0][0])

        def read() -> list[tuple[int, bytes]]:
            return [(start, body) for start, body in self._read.execute(query, bounds)]

        return picked(await self._reading(read), runs)


def _append(connection: apsw.Connection, task: str, segment: Segment, mark: bytes) -> bool:
    head, body = segment
    with connection:
        number = connection.execute("SELECT number FROM tasks WHERE id = ?", (task,)).get
        if number is None:
            raise TaskNotFound(task)
        query = "SELECT count(*) FROM segments WHERE task = ? AND start = ? AND count = ? AND body = ?"
        if connection.execute(query, (number, head.start, head.count, body)).get:
            return False
        query = "SELECT start, count, size, nth FROM segments WHERE task = ? ORDER BY start DESC LIMIT 1"
        row = connection.execute(query, (number,)).fetchone()
        last = None if row is None else LastSegment(SegmentHead(*row[:3]), row[3])
        add(connection, number, [segment], check_next(task, last, head), mark)
    return True


def add(
    connection: apsw.Connection, number: int, segments: Sequence[Segment], first: int = 0, mark: bytes = b""
) -> None:
    """Write segments, the first of which is the ``first``-th; those that are there stay."""
    rows = [
        (number, head.start, head.count, head.size, nth, mark, body) for nth, (head, body) in enumerate(segments, first)
    ]
    connection.executemany("INSERT OR IGNORE INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def heads(connection: apsw.Connection, number: int, start: int = 0) -> list[SegmentHead]:
    """Return the segments of a task that begin at a payload or behind it."""
    query = "SELECT start, count, size FROM segments WHERE task = ? AND start >= ? ORDER BY start"
    return [SegmentHead(*row) for row in connection.execute(query, (number, start))]


def measured(connection: apsw.Connection, record: TaskRecord) -> TaskRecord:
    """Return a task with as many payloads as its log holds, if it has one."""
    if record.form:
        query = "SELECT coalesce(max(start + count), 0) FROM segments WHERE task = ?"
        record.total = int(connection.execute(query, (record.number,)).get)
    return record
