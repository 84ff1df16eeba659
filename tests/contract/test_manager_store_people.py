"""Users, sessions and API tokens: what every manager store must do with them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from disio_manager.stores.base import ManagerStore
from disio_manager.stores.people import MAX_SESSIONS, LastAdmin, Pass, Person
from tests.contract.manager_store_rows import Opener, opener


@pytest.fixture(params=["sqlite", "mongodb"])
def open_again(tmp_path: Path, request: pytest.FixtureRequest) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    yield opened
    await opened.close()


def person(name: str, **changes: Any) -> Person:
    fields: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "role": "viewer",
        "hash": f"$argon2id${name}",
        "created_at": 100.5,
    }
    return Person(**(fields | changes))


def session(name: str, owner: str = "id-ada", **changes: Any) -> Pass:
    fields: dict[str, Any] = {
        "id": f"p-{name}",
        "hash": name.ljust(64, "0"),
        "kind": "session",
        "owner": owner,
        "owner_name": owner[3:],
        "role": "admin",
        "label": "Tests",
        "address": "127.0.0.1",
        "created_at": 100.0,
        "expires_at": 1_000.0,
        "used_at": 100.0,
        "epoch": 3,
    }
    return Pass(**(fields | changes))


async def test_a_user_is_there_as_written_after_a_reopening(open_again: Opener) -> None:
    first = await open_again()
    ada = person("ada", role="admin", epoch=2, disabled=True)
    assert await first.people.add(ada)
    assert not await first.people.add(person("ada", id="other"))
    await first.close()
    second = await open_again()
    assert await second.people.person("ada") == ada == await second.people.person_by_id("id-ada")
    assert await second.people.person("bob") is None is await second.people.person_by_id("ada")
    await second.people.add(person("aaron"))
    assert [each.name for each in await second.people.people()] == ["aaron", "ada"]
    await second.close()


async def test_a_change_is_made_to_who_was_read_and_to_nobody_else(store: ManagerStore) -> None:
    await store.people.add(person("ada"))
    changed = msgspec.structs.replace(person("ada"), role="operator", hash="new", epoch=1)
    assert await store.people.change(changed, 0)
    assert await store.people.person("ada") == changed
    assert not await store.people.change(msgspec.structs.replace(changed, role="viewer"), 0), "somebody was quicker"
    assert not await store.people.change(person("ada", id="reborn", epoch=1), 1)
    assert await store.people.person("ada") == changed


@pytest.mark.parametrize("step", ["demote", "disable", "remove"])
async def test_the_last_admin_stays(store: ManagerStore, step: str) -> None:
    ada, bob = person("ada", role="admin"), person("bob", role="admin")
    await store.people.add(ada)
    await store.people.add(bob)
    await store.people.add(person("carl", role="admin", disabled=True))

    async def go(one: Person) -> bool:
        if step == "remove":
            return await store.people.remove(one)
        change = {"role": "viewer"} if step == "demote" else {"disabled": True}
        return await store.people.change(msgspec.structs.replace(one, epoch=1, **change), 0)

    assert await go(ada)
    await store.people.add_pass(session("kept", "id-bob"))
    with pytest.raises(LastAdmin, match="bob"):
        await go(bob)
    assert await store.people.person("bob") == bob
    assert await store.people.passes("session", "id-bob") != []


async def test_of_two_admins_who_go_at_once_one_stays(store: ManagerStore) -> None:
    for name in ("ada", "bob"):
        await store.people.add(person(name, role="admin"))
    done = await asyncio.gather(
        *(store.people.remove(person(name, role="admin")) for name in ("ada", "bob")), return_exceptions=True
    )
    assert any(isinstance(each, LastAdmin) for each in done)
    assert any(each.is_admin for each in await store.people.people())


async def test_who_goes_takes_their_passes_along(store: ManagerStore) -> None:
    for name in ("ada", "bob"):
        await store.people.add(person(name))
        await store.people.add_pass(session(name, f"id-{name}"))
        await store.people.add_pass(session(f"t{name}", f"id-{name}", kind="token"))
    assert await store.people.remove(person("ada"))
    assert not await store.people.remove(person("ada"))
    assert [each.owner for each in await store.people.passes("session")] == ["id-bob"]
    assert [each.owner for each in await store.people.passes("token")] == ["id-bob"]


async def test_passes_are_found_by_their_hash_and_by_their_owner(store: ManagerStore) -> None:
    one, two = session("aa"), session("bb", created_at=200.0)
    token = session("cc", "", kind="token", owner_name="", role="viewer", label="ci")
    for each in (one, two, token):
        await store.people.add_pass(each)
    assert await store.people.pass_of(one.hash) == one and await store.people.pass_of("00") is None
    assert await store.people.passes("session") == [two, one] == await store.people.passes("session", "id-ada")
    assert await store.people.passes("token") == [token] == await store.people.passes("token", "")
    assert not await store.people.end_pass("token", one.id), "a session is no token"
    assert await store.people.end_pass("session", one.id) and not await store.people.end_pass("session", one.id)
    assert await store.people.pass_of(one.hash) is None


async def test_a_use_is_noted_and_never_goes_back(store: ManagerStore) -> None:
    await store.people.add_pass(session("aa"))
    await store.people.use_pass("p-aa", 300.0, 4)
    await store.people.use_pass("p-aa", 200.0, 4)
    await store.people.use_pass("unknown", 200.0, 4)
    assert await store.people.passes("session") == [session("aa", used_at=300.0, epoch=4)]


async def test_sessions_of_a_user_end_but_for_one_and_tokens_stay(store: ManagerStore) -> None:
    for name in ("aa", "bb", "cc"):
        await store.people.add_pass(session(name))
    await store.people.add_pass(session("dd", kind="token"))
    await store.people.add_pass(session("ee", "id-bob"))
    assert await store.people.end_sessions("id-ada", "p-bb") == 2
    assert {each.id for each in await store.people.passes("session")} == {"p-bb", "p-ee"}
    assert len(await store.people.passes("token")) == 1


async def test_what_expired_or_lay_idle_goes(store: ManagerStore) -> None:
    await store.people.add_pass(session("old", expires_at=500.0, used_at=490.0))
    await store.people.add_pass(session("idle", used_at=300.0))
    await store.people.add_pass(session("live", used_at=450.0))
    await store.people.add_pass(session("token", kind="token", used_at=1.0))
    assert await store.people.drop_passes(500.0, 400.0) == 2
    assert {each.id for each in await store.people.passes("session")} == {"p-live"}
    assert {each.id for each in await store.people.passes("token")} == {"p-token"}


async def test_the_session_used_longest_ago_makes_room(store: ManagerStore) -> None:
    for number in range(MAX_SESSIONS):
        await store.people.add_pass(session(f"s{number:02}", used_at=100.0 + number))
    await store.people.add_pass(session("bob", "id-bob", used_at=1.0))
    await store.people.add_pass(session("new", used_at=900.0))
    found = {each.id for each in await store.people.passes("session", "id-ada")}
    assert len(found) == MAX_SESSIONS and "p-s00" not in found and {"p-s01", "p-new"} <= found
    assert await store.people.passes("session", "id-bob") != []
