"""Rows of SQLite to what the core and the REST interface want.

Rule: every function reads one consistent snapshot and returns a bounded page, open tasks at start excepted.
"""

from typing import Any

import apsw
import msgspec

from disio_manager.core.records import BlockRecord, DistributorRecord, LoadedTask, TaskRecord
from disio_manager.stores import assembling
from disio_manager.stores.base import FailureRow, ResultRow, TaskPage
from disio_shared.ranges import Run, runs_of
from disio_shared.taskdoc import OPEN_STATES

PAGE_ROWS = 2_000
PAGE_BYTES = 4 << 20
MAX_DISTRIBUTORS = 10_000

_records = msgspec.msgpack.Decoder(TaskRecord)
_distributors = msgspec.msgpack.Decoder(DistributorRecord)
_errors = msgspec.msgpack.Decoder(list[str])


def open_tasks(connection: apsw.Connection) -> list[str]:
    """Return ids of open tasks, oldest first."""
    marks = ", ".join("?" * len(OPEN_STATES))
    query = f"SELECT id FROM tasks WHERE state IN ({marks}) ORDER BY number"
    return [task for (task,) in connection.execute(query, tuple(OPEN_STATES))]


def read_task(connection: apsw.Connection, task: str) -> TaskRecord | None:
    """Return a task's record with its payloads."""
    query = "SELECT record, body FROM tasks JOIN task_payloads ON task = number WHERE id = ?"
    row = connection.execute(query, (task,)).fetchone()
    return None if row is None else msgspec.structs.replace(_records.decode(row[0]), payloads=row[1])


def load_task(connection: apsw.Connection, task: str) -> LoadedTask | None:
    """Return a task as the core wants it, counted from the rows."""
    record = read_task(connection, task)
    if record is None:
        return None
    number = record.number
    blocks = assembling.untangle(_blocks(connection, record), record.frontier)
    closed = {block.id: _closed(connection, number, block.start, block.stop) for block in blocks}
    done = connection.execute("SELECT count(*) FROM results WHERE task = ?", (number,)).get
    query = "SELECT idx FROM failures WHERE task = ? ORDER BY idx"
    failed = runs_of(index for (index,) in connection.execute(query, (number,)))
    return assembling.assemble(record, blocks, closed, done, failed)


def _blocks(connection: apsw.Connection, record: TaskRecord) -> list[BlockRecord]:
    query = "SELECT id, start, stop, lease, holder FROM blocks WHERE task = ? ORDER BY start"
    return [
        BlockRecord(id=name, task=record.id, start=start, stop=stop, lease=lease, holder=holder)
        for name, start, stop, lease, holder in connection.execute(query, (record.number,))
    ]


def _closed(connection: apsw.Connection, number: int, start: int, stop: int) -> list[Run]:
    query = (
        "SELECT idx FROM results WHERE task = ?1 AND idx >= ?2 AND idx < ?3 UNION "
        "SELECT idx FROM failures WHERE task = ?1 AND idx >= ?2 AND idx < ?3"
    )
    return runs_of(index for (index,) in connection.execute(query, (number, start, stop)))


def task_page(connection: apsw.Connection, state: str, q: str, limit: int, cursor: str) -> TaskPage:
    """Return a page of tasks, newest first; the cursor is the number of the last one."""
    where: list[str] = ["1"]
    values: list[str] = []
    if state:
        where.append("state = ?")
        values.append(state)
    if q:
        where.append("instr(search, ?) > 0")
        values.append(q.casefold())
    matching = " AND ".join(where)
    total = connection.execute(f"SELECT count(*) FROM tasks WHERE {matching}", tuple(values)).get
    below = int(cursor) if cursor.isdecimal() else 2**62
    query = f"SELECT record FROM tasks WHERE {matching} AND number < ? ORDER BY number DESC LIMIT ?"
    rows: list[Any] = connection.execute(query, (*values, below, limit + 1)).fetchall()
    items = [_records.decode(record) for (record,) in rows[:limit]]
    more = len(rows) > limit and bool(items)
    return TaskPage(items=items, next_cursor=str(items[-1].number) if more else None, total=total)


def results_page(connection: apsw.Connection, task: str, start: int, limit: int) -> list[ResultRow]:
    """Return up to ``limit`` results from index ``start`` on, fewer when they are large, none at the end."""
    query = (
        "SELECT idx, value, client, seconds FROM results JOIN origins ON origins.number = origin "
        "WHERE task = (SELECT number FROM tasks WHERE id = ?) AND idx >= ? ORDER BY idx LIMIT ?"
    )
    page: list[ResultRow] = []
    size = 0
    for index, value, client, seconds in connection.execute(query, (task, start, limit)):
        page.append(ResultRow(index, value, client, seconds))
        size += len(value)
        if size > PAGE_BYTES:
            break
    return page


def failures_page(connection: apsw.Connection, task: str, start: int, limit: int) -> list[FailureRow]:
    """Return up to ``limit`` (0 = all) quarantined payloads from index ``start`` on."""
    query = (
        "SELECT idx, errors FROM failures WHERE task = (SELECT number FROM tasks WHERE id = ?) AND idx >= ? "
        "ORDER BY idx LIMIT ?"
    )
    rows = connection.execute(query, (task, start, limit or -1))
    return [FailureRow(index, _errors.decode(errors)) for index, errors in rows]


def distributors(connection: apsw.Connection) -> list[DistributorRecord]:
    """Return every distributor."""
    query = "SELECT record FROM distributors ORDER BY id LIMIT ?"
    return [_distributors.decode(record) for (record,) in connection.execute(query, (MAX_DISTRIBUTORS,))]
