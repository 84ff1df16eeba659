"""The whole table of calls: each role is let in or refused as the table says."""

import aiohttp
import pytest

from disio_manager.api.operation import Operation
from disio_manager.api.operations import OPERATIONS
from disio_manager.people.roles import ROLES, Caller, lower, rank
from tests.unit.manager.people.signed import bearer, signed_in
from tests.unit.manager.served import Served, document

RESEARCHER = {"create_task", "clone_task", "edit_task", "delete_task", "pause_task", "resume_task", "cancel_task"}
RESEARCHER |= {"retry_task", "append_payloads", "close_task", "put_workunit", "put_blob", "append_blob", "use_bulk"}
RESEARCHER |= {"check_workunit"}
SELF = {"logout", "change_me", "create_token", "delete_token", "delete_session", "end_other_sessions"}


def place(operation: Operation) -> str:
    path = operation.path.replace("{index}", "0").replace("{sha256}", "0" * 64)
    return path.replace("{id}", "none").replace("{name}", "none").replace("{site}", "none")


def test_roles_are_a_line() -> None:
    assert [rank(role) for role in ROLES] == [0, 1, 2, 3]
    assert lower("admin", "viewer") == "viewer" == lower("viewer", "viewer")
    caller = Caller("ada", "operator", "session")
    assert [caller.may(role) for role in ROLES] == [True, True, True, False]


def test_whoever_may_look_may_read_and_changes_want_more() -> None:
    """What a new call needs is to be decided, never to be forgotten."""
    for each in OPERATIONS:
        if each.is_open:
            continue
        if each.name in RESEARCHER:
            assert each.least == "researcher", each.name
        elif each.name in SELF or each.name == "preview_payloads":
            assert each.least == "viewer", each.name
        elif each.tag == "people" and each.name not in ("get_me", "list_tokens", "list_sessions"):
            assert each.least in ("operator", "admin"), each.name
        elif each.method != "GET":
            assert each.role is not None and each.least in ("researcher", "operator", "admin"), each.name


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_is_let_in_or_refused_as_the_table_says(people: Served, role: str) -> None:
    async with signed_in(people, "somebody", role) as theirs:
        for operation in OPERATIONS:
            async with theirs.http.request(operation.method, f"{people.url}{place(operation)}?x_unknown=1") as answer:
                told = await answer.json(content_type=None)
            is_let_in = operation.is_open or operation.is_local or rank(operation.least) <= ROLES.index(role)
            if not is_let_in:
                assert (answer.status, told["code"]) == (403, "forbidden"), operation.name
                assert f"needs the role {operation.least}, yours is {role}" in told["detail"]
            elif operation.is_owned and role == "researcher":
                assert answer.status == 404, operation.name  # whose it is is looked up before all else
            else:
                assert (answer.status, told["errors"][0]["path"]) == (400, "x_unknown"), operation.name


async def test_nobody_is_refused_as_nobody(people: Served) -> None:
    for secret in ("", "wrong", "x" * 1_000):
        async with bearer(people, secret) as theirs:
            for operation in OPERATIONS:
                async with theirs.http.request(
                    operation.method, f"{people.url}{place(operation)}?x_unknown=1"
                ) as answer:
                    await answer.read()
                is_open = operation.is_open or operation.is_local
                assert answer.status == (400 if is_open else 401), operation.name


async def test_a_researcher_works_on_their_own_tasks_and_operators_on_all(people: Served) -> None:
    of_machine = await people.create()
    assert of_machine["owner"] == ""
    async with signed_in(people, "ada", "researcher") as ada, signed_in(people, "bob", "researcher") as bob:
        own = await ada.create()
        assert own["owner"] == "ada" == (await bob.call("GET", f"/api/tasks/{own['id']}"))["owner"]
        assert (await ada.call("POST", f"/api/tasks/{own['id']}/pause"))["state"] == "paused"
        for task, whose in ((own["id"], "of ada"), (of_machine["id"], "that belongs to nobody")):
            told = await bob.call("POST", f"/api/tasks/{task}/cancel", 403)
            assert f"on a task {whose} needs the role operator" in told["detail"]
            await bob.call("PATCH", f"/api/tasks/{task}", 403, json={"name": "mine"})
            await bob.call("DELETE", f"/api/tasks/{task}", 403)
        copy = await bob.call("POST", f"/api/tasks/{own['id']}/clone", 201)
        assert copy["owner"] == "bob"
        await ada.call("DELETE", f"/api/tasks/{own['id']}", 204)
        async with signed_in(people, "olga", "operator") as olga:
            await olga.call("POST", f"/api/tasks/{copy['id']}/cancel")
            await olga.call("DELETE", f"/api/tasks/{of_machine['id']}", 204)


async def test_an_ownerless_token_works_on_what_it_made(people: Served) -> None:
    secrets = [
        (await people.call("POST", "/api/tokens", 201, json={"label": name, "role": "researcher"}))["secret"]
        for name in ("one", "two")
    ]
    async with bearer(people, secrets[0]) as one, bearer(people, secrets[1]) as two:
        task = await one.create(**document(name="made by a program"))
        assert task["owner"].startswith("token:")
        await two.call("POST", f"/api/tasks/{task['id']}/pause", 403)
        await one.call("POST", f"/api/tasks/{task['id']}/pause")


async def test_numbers_for_prometheus_are_local_or_for_who_may_look(people: Served) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{people.url}/metrics") as answer:
        assert answer.status == 200
