"""The audit in SQLite.

Rule: many rows are one transaction.
"""

from typing import Any

import apsw
import msgspec

from disio_manager.stores.audit import AuditFilter, AuditPage, AuditRow
from disio_manager.stores.sqlite_keys import Writing

AUDIT = """
CREATE TABLE audit (
    id TEXT PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, address TEXT NOT NULL, verb TEXT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, times INTEGER NOT NULL
) WITHOUT ROWID;
"""
COLUMNS = "id, at, who, address, verb, kind, subject, outcome, detail, times"
INSERT = f"INSERT OR IGNORE INTO audit ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SqliteAudit:
    """AuditStore over a file.

    Args:
        write: Writes.
        writing: Runs work in the writing thread.
        read: Reads.
        reading: Runs work in the reading thread.
    """

    def __init__(self, write: apsw.Connection, writing: Writing, read: apsw.Connection, reading: Writing) -> None:
        self._write, self._writing, self._read, self._reading = write, writing, read, reading

    async def append(self, rows: list[AuditRow]) -> None:
        """Add rows."""

        def work() -> None:
            with self._write:
                self._write.executemany(INSERT, [msgspec.structs.astuple(row) for row in rows])

        await self._writing(work)

    async def page(self, wanted: AuditFilter, cursor: str, limit: int, *, counts: bool = True) -> AuditPage:
        """Return rows, the newest first."""
        where, given = _condition(wanted)

        def work() -> tuple[int, list[Any]]:
            total = self._read.execute(f"SELECT count(*) FROM audit WHERE {where}", given).get if counts else -1
            before = f"{where} AND id < ?" if cursor else where
            more = [*given, cursor] if cursor else given
            query = f"SELECT {COLUMNS} FROM audit WHERE {before} ORDER BY id DESC LIMIT ?"
            return total, self._read.execute(query, [*more, limit + 1]).fetchall()

        total, rows = await self._reading(work)
        items = [AuditRow(**dict(zip(AuditRow.__struct_fields__, row, strict=True))) for row in rows[:limit]]
        return AuditPage(items, items[-1].id if len(rows) > limit else None, total)

    async def trim(self, before: float, most: int) -> int:
        """Remove old rows."""

        def work() -> int:
            with self._write:
                self._write.execute("DELETE FROM audit WHERE at < ?", (before,))
                removed = self._write.changes()
                oldest = "SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?"
                self._write.execute(f"DELETE FROM audit WHERE id <= ({oldest})", (most,))
            return removed + self._write.changes()

        return await self._writing(work)


def _condition(wanted: AuditFilter) -> tuple[str, list[Any]]:
    """Return the WHERE of a filter and what goes into it."""
    parts, given = ["1"], []
    for name in ("who", "verb", "kind", "subject", "outcome"):
        if value := getattr(wanted, name):
            parts.append(f"{name} = ?")
            given.append(value)
    for value, comparison in ((wanted.since, "at >= ?"), (wanted.until, "at < ?")):
        if value:
            parts.append(comparison)
            given.append(value)
    return " AND ".join(parts), given
