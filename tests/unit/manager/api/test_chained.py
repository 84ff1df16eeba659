"""Chained tasks over REST, against a real manager: what they take, when, and what becomes of them with their source."""

import json
from pathlib import Path
from typing import Any

import apsw
import pytest
import pytest_asyncio

from disio_manager import chains
from disio_shared import messages
from tests.unit.manager.served import Peer, Served, serve
from tests.waiting import wait_until

PATIENCE_S = 20.0


@pytest_asyncio.fixture(autouse=True)
async def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "PAUSE_S", 0.01)


async def shown(manager: Served, task: str) -> dict[str, Any]:
    found: dict[str, Any] = await manager.call("GET", f"/api/tasks/{task}")
    return found


async def until(manager: Served, task: str, **fields: Any) -> dict[str, Any]:
    """Wait until a task shows some values."""

    async def is_so() -> bool:
        found = await shown(manager, task)
        return all(found[name] == value for name, value in fields.items())

    await wait_until(is_so, PATIENCE_S)
    return await shown(manager, task)


async def chain(manager: Served, source: str, **more: Any) -> str:
    task = await manager.create(name="next", payloads={"task": source, **more})
    assert (task["growing"], task["total"], task["state"]) == (True, 0, "queued")
    return str(task["id"])


async def peer_with_all(manager: Served, number: int = 10) -> Peer:
    peer = manager.peer()
    await peer.join()
    await peer.leased(number)
    return peer


async def payloads(manager: Served, task: str) -> list[Any]:
    total = (await shown(manager, task))["total"]
    found = [await manager.call("GET", f"/api/tasks/{task}/payloads/{index}") for index in range(total)]
    return [each["payload"] for each in found]


async def explained(manager: Served, task: str) -> str:
    return " ".join((await manager.call("GET", f"/api/tasks/{task}/explain"))["sentences"])


async def test_it_takes_the_results_in_index_order_when_all_are_there(manager: Served) -> None:
    source = (await manager.create())["id"]
    task = await chain(manager, source)
    peer = await peer_with_all(manager)
    await peer.deliver(source, [9, 3, 4], "b1")
    assert f"task {source}, which is running (3 of 10 payloads done)" in await explained(manager, task)
    assert (await shown(manager, task))["total"] == 0
    await peer.deliver(source, [0, 1, 2, 5, 6, 7, 8], "b2")
    await until(manager, task, growing=False, total=10)
    assert await payloads(manager, task) == [index**2 for index in range(10)]
    grant = await peer.ask(100, 2)
    while not grant.blocks:
        grant = await peer.hear(messages.Grant)
    assert [json.loads(value) for block in grant.blocks for value in block.payloads] == [n * n for n in range(10)]
    await peer.deliver(task, list(range(10)), "b3", b"1")
    assert (await shown(manager, task))["state"] == "done"


async def test_a_stream_takes_what_comes_as_it_comes(manager: Served) -> None:
    source = (await manager.create())["id"]
    peer = await peer_with_all(manager)
    await peer.deliver(source, [7], "b0")
    task = await chain(manager, source, stream=True)
    await until(manager, task, total=1, growing=True)
    await peer.deliver(source, [9, 3], "b1")
    await until(manager, task, total=3, growing=True)
    assert "taken as they come" in await explained(manager, task)
    assert sorted(await payloads(manager, task)) == [9, 49, 81]
    await peer.deliver(source, [0, 1, 2, 4, 5, 6, 8], "b2")
    await until(manager, task, total=10, growing=False)
    found = await payloads(manager, task)
    assert found[0] == 49 and sorted(found) == [index**2 for index in range(10)]


@pytest.mark.parametrize("stream", [False, True])
async def test_batches_are_lists_of_results(manager: Served, stream: bool) -> None:
    source = (await manager.create())["id"]
    task = await chain(manager, source, stream=stream, batch=4)
    peer = await peer_with_all(manager)
    for index in range(10):
        await peer.deliver(source, [index], f"b{index}")
    await until(manager, task, total=3, growing=False)
    assert await payloads(manager, task) == [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]


async def test_a_chain_of_chains_is_done_from_front_to_back(manager: Served) -> None:
    source = (await manager.create())["id"]
    middle = await chain(manager, source, stream=True)
    last = await chain(manager, middle, batch=100)
    peer = await peer_with_all(manager)
    await peer.deliver(source, list(range(10)))
    await until(manager, middle, total=10, growing=False)
    await peer.ask(100, 2)
    await peer.deliver(middle, list(range(10)), "b2", b"2")
    await until(manager, last, total=1, growing=False)
    assert await payloads(manager, last) == [[2] * 10]


@pytest.mark.parametrize("stream", [False, True])
async def test_it_waits_for_a_failed_source_to_be_retried(manager: Served, stream: bool) -> None:
    source = (await manager.create())["id"]
    task = await chain(manager, source, stream=stream)
    peer = await peer_with_all(manager)
    await peer.deliver(source, list(range(9)))
    failed = messages.FailureColumns(task=source, indexes=[9], errors=[["boom"]])
    await peer.say(messages.Deliver(batch="b2", failures=[failed]))
    await peer.hear(messages.Committed)
    assert (await shown(manager, source))["state"] == "failed"
    await until(manager, task, growing=True, total=9 if stream else 0)
    told = await explained(manager, task)
    assert "retry that" in told and ("close this one" in told) == stream
    await manager.call("POST", f"/api/tasks/{source}/retry")
    await peer.ask(10, 3)
    await peer.deliver(source, [9], "b3")
    await until(manager, task, growing=False, total=10)


async def test_a_stream_is_closed_with_what_there_is_and_others_are_not(manager: Served) -> None:
    source = (await manager.create())["id"]
    stream, other = await chain(manager, source, stream=True, batch=7), await chain(manager, source)
    peer = await peer_with_all(manager)
    await peer.deliver(source, list(range(9)))
    await until(manager, stream, total=1)
    refused = await manager.call("POST", f"/api/tasks/{other}/close", 409)
    assert source in refused["detail"]
    body = {"start": 1, "values": [1]}
    assert "chained" in (await manager.call("POST", f"/api/tasks/{stream}/payloads", 409, json=body))["detail"]
    assert (await manager.call("POST", f"/api/tasks/{stream}/close"))["growing"] is False
    await peer.deliver(source, [9], "b2")
    await until(manager, other, growing=False, total=10)
    assert (await shown(manager, stream))["total"] == 1


async def test_it_is_cancelled_with_its_source(manager: Served) -> None:
    source = (await manager.create())["id"]
    task, other = await chain(manager, source), await chain(manager, source, stream=True)
    await manager.call("POST", f"/api/tasks/{source}/cancel")
    for one in (task, other):
        await until(manager, one, state="cancelled", growing=False)
        assert f"task {source}, which is cancelled" in await explained(manager, one)
    refused = await manager.call("POST", "/api/tasks", 422, json=_document(source))
    assert [each["path"] for each in refused["errors"]] == ["payloads.task"]


async def test_a_source_stays_until_all_is_taken(manager: Served) -> None:
    source = (await manager.create())["id"]
    task = await chain(manager, source)
    refused = await manager.call("DELETE", f"/api/tasks/{source}", 409)
    assert refused["code"] == "in-use" and task in refused["detail"]
    peer = await peer_with_all(manager)
    await peer.deliver(source, list(range(10)))
    await until(manager, task, growing=False)
    await manager.call("DELETE", f"/api/tasks/{source}", 204)
    assert await payloads(manager, task) == [index**2 for index in range(10)]


async def test_what_cannot_be_chained_is_refused_by_its_place(manager: Served) -> None:
    refused = await manager.call("POST", "/api/tasks", 422, json=_document("nothere"))
    assert refused["errors"] == [{"path": "payloads.task", "message": "there is no task nothere"}]
    for more, path in (
        ({"stream": 1}, "stream"),
        ({"batch": -1}, "batch"),
        ({"batch": 100_001}, "batch"),
        ({"x": 1}, "x"),
    ):
        refused = await manager.call("POST", "/api/tasks", 422, json=_document("nothere", **more))
        assert [each["path"] for each in refused["errors"]] == [f"payloads.{path}"]
    refused = await manager.call("POST", "/api/payloads/preview", 422, json={"task": "nothere"})
    assert [each["path"] for each in refused["errors"]] == ["payloads.task"]


def _document(source: str, **more: Any) -> dict[str, Any]:
    return {"name": "x", "workunit": {"language": "javascript", "source": "export default (x) => x"},
            "payloads": {"task": source, **more}}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
async def test_a_restart_goes_on_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    monkeypatch.setattr(chains, "PAGE_ROWS", 3)
    async with serve(tmp_path) as manager:
        source = (await manager.create())["id"]
        task = await chain(manager, source, stream=stream, batch=2)
        peer = await peer_with_all(manager)
        await peer.deliver(source, [5, 1, 2])
        if stream:
            await until(manager, task, total=1)
    async with serve(tmp_path) as manager:
        peer = manager.peer()
        await peer.join()
        await peer.deliver(source, [0, 3, 4, 6, 7, 8, 9], "b2")
        await until(manager, task, total=5, growing=False)
        found = await payloads(manager, task)
        assert sorted(value for each in found for value in each) == [index**2 for index in range(10)]
        assert all(len(each) == 2 for each in found)


async def test_a_stream_takes_what_the_journal_does_not_tell_of(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        source = (await manager.create())["id"]
        peer = await peer_with_all(manager)
        await peer.deliver(source, [3, 4], "b1")
        await peer.deliver(source, [0, 1, 2, 5, 6, 7, 8, 9], "b2")
    with apsw.Connection(str(tmp_path / "manager.db")) as connection:  # as when a manager of several crashed
        connection.execute("DELETE FROM arrivals WHERE seq = (SELECT max(seq) FROM arrivals)")
    async with serve(tmp_path) as manager:
        task = await chain(manager, source, stream=True)
        await until(manager, task, growing=False, total=10)
        assert await payloads(manager, task) == [9, 16, 0, 1, 4, 25, 36, 49, 64, 81]
