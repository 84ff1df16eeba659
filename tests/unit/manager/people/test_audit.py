"""What the audit remembers, over REST."""

import asyncio
import json
from typing import Any

from tests.unit.manager.people.signed import add_user, sign_in, signed_in
from tests.unit.manager.served import Served


async def deeds(served: Served, **query: Any) -> list[tuple[str, str, str, str, str]]:
    page = await served.call("GET", "/api/audit", params=query)
    return [(each["who"], each["verb"], each["kind"], each["subject"], each["outcome"]) for each in page["items"]]


async def test_changes_and_refusals_are_there_and_looks_are_not(people: Served) -> None:
    async with signed_in(people, "ada", "researcher") as ada:
        task = await ada.create()
        await ada.call("GET", f"/api/tasks/{task['id']}")
        await ada.call("POST", "/api/payloads/preview", json={"payloads": {"range": [0, 3]}})
        await ada.call("PATCH", f"/api/tasks/{task['id']}", 422, json={"name": ""})
        await ada.call("DELETE", "/api/users/bob", 403)
        await ada.call("GET", "/api/users", 403)
        await ada.call("DELETE", f"/api/tasks/{task['id']}", 204)
    assert await deeds(people) == [
        ("ada", "delete_task", "task", task["id"], "ok"),
        ("ada", "list_users", "user", "", "refused"),
        ("ada", "delete_user", "user", "bob", "refused"),
        ("ada", "create_task", "task", task["id"], "ok"),
        ("ada", "login", "user", "ada", "ok"),
        ("machine", "create_user", "user", "ada", "ok"),
    ]
    (made,) = (await people.call("GET", "/api/audit", params={"verb": "create_user"}))["items"]
    assert (made["detail"], made["address"], made["times"]) == ("role researcher", "127.0.0.1", 1)


async def test_filters_pages_and_the_export_tell_the_same(people: Served) -> None:
    tasks = [(await people.create())["id"] for _ in range(5)]
    await people.call("POST", f"/api/tasks/{tasks[0]}/pause")
    assert await deeds(people, subject=tasks[0]) == [
        ("machine", "pause_task", "task", tasks[0], "ok"),
        ("machine", "create_task", "task", tasks[0], "ok"),
    ]
    found: list[str] = []
    query = {"verb": "create_task", "limit": "2"}
    while True:
        page = await people.call("GET", "/api/audit", params=query)
        found += [each["subject"] for each in page["items"]]
        assert page["total"] == 5
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == tasks[::-1]
    async with people.http.get(f"{people.url}/api/audit?format=ndjson&verb=create_task&limit=1") as answer:
        assert answer.content_type == "application/x-ndjson"
        assert [json.loads(line)["subject"] for line in (await answer.text()).splitlines()] == found
    for wrong in ("limit=0", "outcome=bad", "cursor=%27", "since=x", "format=csv", "until=-1"):
        await people.call("GET", f"/api/audit?{wrong}", 400)


async def test_failed_sign_ins_are_told_without_what_may_be_a_password(people: Served) -> None:
    await add_user(people, "ada")
    for name in ("ada", "ada", "ada", "my secret password"):
        await sign_in(people, name, "wrong password", 401)
    found = (await people.call("GET", "/api/audit", params={"verb": "login"}))["items"]
    assert [(each["subject"], each["outcome"], each["detail"]) for each in found] == [
        ("", "failed", "unknown name"),
        ("ada", "failed", "wrong password"),
    ]
    assert "my secret password" not in str(found)


async def test_distributors_that_join_or_are_refused_are_told(people: Served) -> None:
    peer, other = people.peer("d1"), people.peer("d2")
    await peer.join()
    from disio_shared import messages

    await other.say(other.join_message(version=messages.PROTOCOL_VERSION + 1))
    await other.hear(messages.Refused)
    assert await deeds(people, kind="distributor") == [
        ("system", "refuse_distributor", "distributor", "d2", "failed"),
        ("system", "admit_distributor", "distributor", "d1", "ok"),
    ]


async def test_what_was_noted_is_there_after_a_proper_end(people: Served) -> None:
    await asyncio.gather(*(people.create() for _ in range(20)))
    await people.app.gate.audit.flush()
    page = await people.app.gate.people.store.people()
    assert page == [] and len(await deeds(people, verb="create_task")) == 20
