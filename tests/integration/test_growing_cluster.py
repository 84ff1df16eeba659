"""Growing and chained tasks at two managers on one MongoDB: either takes payloads, one grows, the other takes over."""

import json
from pathlib import Path
from typing import Any

import pytest

from disio_shared import messages
from tests.integration.test_manager_cluster import LIMIT_S, seen, two_managers, wait_for
from tests.unit.manager.served import Peer, Served
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


async def give(manager: Served, task: str, start: int, values: list[Any], status: int = 200) -> Any:
    path = f"/api/tasks/{task}/payloads"
    return await manager.call("POST", path, status, json={"start": start, "values": values})


async def granted(peer: Peer, wanted: int, request: int) -> dict[int, Any]:
    """Return so many payloads that a distributor gets, by index."""
    found: dict[int, Any] = {}
    grant = await peer.ask(100, request)
    while True:
        for block in grant.blocks:
            found |= {block.start + at: json.loads(value) for at, value in enumerate(block.payloads)}
        if len(found) >= wanted:
            return found
        grant = await peer.hear(messages.Grant)


async def test_either_manager_takes_payloads_and_the_other_one_goes_on_alone(mongodb_uri: str, tmp_path: Path) -> None:
    async with two_managers(tmp_path, mongodb_uri) as two:
        task = (await two.a.create(payloads={"open": [0]}))["id"]
        assert (await give(two.b, task, 1, [1, 2]))["total"] == 3
        refused = await give(two.a, task, 1, [9], 409)
        assert (refused["code"], refused["total"]) == ("growth-refused", 3)
        await wait_for(two.a, task, "total", 3)
        await wait_for(two.b, task, "total", 3)
        peer = two.a.peer()
        await peer.join()
        assert await granted(peer, 3, 1) == {0: 0, 1: 1, 2: 2}
        await peer.deliver(task, [0, 1, 2])
        await two.leave.aclose()
        assert (await give(two.b, task, 3, [3]))["total"] == 4
        peer = two.b.peer("d2")
        await peer.join()
        assert await granted(peer, 1, 1) == {3: 3}
        await peer.deliver(task, [3], "b2")
        await wait_for(two.b, task, "done", 4)
        await two.b.call("POST", f"/api/tasks/{task}/close")
        await wait_for(two.b, task, "state", "done")
        rows = (await two.b.call("GET", f"/api/tasks/{task}/results"))["items"]
        assert [(row["i"], row["payload"]) for row in rows] == [(at, at) for at in range(4)]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_chain_takes_what_came_to_either_manager_once(mongodb_uri: str, tmp_path: Path, stream: bool) -> None:
    async with two_managers(tmp_path, mongodb_uri) as two:
        source = (await two.a.create(payloads={"range": [0, 20]}))["id"]
        one, other = two.a.peer("d1"), two.b.peer("d2")
        for peer in (one, other):
            await peer.join()
        await granted_any(one, 20)
        task = (await two.a.create(name="next", payloads={"task": source, "stream": stream}))["id"]
        await one.deliver(source, list(range(8)), "b1")
        await other.deliver(source, list(range(8, 13)), "b2")
        if stream:
            await wait_for(two.a, task, "total", 13)
        await wait_for(two.b, task, "growing", True)
        await two.leave.aclose()
        await other.deliver(source, list(range(13, 20)), "b3")

        async def has_all() -> bool:
            shown = await seen(two.b, task)
            return (shown["total"], shown["growing"]) == (20, False)

        await wait_until(has_all, 2 * LIMIT_S)
        found = [(await two.b.call("GET", f"/api/tasks/{task}/payloads/{at}"))["payload"] for at in range(20)]
        assert (sorted(found) if stream else found) == [at * at for at in range(20)]


async def granted_any(peer: Peer, number: int) -> None:
    """Wait until a distributor holds something."""
    grant = await peer.ask(number)
    while not grant.blocks:
        grant = await peer.hear(messages.Grant)
