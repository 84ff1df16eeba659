"""The document of a task, and what of it can be changed."""

import hashlib
import json

from disio_shared.canonical import canonical, stored_document
from disio_shared.taskdoc import parse_task
from tests.unit.manager.served import Served, document


async def document_of(manager: Served, task: str) -> bytes:
    async with manager.http.get(f"{manager.url}/api/tasks/{task}/document") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        body = await answer.read()
        assert answer.headers["ETag"] == f'"{hashlib.sha256(body).hexdigest()}"'
        return body


async def test_a_task_gives_back_its_document_which_makes_the_same_task_again(manager: Served) -> None:
    whole = document(description="Squares.\nAll of them.", policy={"priority": 3, "weight": 2})
    task = await manager.create(**whole)
    assert (task["description"], task["public"]) == ("Squares.\nAll of them.", False)
    told = await document_of(manager, task["id"])
    assert told == canonical(stored_document(parse_task(json.dumps(whole).encode())))
    again = await manager.call("POST", "/api/tasks", 201, data=told, headers={"Content-Type": "application/json"})
    assert again["id"] != task["id"] and await document_of(manager, again["id"]) == told


async def test_the_document_follows_edits_and_outlives_the_task_s_end(manager: Served) -> None:
    task = await manager.create()
    before = await document_of(manager, task["id"])
    changes = {"description": "More about it.", "tags": [], "policy": {"priority": 5}}
    edited = await manager.call("PATCH", f"/api/tasks/{task['id']}", json=changes)
    assert edited["description"] == "More about it."
    await manager.call("POST", f"/api/tasks/{task['id']}/cancel")
    after = json.loads(await document_of(manager, task["id"]))
    expected = json.loads(before) | {"description": "More about it.", "tags": []}
    expected["policy"]["priority"] = 5
    assert after == expected


async def test_a_document_that_did_not_change_is_not_sent_again(manager: Served) -> None:
    task = await manager.create()
    digest = hashlib.sha256(await document_of(manager, task["id"])).hexdigest()
    url = f"{manager.url}/api/tasks/{task['id']}/document"
    async with manager.http.get(url, headers={"If-None-Match": f'"{digest}"'}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with manager.http.get(url, headers={"If-None-Match": '"0"'}) as answer:
        assert answer.status == 200
    await manager.call("GET", "/api/tasks/none/document", 404)


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_what_can_be_edited_is_edited(manager: Served) -> None:
    task = await manager.create()
    hook = {"url": "https://example.org/", "secret": SECRET}
    changes = {"public": True, "description": "More.", "webhooks": [hook], "policy": {"stall_s": 60}}
    changes["aggregates"] = {"fields": ["x.y"]}
    edited = await manager.call("PATCH", f"/api/tasks/{task['id']}", json=changes)
    assert (edited["public"], edited["description"], edited["policy"]["stall_s"]) == (True, "More.", 60)
    told = await manager.call("GET", f"/api/tasks/{task['id']}/document")
    assert told["webhooks"][0]["url"] == hook["url"] and SECRET not in json.dumps(told) + json.dumps(edited)
    assert told["aggregates"] == {"fields": ["x.y"], "top": 10}
    await manager.call("PATCH", f"/api/tasks/{task['id']}", json={"aggregates": None})
    assert (await manager.call("GET", f"/api/tasks/{task['id']}/document"))["aggregates"] is None
    problem = await manager.call("PATCH", f"/api/tasks/{task['id']}", 422, json={"aggregates": {"fields": ["a..b"]}})
    assert problem["errors"][0]["path"] == "aggregates.fields.0"


async def test_what_is_given_as_it_is_anyway_is_taken(manager: Served) -> None:
    await manager.create(public=False, webhooks=[], aggregates=None, policy={"stop_when": None, "stall_s": 600})


async def test_a_repeat_with_other_spaces_finds_the_task_and_one_with_another_policy_does_not(manager: Served) -> None:
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    body = document(policy={"priority": 2})
    made = await manager.call("POST", "/api/tasks", 201, data=json.dumps(body), headers=headers)
    await manager.call("PATCH", f"/api/tasks/{made['id']}", json={"priority": 9})
    again = await manager.call("POST", "/api/tasks", 201, data=json.dumps(body, indent=1), headers=headers)
    assert (again["id"], again["policy"]["priority"]) == (made["id"], 9)
    other = json.dumps(document(policy={"priority": 9}))
    problem = await manager.call("POST", "/api/tasks", 422, data=other, headers=headers)
    assert problem["errors"][0]["path"] == "Idempotency-Key"
