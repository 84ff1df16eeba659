"""Users and passes in SQLite.

Rule: what must hold together (the last admin, a user and their passes) is one transaction.
"""

from typing import Any, TypeVar

import apsw
import msgspec

from disio_manager.stores.people import MAX_PEOPLE, MAX_SESSIONS, LastAdmin, Pass, PassKind, Person
from disio_manager.stores.sqlite_keys import Writing

PEOPLE = """
CREATE TABLE people (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, hash TEXT NOT NULL, created_at REAL NOT NULL,
    disabled INTEGER NOT NULL, epoch INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE passes (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, owner TEXT NOT NULL, owner_name TEXT NOT NULL,
    role TEXT NOT NULL, label TEXT NOT NULL, address TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL NOT NULL,
    used_at REAL NOT NULL, epoch INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX passes_by_owner ON passes (owner, kind);
"""
MAX_PASSES = 2_000
ADMINS = "SELECT count(*) FROM people WHERE role = 'admin' AND NOT disabled"
ROOM = """
DELETE FROM passes WHERE id IN (
    SELECT id FROM passes WHERE owner = ? AND kind = 'session' ORDER BY used_at DESC, id LIMIT -1 OFFSET ?)
"""
ValueT = TypeVar("ValueT")


class SqlitePeople:
    """PeopleStore over a file.

    Args:
        write: Writes.
        writing: Runs work in the writing thread.
        read: Reads.
        reading: Runs work in the reading thread.
    """

    def __init__(self, write: apsw.Connection, writing: Writing, read: apsw.Connection, reading: Writing) -> None:
        self._write, self._writing, self._read, self._reading = write, writing, read, reading

    async def add(self, person: Person) -> bool:
        """Keep a new user."""
        query = "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        return await self._changed(query, msgspec.structs.astuple(person))

    async def person(self, name: str) -> Person | None:
        """Return a user by name."""
        return _first(await self._rows("SELECT * FROM people WHERE name = ?", (name,)), Person)

    async def person_by_id(self, person: str) -> Person | None:
        """Return a user by id."""
        return _first(await self._rows("SELECT * FROM people WHERE id = ?", (person,)), Person)

    async def people(self) -> list[Person]:
        """Return all users."""
        rows = await self._rows("SELECT * FROM people ORDER BY name LIMIT ?", (MAX_PEOPLE,))
        return [_made(row, Person) for row in rows]

    async def change(self, person: Person, epoch: int) -> bool:
        """Write a user anew."""
        query = "UPDATE people SET role = ?, hash = ?, disabled = ?, epoch = ? WHERE id = ? AND epoch = ?"
        row = (person.role, person.hash, person.disabled, person.epoch, person.id, epoch)
        return await self._writing(lambda: self._keeping_an_admin(person.name, [(query, row)]))

    async def remove(self, person: Person) -> bool:
        """Remove a user with all passes."""
        steps = [
            ("DELETE FROM passes WHERE owner = ?", (person.id,)),
            ("DELETE FROM people WHERE id = ?", (person.id,)),
        ]
        return await self._writing(lambda: self._keeping_an_admin(person.name, steps))

    def _keeping_an_admin(self, name: str, steps: list[tuple[str, tuple[Any, ...]]]) -> bool:
        with self._write:
            before = self._write.execute(ADMINS).get
            for query, row in steps:
                self._write.execute(query, row)
            is_changed = bool(self._write.changes())
            if before and not self._write.execute(ADMINS).get:
                raise LastAdmin(name)
        return is_changed

    async def add_pass(self, given: Pass) -> None:
        """Keep a new pass."""

        def work() -> None:
            with self._write:
                if given.kind == "session":
                    self._write.execute(ROOM, (given.owner, MAX_SESSIONS - 1))
                row = msgspec.structs.astuple(given)
                self._write.execute(f"INSERT INTO passes VALUES ({', '.join('?' * len(row))})", row)

        await self._writing(work)

    async def pass_of(self, secret_hash: str) -> Pass | None:
        """Return the pass of a secret."""
        return _first(await self._rows("SELECT * FROM passes WHERE hash = ?", (secret_hash,)), Pass)

    async def passes(self, kind: PassKind, owner: str | None = None) -> list[Pass]:
        """Return passes."""
        query = (
            "SELECT * FROM passes WHERE kind = ?1 AND (?2 IS NULL OR owner = ?2) ORDER BY created_at DESC, id LIMIT ?3"
        )
        return [_made(row, Pass) for row in await self._rows(query, (kind, owner, MAX_PASSES))]

    async def end_pass(self, kind: PassKind, pass_id: str) -> bool:
        """Remove a pass."""
        return await self._changed("DELETE FROM passes WHERE kind = ? AND id = ?", (kind, pass_id))

    async def end_sessions(self, owner: str, but: str = "") -> int:
        """Remove the sessions of a user."""
        query = "DELETE FROM passes WHERE owner = ? AND kind = 'session' AND id != ?"
        return await self._count(query, (owner, but))

    async def use_pass(self, pass_id: str, at: float, epoch: int) -> None:
        """Note that a pass was used."""
        await self._count("UPDATE passes SET used_at = max(used_at, ?), epoch = ? WHERE id = ?", (at, epoch, pass_id))

    async def drop_passes(self, now: float, idle_before: float) -> int:
        """Remove passes that are over."""
        query = "DELETE FROM passes WHERE expires_at <= ? OR (kind = 'session' AND used_at < ?)"
        return await self._count(query, (now, idle_before))

    async def _changed(self, query: str, row: tuple[Any, ...]) -> bool:
        return await self._count(query, row) > 0

    async def _count(self, query: str, row: tuple[Any, ...]) -> int:
        def work() -> int:
            self._write.execute(query, row)
            return self._write.changes()

        return await self._writing(work)

    async def _rows(self, query: str, row: tuple[Any, ...]) -> list[Any]:
        return await self._reading(lambda: self._read.execute(query, row).fetchall())


def _first(rows: list[Any], kind: type[ValueT]) -> ValueT | None:
    return _made(rows[0], kind) if rows else None


def _made(row: tuple[Any, ...], kind: type[ValueT]) -> ValueT:
    names = kind.__struct_fields__  # type: ignore[attr-defined]
    return msgspec.convert(dict(zip(names, row, strict=True)), kind, strict=False)
