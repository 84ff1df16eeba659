"""Rows of SQLite as they are written, for whoever checks them.

Rule: nothing is put right and nothing counted anew.
"""

import apsw

from disio_manager.core.records import BlockRecord, SharedTask
from disio_manager.stores.base import IndexedRows, StoredBlock
from disio_manager.stores.sqlite_reading import read_stretch, read_task_row


def tasks_after(connection: apsw.Connection, number: int, limit: int, owner: str) -> list[SharedTask]:
    """Return up to ``limit`` tasks in any state whose number is above ``number``, oldest first."""
    query = "SELECT id FROM tasks WHERE number > ? ORDER BY number LIMIT ?"
    found = []
    for task in [task for (task,) in connection.execute(query, (number, limit))]:
        record, stretch = read_task_row(connection, task), read_stretch(connection, task, owner)
        if record is not None and stretch is not None:
            found.append(SharedTask(record=record, stretches=[stretch]))
    return found


def indexes(connection: apsw.Connection, rows: IndexedRows, task: str, start: int, limit: int) -> list[int]:
    """Return up to ``limit`` indexes of results or failures from ``start`` on."""
    query = (
        f"SELECT idx FROM {rows} WHERE task = (SELECT number FROM tasks WHERE id = ?) AND idx >= ? ORDER BY idx LIMIT ?"
    )
    return [index for (index,) in connection.execute(query, (task, start, limit))]


def blocks(connection: apsw.Connection, task: str, start: int, limit: int, owner: str) -> list[StoredBlock]:
    """Return up to ``limit`` blocks that begin at ``start`` or above, by start."""
    query = (
        "SELECT id, start, stop, lease, holder FROM blocks WHERE task = (SELECT number FROM tasks WHERE id = ?) "
        "AND start >= ? ORDER BY start, id LIMIT ?"
    )
    return [
        StoredBlock(BlockRecord(id=name, task=task, start=first, stop=stop, lease=lease, holder=holder), owner)
        for name, first, stop, lease, holder in connection.execute(query, (task, start, limit))
    ]
