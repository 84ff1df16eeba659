"""Finding tasks in SQLite.

Rule: what is compared lies in columns of its own; no record is decoded that is not shown.
"""

from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from disio_manager.core.records import TaskRecord
from disio_manager.stores.finding import MAX_IDS, Cursor, Matches, Sort, TaskFilter, paged
from disio_manager.stores.rows import TaskPage
from disio_manager.stores.sqlite_journal import Reading
from disio_manager.stores.sqlite_segments import measured

COLUMNS = ("created_at REAL NOT NULL DEFAULT 0", "finished_at REAL", "total INTEGER NOT NULL DEFAULT 0")
OWNERS = "ALTER TABLE tasks ADD COLUMN owner TEXT NOT NULL DEFAULT '';\n"
"""The same, since version 6."""
TIMES = "".join(f"ALTER TABLE tasks ADD COLUMN {column};\n" for column in COLUMNS)
"""Of the table ``tasks``, since version 5."""
ENDS = "CREATE INDEX IF NOT EXISTS tasks_by_end ON tasks (coalesce(finished_at, 0), number);"
"""For the order of ending. Progress changes with every commit, so its order has no index: it looks through the rows of
all tasks that fit, not through their records."""
SORTS: dict[Sort, str] = {
    "newest": "number",
    "ended": "coalesce(finished_at, 0)",
    "progress": "iif(total, (done + failed) * 1.0 / total, 0)",
}
Value = str | float | int
_records = msgspec.msgpack.Decoder(TaskRecord)


class SqliteFinding:
    """FindingStore over a file."""

    def __init__(self, read: apsw.Connection, reading: Reading) -> None:
        self._read, self._reading = read, reading

    async def page(self, wanted: TaskFilter, sort: Sort, limit: int, cursor: Cursor) -> TaskPage:
        """Return a page of tasks."""
        where, values = _where(wanted)
        key = SORTS[sort]
        order = f"ORDER BY {key} DESC, number DESC"
        query = (  # sorted by numbers alone: the records that are not shown stay where they are
            f"WITH page AS (SELECT number AS shown FROM tasks WHERE {where} AND ({key}, number) < (?, ?) "
            f"{order} LIMIT ?) SELECT record, done, failed, matched FROM page JOIN tasks ON number = shown {order}"
        )

        def read() -> TaskPage:
            total = self._read.execute(f"SELECT count(*) FROM tasks WHERE {where}", values).get
            rows = self._read.execute(query, (*values, cursor.key, cursor.number, limit + 1))
            found = [
                msgspec.structs.replace(_records.decode(body), done=done, failed=failed, matched=matched)
                for body, done, failed, matched in rows
            ]
            return paged([measured(self._read, record) for record in found], int(total), sort, limit)

        return await self._reading(read)

    async def ids(self, wanted: TaskFilter) -> Matches:
        """Return the tasks that fit."""
        where, values = _where(wanted)

        def read() -> Matches:
            total = self._read.execute(f"SELECT count(*) FROM tasks WHERE {where}", values).get
            rows = self._read.execute(f"SELECT id FROM tasks WHERE {where} ORDER BY number LIMIT ?", (*values, MAX_IDS))
            return Matches([task for (task,) in rows], int(total))

        return await self._reading(read)


def fill(connection: apsw.Connection) -> None:
    """Put what is compared of tasks of an older file in its columns."""
    update = "UPDATE tasks SET created_at = ?, finished_at = ?, total = ? WHERE number = ?"
    rows: list[Any] = connection.execute("SELECT number, record FROM tasks").fetchall()
    for number, body in rows:
        record = _records.decode(body)
        connection.execute(update, (record.created_at, record.finished_at, record.total, number))


def fill_owners(connection: apsw.Connection) -> None:
    """Put whose the tasks of an older file are in their column."""
    rows: list[Any] = connection.execute("SELECT number, record FROM tasks").fetchall()
    owners = [(_records.decode(body).owner, number) for number, body in rows]
    connection.executemany("UPDATE tasks SET owner = ? WHERE number = ?", owners)


def _where(wanted: TaskFilter) -> tuple[str, tuple[Value, ...]]:
    bounds = [bound for run in wanted.numbers for bound in run]
    parts: list[tuple[str, Sequence[Value]]] = [
        (f"({' OR '.join(['(number >= ? AND number < ?)'] * len(wanted.numbers))})", bounds),
        (f"id IN ({_marks(wanted.ids)})", wanted.ids),
        (f"state IN ({_marks(wanted.states)})", wanted.states),
        ("instr(search, ?) > 0", [wanted.q.casefold()] if wanted.q else []),
        ("created_at >= ? AND created_at < ?", wanted.created or []),
        ("finished_at >= ? AND finished_at < ?", wanted.ended or []),
        ("owner = ?", [wanted.owner] if wanted.owner else []),
        ("failed >= ?", [1] if wanted.has_failures else []),
    ]
    meant = [(part, values) for part, values in parts if values]
    return " AND ".join(["1", *(part for part, _ in meant)]), tuple(value for _, values in meant for value in values)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
