"""Cloning: the same document again, with changes or without, once for each key."""

import base64
import io
from typing import Any

import pytest

from tests.unit.manager.served import Served

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
HOOK = {"url": "https://example.org/", "secret": SECRET, "events": ["done"]}


async def original(manager: Served) -> dict[str, Any]:
    """Return a task that says much of itself."""
    changes = {"tags": ["a", "b"], "description": "Why.", "public": True, "webhooks": [HOOK], "policy": {"priority": 7}}
    return await manager.create(**changes)


async def document(manager: Served, task: str) -> dict[str, Any]:
    told: dict[str, Any] = await manager.call("GET", f"/api/tasks/{task}/document")
    return told


async def test_a_clone_is_the_same_document_as_it_stands(manager: Served) -> None:
    task = await original(manager)
    await manager.call("PATCH", f"/api/tasks/{task['id']}", json={"name": "edited"})
    copy = await manager.call("POST", f"/api/tasks/{task['id']}/clone", 201)
    assert await document(manager, copy["id"]) == await document(manager, task["id"])
    assert copy["name"] == "edited" and copy["version"] == 1 and copy["id"] != task["id"]


async def test_a_clone_can_be_changed(manager: Served) -> None:
    task = await original(manager)
    payloads = {"range": [5, 8], "list": None}
    patch = {"name": "other", "tags": None, "payloads": payloads, "policy": {"weight": 2, "priority": None}}
    copy = await manager.call("POST", f"/api/tasks/{task['id']}/clone", 201, json=patch)
    assert (copy["name"], copy["tags"], copy["total"]) == ("other", [], 3)
    assert (copy["policy"]["weight"], copy["policy"]["priority"], copy["description"]) == (2.0, 0, "Why.")
    assert (await document(manager, task["id"]))["name"] == "squares"
    told = await document(manager, copy["id"])
    assert told["webhooks"] == (await document(manager, task["id"]))["webhooks"], "the secret is the same"
    assert SECRET not in str(told)


async def test_a_key_makes_one_clone(manager: Served) -> None:
    task = await original(manager)
    url, key = f"/api/tasks/{task['id']}/clone", {"Idempotency-Key": "once"}
    first = await manager.call("POST", url, 201, json={"name": "x"}, headers=key)
    async with manager.http.post(manager.url + url, json={"name": "x"}, headers=key) as answer:
        assert (await answer.json())["id"] == first["id"] and answer.headers["Idempotency-Replayed"] == "true"
    await manager.call("POST", url, 422, json={"name": "y"}, headers=key)
    assert (await manager.call("GET", "/api/tasks"))["total"] == 2


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[]", ""),
        (b"nonsense", ""),
        (b'{"name": NaN}', ""),
        (b'{"name": ""}', "name"),
        (b'{"colour": 1}', "colour"),
        (b'{"policy": {"priority": %d}}' % 10**30, "policy.priority"),
        (b'{"payloads": {"list": [1]}}', "payloads"),
        (b'{"workunit": {"sha256": "%s"}}' % (b"0" * 64), "workunit.sha256"),
        (b'{"policy": ' + b'{"a":' * 900 + b"1" + b"}" * 901, "policy"),
        (b'{"policy": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, ""),
    ],
)
async def test_changes_that_make_no_document_are_refused_at_their_place(
    manager: Served, body: bytes, path: str
) -> None:
    task = await original(manager)
    headers = {"Content-Type": "application/json"}
    problem = await manager.call("POST", f"/api/tasks/{task['id']}/clone", 422, data=io.BytesIO(body), headers=headers)
    assert problem["errors"][0]["path"].startswith(path), problem
    assert (await manager.call("GET", "/api/tasks"))["total"] == 1
