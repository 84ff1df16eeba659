"""Documents with a version in SQLite.

Rule: one statement a call.
"""

import apsw

from disio_manager.stores.documents import Versioned
from disio_manager.stores.sqlite_journal import Reading
from disio_manager.stores.sqlite_keys import Writing

DOCUMENTS = """
CREATE TABLE documents (name TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
"""
VERSION = "SELECT version FROM documents WHERE name = ?"
READ = "SELECT version, body FROM documents WHERE name = ?"
INSERT = "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
UPDATE = "UPDATE documents SET version = ?, body = ? WHERE name = ? AND version = ?"


class SqliteDocuments:
    """DocumentStore over a file."""

    def __init__(self, write: apsw.Connection, writing: Writing, read: apsw.Connection, reading: Reading) -> None:
        self._write, self._writing, self._read, self._reading = write, writing, read, reading

    async def version(self, name: str) -> int:
        """Return a version."""
        return int(await self._reading(lambda: self._read.execute(VERSION, (name,)).get) or 0)

    async def read(self, name: str) -> Versioned | None:
        """Return a document."""
        found = await self._reading(lambda: self._read.execute(READ, (name,)).fetchone())
        return None if found is None else Versioned(int(found[0]), bytes(found[1]))

    async def replace(self, name: str, new: Versioned, old: int) -> bool:
        """Put a document in place of another."""
        sql = UPDATE if old else INSERT
        row = (new.version, new.body, name, old) if old else (name, new.version, new.body)

        def put() -> bool:
            self._write.execute(sql, row)
            return self._write.changes() > 0

        return await self._writing(put)
