"""Idempotency keys: one key, one task; over restarts, deletes and requests at the same time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from disio_manager.api import keyed
from disio_manager.core.events import Event, TaskCreated
from disio_manager.service import ManagerService
from tests.unit.manager.served import DEADLINE_S, Served, document, serve

KEY = {"Idempotency-Key": "k1"}


async def post(manager: Served, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Create a task with the key; return status, JSON and headers."""
    async with manager.http.post(f"{manager.url}/api/tasks", json=body, headers=KEY) as answer:
        return answer.status, await answer.json(content_type=None), dict(answer.headers)


async def test_a_repeat_is_told_from_the_first_request(manager: Served) -> None:
    first, again = [await post(manager, document()) for _ in range(2)]
    assert (first[0], again[0]) == (201, 201) and first[1] == again[1]
    assert keyed.REPLAYED not in first[2] and again[2][keyed.REPLAYED] == "true"
    assert again[2]["Location"] == f"/api/tasks/{first[1]['id']}"


async def test_a_key_outlives_the_manager_and_its_task(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        made = (await post(manager, document()))[1]
    async with serve(tmp_path) as manager:
        assert (await post(manager, document()))[1]["id"] == made["id"]
        status, problem, _ = await post(manager, document(policy={"priority": 1}))
        assert (status, problem["errors"][0]["path"]) == (422, "Idempotency-Key")
        await manager.call("DELETE", f"/api/tasks/{made['id']}", 204)
    async with serve(tmp_path) as manager:
        status, problem, _ = await post(manager, document())
        assert status == 422 and "deleted" in problem["detail"]
        assert (await manager.call("GET", "/api/tasks"))["total"] == 0


async def test_a_document_that_is_refused_leaves_its_key_free(manager: Served) -> None:
    lacking = document(workunit={"language": "javascript", "sha256": "0" * 64})
    status, problem, _ = await post(manager, lacking)
    assert (status, problem["errors"][0]["path"]) == (422, "workunit.sha256")
    assert (await post(manager, document()))[0] == 201


async def test_a_request_waits_for_the_one_before_it_but_not_for_ever(
    manager: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, gate, submit = asyncio.Event(), asyncio.Event(), ManagerService.submit

    async def held_up(service: ManagerService, event: Event) -> None:
        if isinstance(event, TaskCreated):
            held.set()
            await gate.wait()
        await submit(service, event)

    monkeypatch.setattr(ManagerService, "submit", held_up)
    monkeypatch.setattr(keyed, "WAIT_S", 0.2)
    first = asyncio.create_task(post(manager, document()))
    await asyncio.wait_for(held.wait(), DEADLINE_S)
    status, problem, headers = await post(manager, document())
    assert (status, problem["code"]) == (409, "key-in-use") and headers["Retry-After"]
    monkeypatch.setattr(keyed, "WAIT_S", 20.0)
    second = asyncio.create_task(post(manager, document()))
    gate.set()
    assert (await first)[1]["id"] == (await second)[1]["id"] and (await second)[2][keyed.REPLAYED] == "true"
    assert (await manager.call("GET", "/api/tasks"))["total"] == 1
