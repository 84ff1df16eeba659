"""Signing in and out, sessions, passwords, users and API tokens over REST."""

from pathlib import Path
from typing import Any

import pytest

from disio_shared.vouching import address_proof
from tests.unit.manager.people.signed import PASSWORD, add_user, bearer, cheap, sign_in, signed_in
from tests.unit.manager.served import Served, serve

OTHER = "another long password"


async def test_name_and_password_begin_a_session_that_logout_ends(people: Served) -> None:
    await add_user(people, "ada", "operator")
    told = await sign_in(people, " ADA ")
    assert (told["name"], told["role"], told["idle_s"]) == ("ada", "operator", 43_200.0)
    assert len(told["secret"]) == 43
    async with bearer(people, told["secret"]) as ada:
        me = await ada.call("GET", "/api/me")
        assert (me["name"], me["role"], me["how"], me["session"]) == ("ada", "operator", "session", told["id"])
        (session,) = (await ada.call("GET", "/api/sessions"))["items"]
        assert session["this"] and session["address"] == "127.0.0.1" and "aiohttp" in session["program"]
        await ada.call("POST", "/api/logout", 204)
        await ada.call("GET", "/api/me", 401)
    await people.call("POST", "/api/logout", 403)  # the machine's token is no session


async def test_no_answer_tells_whether_a_name_is_known(people: Served) -> None:
    await add_user(people, "ada")
    await add_user(people, "gone")
    await people.call("PATCH", "/api/users/gone", json={"disabled": True})
    told = [await sign_in(people, name, password, 401) for name, password in
            (("ada", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD))]  # fmt: skip
    details = {(each["code"], each["detail"]) for each in told}
    assert details == {("wrong-password", "name or password is wrong")}


async def test_wrong_passwords_make_the_next_try_wait_and_the_right_one_too(people: Served) -> None:
    await add_user(people, "ada")
    for _ in range(5):
        await sign_in(people, "ada", "wrong password", 401)
    async with people.http.post(f"{people.url}/api/login", json={"name": "ada", "password": PASSWORD}) as answer:
        told = await answer.json(content_type=None)
    assert (answer.status, told["code"], answer.headers["Retry-After"]) == (429, "too-many-tries", "1")


async def test_an_address_is_believed_of_a_dashboard_with_the_machine_s_token_alone(people: Served) -> None:
    await add_user(people, "ada")
    token = people.http.headers["Authorization"].removeprefix("Bearer ")
    good = address_proof(token, "203.0.113.9")
    for told, proof in (
        ("203.0.113.9", good),
        ("203.0.113.10", good),
        ("203.0.113.9", token),
        ("203.0.113.9", ""),
        ("no address", address_proof(token, "no address")),
    ):
        headers = {"X-Disio-Address": told, "X-Disio-Address-Proof": proof}
        await people.call("POST", "/api/login", json={"name": "ada", "password": PASSWORD}, headers=headers)
    found = (await people.call("GET", "/api/sessions?all=true"))["items"]
    assert sorted(each["address"] for each in found) == ["127.0.0.1"] * 4 + ["203.0.113.9"]


async def test_one_s_own_password_wants_the_old_one_and_ends_the_other_sessions(people: Served) -> None:
    async with signed_in(people, "ada") as ada, bearer(people, (await sign_in(people, "ada"))["secret"]) as other:
        token = await ada.call("POST", "/api/tokens", 201, json={"label": "ci"})
        told = await ada.call("PATCH", "/api/me", 422, json={"old_password": "wrong password", "new_password": OTHER})
        assert told["errors"] == [{"path": "old_password", "message": "is wrong"}]
        told = await ada.call("PATCH", "/api/me", 422, json={"old_password": PASSWORD, "new_password": "short"})
        assert told["errors"][0]["path"] == "new_password"
        await other.call("GET", "/api/me")
        await ada.call("PATCH", "/api/me", json={"old_password": PASSWORD, "new_password": OTHER})
        await ada.call("GET", "/api/me")
        await other.call("GET", "/api/me", 401)
        async with bearer(people, token["secret"]) as program:
            await program.call("GET", "/api/me")
            await program.call("PATCH", "/api/me", 403, json={"old_password": OTHER, "new_password": PASSWORD})
    await sign_in(people, "ada", PASSWORD, 401)
    await sign_in(people, "ada", OTHER)
    await people.call("PATCH", "/api/me", 403, json={"old_password": OTHER, "new_password": PASSWORD})


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": "Ada"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a" * 33}, "name"),
        ({"name": "machine"}, "name"),
        ({"name": "../x"}, "name"),
        ({"password": "123456789"}, "password"),
        ({"password": "x" * 201}, "password"),
        ({"password": "ada-lovelace", "name": "ada-lovelace"}, "password"),
        ({"role": "root"}, "role"),
        ({"x": 1}, ""),
        ({"password": 5}, "password"),
    ],
)
async def test_what_cannot_be_a_user_is_refused_by_its_place(
    people: Served, change: dict[str, Any], place: str
) -> None:
    user = {"name": "ada", "password": PASSWORD, "role": "viewer"} | change
    told = await people.call("POST", "/api/users", 422, json=user)
    assert told["errors"] and (told["errors"][0]["path"] == place or not place), told["errors"]
    assert PASSWORD not in str(told)


async def test_a_password_is_the_same_however_its_letters_are_composed(people: Served) -> None:
    await people.call("POST", "/api/users", 201, json={"name": "ada", "password": "caf\u00e9 au lait"})
    await sign_in(people, "ada", "cafe\u0301 au lait")


async def test_users_are_listed_changed_and_removed_with_what_they_held(people: Served) -> None:
    await add_user(people, "bob")
    await people.call("POST", "/api/users", 409, json={"name": "bob", "password": PASSWORD})
    async with (
        signed_in(people, "ada", "admin") as ada,
        bearer(people, (await sign_in(people, "bob"))["secret"]) as bob,
    ):
        listed = await ada.call("GET", "/api/users")
        assert [(each["name"], each["role"]) for each in listed["items"]] == [("ada", "admin"), ("bob", "viewer")]
        assert listed["total"] == 2 and "hash" not in str(listed)
        token = await bob.call("POST", "/api/tokens", 201, json={"label": "ci"})
        changed = await ada.call("PATCH", "/api/users/bob", json={"role": "operator"})
        assert changed["role"] == "operator"
        await bob.call("GET", "/api/me", 401)  # a session of before
        for change in ({"role": "viewer"}, {"disabled": True}):
            assert (await ada.call("PATCH", "/api/users/ada", 409, json=change))["code"] == "last-admin"
        assert (await ada.call("DELETE", "/api/users/ada", 409))["code"] == "last-admin"
        await ada.call("PATCH", "/api/users/ada", 409, json={"password": OTHER})
        await ada.call("PATCH", "/api/users/none", 404, json={"role": "viewer"})
        await ada.call("DELETE", "/api/users/none", 404)
        async with bearer(people, token["secret"]) as program:
            assert (await program.call("GET", "/api/me"))["role"] == "viewer", "not more than it was given"
            await ada.call("PATCH", "/api/users/bob", json={"disabled": True})
            await program.call("GET", "/api/me", 401)
            await ada.call("PATCH", "/api/users/bob", json={"disabled": False, "password": OTHER})
            await program.call("GET", "/api/me")
            await sign_in(people, "bob", OTHER)
            await ada.call("DELETE", "/api/users/bob", 204)
            await program.call("GET", "/api/me", 401)
        await sign_in(people, "bob", OTHER, 401)
        assert (await ada.call("GET", "/api/tokens?all=true"))["items"] == []


async def test_tokens_are_shown_once_may_no_more_than_their_maker_and_end(people: Served) -> None:
    async with signed_in(people, "ada", "researcher") as ada, signed_in(people, "bob") as bob:
        told = await ada.call("POST", "/api/tokens", 403, json={"label": "ci", "role": "admin"})
        assert told["code"] == "forbidden"
        made = await ada.call("POST", "/api/tokens", 201, json={"label": "ci", "role": "researcher", "days": 1})
        assert made["expires_at"] - made["created_at"] == 86_400 and made["owner"] == "ada"
        listed = await ada.call("GET", "/api/tokens")
        assert [each["id"] for each in listed["items"]] == [made["id"]] and made["secret"] not in str(listed)
        assert (await bob.call("GET", "/api/tokens"))["items"] == []
        assert (await bob.call("GET", "/api/tokens?all=true", 403))["code"] == "forbidden"
        await bob.call("DELETE", f"/api/tokens/{made['id']}", 404)
        async with bearer(people, made["secret"]) as program:
            assert (await program.call("GET", "/api/me"))["how"] == "token"
            await program.call("POST", "/api/tokens", 403, json={"label": "another"})
            await program.create()
            await ada.call("DELETE", f"/api/tokens/{made['id']}", 204)
            await program.call("GET", "/api/me", 401)
    made = await people.call("POST", "/api/tokens", 201, json={"label": "of the machine", "role": "operator"})
    assert made["owner"] == ""
    await people.call("DELETE", f"/api/tokens/{made['id']}", 204)
    for wrong in ({"label": ""}, {"label": "x", "days": 0}, {"label": "x", "days": 1e9}, {"label": "x", "role": "me"}):
        await people.call("POST", "/api/tokens", 422, json=wrong)


async def test_sessions_are_ended_by_their_owner_and_by_admins(people: Served) -> None:
    async with signed_in(people, "ada") as ada, signed_in(people, "bob") as bob:
        others = [(await sign_in(people, "ada"))["id"] for _ in range(2)]
        await bob.call("DELETE", f"/api/sessions/{others[0]}", 404)
        await ada.call("DELETE", f"/api/sessions/{others[0]}", 204)
        assert (await ada.call("DELETE", "/api/sessions"))["ended"] == 1
        assert len((await ada.call("GET", "/api/sessions"))["items"]) == 1
        everybody = await people.call("GET", "/api/sessions?all=true")
        assert {each["name"] for each in everybody["items"]} == {"ada", "bob"}
        theirs = next(each for each in everybody["items"] if each["name"] == "bob")
        await people.call("DELETE", f"/api/sessions/{theirs['id']}", 204)
        await bob.call("GET", "/api/me", 401)


async def test_users_and_sessions_survive_a_restart(tmp_path: Path) -> None:
    async with serve(tmp_path) as first:
        cheap(first)
        await add_user(first, "ada", "researcher")
        secret = (await sign_in(first, "ada"))["secret"]
    async with serve(tmp_path) as second, bearer(second, secret) as ada:
        assert (await ada.call("GET", "/api/me"))["role"] == "researcher"
        verdict = await sign_in(second, "ada")  # hashed anew on the way: the parameters are others now
        assert verdict["name"] == "ada"
        stored = await second.app.gate.people.store.person("ada")
        assert stored is not None and "m=32768,t=3,p=1" in stored.hash


async def test_two_managers_on_one_database_share_users_sessions_and_ends(tmp_path: Path, mongodb_uri: str) -> None:
    from tests.contract.manager_store_rows import fresh_url

    db = fresh_url("mongodb", mongodb_uri)
    async with serve(tmp_path / "one", db=db) as one, serve(tmp_path / "two", db=db) as two:
        cheap(one)
        cheap(two)
        await add_user(one, "ada", "researcher")
        session = await sign_in(two, "ada")
        token = await one.call("POST", "/api/tokens", 201, json={"label": "ci", "role": "viewer"})
        for served in (one, two):
            async with bearer(served, session["secret"]) as ada, bearer(served, token["secret"]) as program:
                assert (await ada.call("GET", "/api/me"))["name"] == "ada"
                assert (await program.call("GET", "/api/me"))["role"] == "viewer"
        await one.call("DELETE", "/api/users/ada", 204)
        two.app.gate.people.forget()  # as after TRUSTED_S
        async with bearer(one, session["secret"]) as ada:
            await ada.call("GET", "/api/me", 401)
        async with bearer(two, session["secret"]) as ada:
            await ada.call("GET", "/api/me", 401)
        await one.call("GET", "/api/audit")  # writes what waits there
        deeds = (await two.call("GET", "/api/audit"))["items"]
        assert {each["verb"] for each in deeds} >= {"create_token", "login"}


async def test_the_live_feed_of_who_was_signed_out_ends(people: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disio_manager.api.fleet.LONGEST_S", 0.2)
    async with signed_in(people, "ada") as ada, ada.http.get(f"{people.url}/api/events") as stream:
        assert stream.status == 200
        await people.call("DELETE", "/api/users/ada", 204)
        await stream.content.read()  # returns when the stream ends
        await ada.call("GET", "/api/events", 401)


async def test_a_session_of_an_earlier_epoch_is_over_though_it_is_still_there(people: Served) -> None:
    """As when a manager stops between the change of a user and the end of their sessions."""
    async with signed_in(people, "ada") as ada:
        store = people.app.gate.people.store
        (session,) = await store.passes("session")
        await store.use_pass(session.id, session.used_at, session.epoch - 1)
        people.app.gate.people.forget()
        await ada.call("GET", "/api/me", 401)
