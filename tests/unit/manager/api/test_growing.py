"""Growing tasks over REST, against a real manager."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from disio_manager.api import growing
from disio_manager.config import ManagerSettings
from disio_manager.stores.opening import open_store
from disio_manager.stores.segments import segment_of
from tests.unit.manager.served import Peer, Served, serve


async def give(manager: Served, task: str, start: int, values: list[Any], status: int = 200) -> Any:
    return await manager.call("POST", f"/api/tasks/{task}/payloads", status, json={"start": start, "values": values})


async def granted(peer: Peer, number: int, request: int = 1) -> dict[int, Any]:
    """Return what a distributor gets, as payloads by index."""
    grant = await peer.ask(number, request)
    while not grant.blocks:
        grant = await peer.hear(type(grant))
    return {block.start + at: json.loads(value) for block in grant.blocks for at, value in enumerate(block.payloads)}


async def test_payloads_come_by_and_by_and_the_last_result_ends_it(manager: Served) -> None:
    task = await manager.create(payloads={"open": [{"n": 0}, 1]})
    assert (task["total"], task["growing"], task["state"]) == (2, True, "queued")
    path = f"/api/tasks/{task['id']}"
    peer = manager.peer()
    await peer.join()
    assert await granted(peer, 10) == {0: {"n": 0}, 1: 1}
    assert await give(manager, task["id"], 2, ["two", [3]]) == {"id": task["id"], "total": 4}
    assert await granted(peer, 10, 2) == {2: "two", 3: [3]}
    await peer.deliver(task["id"], [0, 1, 2, 3], value=b"9")
    shown = await manager.call("GET", path)
    assert (shown["state"], shown["done"], shown["total"], shown["growing"]) == ("running", 4, 4, True)
    told = (await manager.call("GET", f"{path}/explain"))["sentences"]
    assert any("close it" in sentence for sentence in told)
    closed = await manager.call("POST", f"{path}/close")
    assert (closed["state"], closed["growing"]) == ("done", False)
    assert (await manager.call("POST", f"{path}/close"))["state"] == "done"
    items = (await manager.call("GET", f"{path}/results"))["items"]
    assert [item["payload"] for item in items] == [{"n": 0}, 1, "two", [3]]
    assert (await manager.call("GET", f"{path}/payloads/2"))["payload"] == "two"
    await give(manager, task["id"], 4, [5], 409)


async def test_a_repeat_changes_nothing_and_another_one_hears_what_comes_next(manager: Served) -> None:
    task = (await manager.create(payloads={"open": []}))["id"]
    assert (await give(manager, task, 0, [1, 2]))["total"] == 2
    assert (await give(manager, task, 0, [1, 2]))["total"] == 2
    for start, values in ((0, [1]), (0, [1, 3]), (1, [2]), (3, [4])):
        refused = await give(manager, task, start, values, 409)
        assert (refused["code"], refused["total"]) == ("growth-refused", 2)
    assert (await give(manager, task, 2, [3]))["total"] == 3
    assert (await give(manager, task, 0, [1, 2]))["total"] == 3, "a late repeat tells how many there are by now"
    await manager.call("POST", f"/api/tasks/{task}/close")
    refused = await give(manager, task, 3, [4], 409)
    assert refused["total"] == 3 and "closed with 3 payloads" in refused["detail"]


async def test_of_many_at_once_each_place_is_taken_once(manager: Served) -> None:
    task = (await manager.create(payloads={"open": []}))["id"]

    async def one(value: int) -> None:
        at, url = 0, f"{manager.url}/api/tasks/{task}/payloads"
        while True:
            async with manager.http.post(url, json={"start": at, "values": [value]}) as answer:
                told = await answer.json()
            if answer.status == 200:
                return
            assert answer.status == 409
            at = told["total"]

    await asyncio.gather(*map(one, range(20)))
    peer = manager.peer()
    await peer.join()
    got = await granted(peer, 100)
    assert sorted(got.values()) == list(range(20)) and sorted(got) == list(range(20))


async def test_a_restart_goes_on_with_everything_that_was_acknowledged(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        task = (await manager.create(payloads={"open": [0]}))["id"]
        await give(manager, task, 1, [1, 2])
    store = await open_store(ManagerSettings().db, tmp_path, "m")
    await store.segments.append(task, segment_of(3, [b"3"]))  # as when the process ends between the log and the core
    await store.close()
    async with serve(tmp_path) as manager:
        assert (await manager.call("GET", f"/api/tasks/{task}"))["total"] == 4
        assert (await give(manager, task, 3, [3]))["total"] == 4
        peer = manager.peer()
        await peer.join()
        assert await granted(peer, 10) == {at: at for at in range(4)}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"start": 0, "values": []}, "values"),
        ({"start": -1, "values": [1]}, "start"),
        ({"start": 0}, "values"),
        ({"start": 0, "values": 3}, "values"),
        ({"start": 0, "values": [{"$base64": "?"}]}, "values.0.$base64"),
        ({"start": 0, "values": [1], "more": 1}, "more"),
    ],
)
async def test_what_is_wrong_is_refused_by_its_place(manager: Served, body: dict[str, Any], path: str) -> None:
    task = (await manager.create(payloads={"open": []}))["id"]
    refused = await manager.call("POST", f"/api/tasks/{task}/payloads", 422, json=body)
    assert path in [each["path"] for each in refused["errors"]] or path in refused["detail"]
    assert (await manager.call("GET", f"/api/tasks/{task}"))["total"] == 0


async def test_what_is_too_large_is_refused(manager: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "MAX_BODY", 100_000)
    task = (await manager.create(payloads={"open": []}))["id"]
    await give(manager, task, 0, ["x" * 100_000], 413)
    assert (await give(manager, task, 0, ["x" * 90_000]))["total"] == 1, "larger ones are parsed in a thread"


async def test_only_growing_tasks_grow(manager: Served) -> None:
    task = (await manager.create())["id"]
    await give(manager, task, 10, [1], 409)
    await manager.call("POST", f"/api/tasks/{task}/close", 409)
    await give(manager, "0" * 32, 0, [1], 404)


async def test_a_clone_begins_with_what_the_document_lists(manager: Served) -> None:
    task = (await manager.create(payloads={"open": [1, 2]}))["id"]
    await give(manager, task, 2, [3])
    copy = await manager.call("POST", f"/api/tasks/{task}/clone", 201)
    assert (copy["total"], copy["growing"]) == (2, True)
    assert (await manager.call("POST", "/api/payloads/preview", json={"open": [1, {"a": 2}]})) == {
        "count": 2,
        "first": [1, {"a": 2}],
        "last": [1, {"a": 2}],
    }
