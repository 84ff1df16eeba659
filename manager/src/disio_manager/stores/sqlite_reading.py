"""Rows of SQLite to what the core and the REST interface want.

Rule: every function reads one consistent snapshot and returns a bounded page, open tasks at start excepted.
"""

from collections.abc import Sequence

import apsw
import msgspec

from disio_manager.core.records import (
    BlockRecord,
    DistributorRecord,
    LoadedTask,
    Look,
    SharedTask,
    StretchRecord,
    TaskRecord,
)
from disio_manager.stores import assembling
from disio_manager.stores.base import FailureRow, ResultRow
from disio_manager.stores.blob_files import BlobFiles
from disio_manager.stores.segments import growth_of
from disio_manager.stores.sqlite_segments import heads, measured
from disio_shared.ranges import Run, runs_of
from disio_shared.taskdoc import OPEN_STATES

PAGE_ROWS = 2_000
PAGE_BYTES = 4 << 20
MAX_DISTRIBUTORS = 10_000
DECIDED = "EXISTS (SELECT 1 FROM results WHERE results.task = failures.task AND results.idx = failures.idx)"
"""Of a failure: its payload has a result, which wins."""

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
    query = "SELECT record, done, failed, matched, body FROM tasks JOIN task_payloads ON task = number WHERE id = ?"
    row = connection.execute(query, (task,)).fetchone()
    return None if row is None else measured(connection, _record(*row))


def read_task_row(connection: apsw.Connection, task: str) -> TaskRecord | None:
    """Return a task's record without its payloads."""
    row = connection.execute("SELECT record, done, failed, matched FROM tasks WHERE id = ?", (task,)).fetchone()
    return None if row is None else measured(connection, _record(*row))


def _record(body: bytes, done: int, failed: int, matched: int, payloads: bytes = b"") -> TaskRecord:
    record = _records.decode(body)
    return msgspec.structs.replace(record, done=done, failed=failed, matched=matched, payloads=payloads)


def read_stretch(connection: apsw.Connection, task: str, owner: str) -> StretchRecord | None:
    """Return the one stretch of a task as it is written."""
    query = "SELECT record, frontier, done, failed, leased, retries, matched FROM tasks WHERE id = ?"
    row = connection.execute(query, (task,)).fetchone()
    return None if row is None else _stretch(connection, owner, *row)


def _stretch(
    connection: apsw.Connection,
    owner: str,
    body: bytes,
    frontier: int,
    done: int,
    failed: int,
    leased: int,
    retries: int,
    matched: int,
) -> StretchRecord:
    record = measured(connection, _records.decode(body))
    return StretchRecord(
        task=record.id,
        start=0,
        stop=record.total,
        owner=owner,
        frontier=frontier,
        done=done,
        failed=failed,
        leased=leased,
        retries=retries,
        matched=matched,
    )


def load_task(connection: apsw.Connection, task: str, owner: str, blobs: BlobFiles) -> LoadedTask | None:
    """Return a task as the core of its owner wants it, counted from the rows."""
    record = read_task(connection, task)
    stretch = read_stretch(connection, task, owner)
    if record is None or stretch is None:
        return None
    number = record.number
    blocks = assembling.untangle(_blocks(connection, record), stretch.frontier)
    closed = {block.id: _closed(connection, number, block.start, block.stop) for block in blocks}
    below = (number, stretch.frontier)
    done = connection.execute("SELECT count(*) FROM results WHERE task = ? AND idx < ?", below).get
    query = f"SELECT idx FROM failures WHERE task = ? AND idx < ? AND NOT {DECIDED} ORDER BY idx"
    failed = runs_of(index for (index,) in connection.execute(query, below))
    matched = connection.execute("SELECT count(*) FROM matches WHERE task = ? AND idx < ?", below).get
    counted = msgspec.structs.replace(stretch, done=done, failed=assembling.size_of(failed), matched=matched)
    rows = [assembling.StretchRows(counted, blocks, closed, failed)]
    place = assembling.index_of(record)
    index = blobs.index_now(*place) if place else None
    growth = growth_of(task, heads(connection, number)) if record.form else None
    return assembling.assemble(record, [stretch], rows, index, growth)


def look(connection: apsw.Connection, known: Sequence[str], owner: str) -> Look:
    """Return open tasks and the known ones as they are written."""
    names = dict.fromkeys([*open_tasks(connection), *known])
    tasks: list[SharedTask] = []
    for task in names:
        record, stretch = read_task_row(connection, task), read_stretch(connection, task, owner)
        if record is not None and stretch is not None:
            tasks.append(SharedTask(record=record, stretches=[stretch]))
    found = {each.record.id for each in tasks}
    return Look(tasks=tasks, gone=[task for task in known if task not in found], notices=[], distributors=[])


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


def results_page(
    connection: apsw.Connection, task: str, start: int, limit: int, is_matching: bool = False
) -> list[ResultRow]:
    """Return up to ``limit`` results from index ``start`` on, fewer when they are large, none at the end.

    With ``is_matching`` those that satisfy the task's ``stop_when`` alone.
    """
    rows = "matches JOIN results USING (task, idx)" if is_matching else "results"
    query = (
        f"SELECT idx, value, client, seconds FROM {rows} JOIN origins ON origins.number = origin "
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
        "SELECT idx, errors, at / 1000.0 FROM failures "
        "WHERE task = (SELECT number FROM tasks WHERE id = ?) AND idx >= ? ORDER BY idx LIMIT ?"
    )
    rows = connection.execute(query, (task, start, limit or -1))
    return [FailureRow(index, _errors.decode(errors), at) for index, errors, at in rows]


def distributors(connection: apsw.Connection) -> list[DistributorRecord]:
    """Return every distributor."""
    query = "SELECT record FROM distributors ORDER BY id LIMIT ?"
    return [_distributors.decode(record) for (record,) in connection.execute(query, (MAX_DISTRIBUTORS,))]
