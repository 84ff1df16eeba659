"""Idempotency keys in SQLite.

Rule: one statement a call.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import apsw

from disio_manager.stores.keys import StoredKey

KEYS = """
CREATE TABLE keys (
    hash TEXT PRIMARY KEY, document TEXT NOT NULL, task TEXT NOT NULL, void INTEGER NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX keys_by_task ON keys (task);
CREATE INDEX keys_by_age ON keys (at);
"""
REMEMBER = """
INSERT INTO keys VALUES (?, ?, ?, 0, ?) ON CONFLICT (hash) DO UPDATE SET at = max(at, excluded.at)
RETURNING document, task, void
"""
ValueT = TypeVar("ValueT")


class Writing(Protocol):
    """Runs work in the writing thread."""

    async def __call__(self, work: Callable[[], ValueT]) -> ValueT:
        """Return what the work returns.

        Raises:
            StoreUnavailable: The file does not answer.
        """
        ...


class SqliteKeys:
    """KeyStore over a file."""

    def __init__(self, connection: apsw.Connection, writing: Writing) -> None:
        self._connection, self._writing = connection, writing

    async def remember(self, key: str, document_sha256: str, task: str, at: float) -> StoredKey:
        """Take a key, or find what it was taken for."""
        row = (key, document_sha256, task, round(at))
        document, made, void = await self._writing(lambda: self._connection.execute(REMEMBER, row).fetchall()[0])
        return StoredKey(str(document), str(made), bool(void))

    async def free(self, key: str) -> None:
        """Free a key."""
        await self._run("DELETE FROM keys WHERE hash = ?", key)

    async def void(self, task: str) -> None:
        """Note that a task is about to be deleted."""
        await self._run("UPDATE keys SET void = 1 WHERE task = ?", task)

    async def drop_keys(self, before: float) -> None:
        """Free old keys."""
        await self._run("DELETE FROM keys WHERE at < ?", round(before))

    async def _run(self, query: str, value: str | int) -> None:
        await self._writing(lambda: self._connection.execute(query, (value,)))
