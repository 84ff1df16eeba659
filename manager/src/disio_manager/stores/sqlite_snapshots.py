"""Snapshots in SQLite.

Rule: one statement a call.
"""

import apsw

from disio_manager.stores.sqlite_journal import Reading
from disio_manager.stores.sqlite_keys import Writing

SNAPSHOTS = """
CREATE TABLE snapshots (task INTEGER NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (task, name));
"""
PUT = "INSERT OR REPLACE INTO snapshots SELECT number, ?, ? FROM tasks WHERE id = ?"
GET = "SELECT body FROM snapshots WHERE task = (SELECT number FROM tasks WHERE id = ?) AND name = ?"


class SqliteSnapshots:
    """SnapshotStore over a file."""

    def __init__(self, write: apsw.Connection, writing: Writing, read: apsw.Connection, reading: Reading) -> None:
        self._write, self._writing, self._read, self._reading = write, writing, read, reading

    async def put(self, task: str, name: str, body: bytes) -> None:
        """Keep a snapshot."""
        await self._writing(lambda: self._write.execute(PUT, (name, body, task)))

    async def get(self, task: str, name: str) -> bytes | None:
        """Return a snapshot."""
        found: bytes | None = await self._reading(lambda: self._read.execute(GET, (task, name)).get)
        return found
