"""Users and passes in MongoDB.

Rule: an admin who is to go is changed first and put back when none is left: of two that go at once both stay.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from pymongo.errors import DuplicateKeyError

from disio_manager.stores.mongo_documents import Database
from disio_manager.stores.people import MAX_PEOPLE, MAX_SESSIONS, LastAdmin, Pass, PassKind, Person

INDEXES: list[list[tuple[str, int]]] = [[("owner", 1), ("kind", 1)]]
MAX_PASSES = 2_000


class MongoPeople:
    """PeopleStore over the collections ``people`` and ``passes``.

    A user is the document named by their name, a pass the one named by its hash.

    Args:
        db: Where they are.
        answering: Translates the driver's errors.
        writing: The same, for who may write.
    """

    def __init__(
        self,
        db: Database,
        answering: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._people, self._passes = db["people"], db["passes"]
        self._answering, self._writing = answering, writing

    async def add(self, person: Person) -> bool:
        """Keep a new user."""
        with self._writing():
            try:
                await self._people.insert_one(_document(person, person.name))
            except DuplicateKeyError:
                return False
        return True

    async def person(self, name: str) -> Person | None:
        """Return a user by name."""
        with self._answering():
            return _person(await self._people.find_one({"_id": name}))

    async def person_by_id(self, person: str) -> Person | None:
        """Return a user by id."""
        with self._answering():
            return _person(await self._people.find_one({"id": person}))

    async def people(self) -> list[Person]:
        """Return all users."""
        with self._answering():
            rows = await self._people.find().sort("_id", 1).limit(MAX_PEOPLE).to_list(MAX_PEOPLE)
        return [msgspec.convert(row, Person, strict=False) for row in rows]

    async def change(self, person: Person, epoch: int) -> bool:
        """Write a user anew."""
        key = {"_id": person.name, "id": person.id}
        with self._writing():
            before = _person(await self._people.find_one({**key, "epoch": epoch}))
            if before is None:
                return False
            done = await self._people.replace_one({**key, "epoch": epoch}, _document(person, person.name))
            if not done.matched_count:
                return False
            if before.is_admin and not person.is_admin and not await self._has_admin():
                await self._people.replace_one({**key, "epoch": person.epoch}, _document(before, before.name))
                raise LastAdmin(person.name)
        return True

    async def remove(self, person: Person) -> bool:
        """Remove a user with all passes."""
        key = {"_id": person.name, "id": person.id}
        with self._writing():
            before = _person(await self._people.find_one_and_delete(key))
            if before is None:
                return False
            if before.is_admin and not await self._has_admin():
                await self._people.insert_one(_document(before, before.name))
                raise LastAdmin(person.name)
            await self._passes.delete_many({"owner": person.id})
        return True

    async def _has_admin(self) -> bool:
        return await self._people.find_one({"role": "admin", "disabled": False}) is not None

    async def add_pass(self, given: Pass) -> None:
        """Keep a new pass."""
        with self._writing():
            if given.kind == "session":
                key = {"owner": given.owner, "kind": "session"}
                kept = await self._passes.find(key).sort([("used_at", -1), ("id", 1)]).to_list(MAX_PASSES)
                for row in kept[MAX_SESSIONS - 1 :]:
                    await self._passes.delete_one({"_id": row["_id"]})
            await self._passes.insert_one(_document(given, given.hash))

    async def pass_of(self, secret_hash: str) -> Pass | None:
        """Return the pass of a secret."""
        with self._answering():
            row = await self._passes.find_one({"_id": secret_hash})
        return None if row is None else msgspec.convert(row, Pass, strict=False)

    async def passes(self, kind: PassKind, owner: str | None = None) -> list[Pass]:
        """Return passes."""
        key: dict[str, Any] = {"kind": kind} if owner is None else {"kind": kind, "owner": owner}
        with self._answering():
            rows = self._passes.find(key).sort([("created_at", -1), ("id", 1)]).limit(MAX_PASSES)
            return [msgspec.convert(row, Pass, strict=False) for row in await rows.to_list(MAX_PASSES)]

    async def end_pass(self, kind: PassKind, pass_id: str) -> bool:
        """Remove a pass."""
        with self._writing():
            return bool((await self._passes.delete_one({"kind": kind, "id": pass_id})).deleted_count)

    async def end_sessions(self, owner: str, but: str = "") -> int:
        """Remove the sessions of a user."""
        key = {"owner": owner, "kind": "session", "id": {"$ne": but}}
        with self._writing():
            return int((await self._passes.delete_many(key)).deleted_count)

    async def use_pass(self, pass_id: str, at: float, epoch: int) -> None:
        """Note that a pass was used."""
        with self._writing():
            await self._passes.update_one({"id": pass_id}, {"$max": {"used_at": at}, "$set": {"epoch": epoch}})

    async def drop_passes(self, now: float, idle_before: float) -> int:
        """Remove passes that are over."""
        with self._writing():
            expired = await self._passes.delete_many({"expires_at": {"$lte": now}})
            idle = await self._passes.delete_many({"kind": "session", "used_at": {"$lt": idle_before}})
        return int(expired.deleted_count + idle.deleted_count)


def _document(row: Person | Pass, key: str) -> dict[str, Any]:
    return {"_id": key, **msgspec.structs.asdict(row)}


def _person(row: dict[str, Any] | None) -> Person | None:
    return None if row is None else msgspec.convert(row, Person, strict=False)
