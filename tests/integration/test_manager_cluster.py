"""Two managers on one MongoDB, distributors by hand: what one does the other knows, what one leaves it takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from disio.commands.check import check
from disio_shared import messages
from disio_shared.errors import StoreUnavailable
from disio_shared.ids import fresh_id
from tests.unit.manager.served import Peer, Served, serve
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
LIMIT_S = 30.0


@dataclass
class Two:
    """Managers ``a`` and ``b``; ``leave`` stops ``a`` in order."""

    a: Served
    b: Served
    leave: AsyncExitStack


@asynccontextmanager
async def two_managers(folder: Path, uri: str) -> AsyncIterator[Two]:
    database = urlsplit(uri)._replace(path=f"/cluster_{fresh_id()}").geturl()
    async with AsyncExitStack() as first, serve(folder / "b", db=database) as b:
        a = await first.enter_async_context(serve(folder / "a", db=database))

        async def know_each_other() -> bool:
            return len(await alive(a)) == len(await alive(b)) == 2

        await wait_until(know_each_other, LIMIT_S)
        yield Two(a, b, first)


async def alive(manager: Served) -> list[str]:
    rows = (await manager.call("GET", "/api/managers"))["items"]
    return [row["url"] for row in rows if row["alive"]]


async def others(peer: Peer, admitted: messages.Admitted) -> list[str]:
    """Return the managers that a distributor was told of, now or a moment later."""
    return admitted.managers or (await peer.hear(messages.Managers)).urls


async def seen(manager: Served, task: str) -> dict[str, Any]:
    found: dict[str, Any] = await manager.call("GET", f"/api/tasks/{task}")
    return found


async def wait_for(manager: Served, task: str, key: str, value: Any) -> None:

    async def is_so() -> bool:
        return bool((await seen(manager, task))[key] == value)

    await wait_until(is_so, LIMIT_S)


async def blocks_of(peer: Peer, number: int, request: int = 1) -> list[messages.BlockGrant]:
    """Ask until there is something."""
    await peer.say(peer.ask_message(number, request))
    while not (grant := await peer.hear(messages.Grant)).blocks:
        continue
    return grant.blocks


def indexes_of(blocks: list[messages.BlockGrant]) -> list[int]:
    return [index for block in blocks for index in range(block.start, block.stop)]


async def test_both_give_out_one_task_and_no_index_twice(tmp_path: Path, mongodb_uri: str) -> None:
    async with two_managers(tmp_path, mongodb_uri) as two:
        task = (await two.a.create(payloads={"range": [0, 2_000]}))["id"]
        at_a, at_b = two.a.peer("da"), two.b.peer("db")
        first, second = await at_a.join(), await at_b.join()
        assert first.cluster == second.cluster and first.manager != second.manager
        assert (await others(at_a, first), await others(at_b, second)) == ([two.b.url], [two.a.url])
        mine, yours = indexes_of(await blocks_of(at_a, 300)), indexes_of(await blocks_of(at_b, 300))
        assert mine and yours and not set(mine) & set(yours)
        await at_a.deliver(task, mine)
        await at_b.deliver(task, yours)
        for manager in (two.a, two.b):
            await wait_for(manager, task, "done", len(mine) + len(yours))


async def test_a_verb_at_one_reaches_the_distributors_of_the_other(tmp_path: Path, mongodb_uri: str) -> None:
    async with two_managers(tmp_path, mongodb_uri) as two:
        task = (await two.a.create(payloads={"range": [0, 2_000]}))["id"]
        at_b = two.b.peer("db")
        await at_b.join()
        await blocks_of(at_b, 10)
        await two.a.call("POST", f"/api/tasks/{task}/cancel")
        assert (await at_b.hear(messages.TaskState)).state == "cancelled"
        await wait_for(two.b, task, "state", "cancelled")


async def test_a_task_just_made_at_one_can_be_worked_with_at_the_other_at_once(
    tmp_path: Path, mongodb_uri: str
) -> None:
    async with two_managers(tmp_path, mongodb_uri) as two:
        task = (await two.a.create())["id"]
        assert (await two.b.call("POST", f"/api/tasks/{task}/pause"))["state"] == "paused"
        assert (await two.b.call("GET", f"/api/tasks/{task}/payloads/3"))["state"] == "waiting"
        await wait_for(two.a, task, "state", "paused")


async def test_results_for_one_that_stopped_go_to_the_other_which_ends_the_task(
    tmp_path: Path, mongodb_uri: str
) -> None:
    async with two_managers(tmp_path, mongodb_uri) as two:
        task = (await two.a.create(payloads={"range": [0, 100]}))["id"]
        at_a, at_b = two.a.peer("da"), two.b.peer("db")
        await at_a.join()
        held = indexes_of(await blocks_of(at_a, 100))
        assert held == list(range(100))
        await at_a.deliver(task, held[:20])
        await at_b.join()
        await two.b.call("GET", f"/api/tasks/{task}/explain")  # makes sure that it knows the task
        await at_b.deliver(task, held[20:40])  # while its owner lives: taken for it
        await wait_for(two.a, task, "done", 40)
        await two.leave.aclose()
        await at_b.deliver(task, held[40:], batch="b2")
        await wait_for(two.b, task, "state", "done")
        rows = (await two.b.call("GET", f"/api/tasks/{task}/results"))["items"]
        assert [row["result"] for row in rows] == [index * index for index in range(100)]
        assert await alive(two.b) == [two.b.url]


async def test_blocks_of_one_that_stopped_are_leased_by_the_other(tmp_path: Path, mongodb_uri: str) -> None:
    async with two_managers(tmp_path, mongodb_uri) as two:
        task = (await two.a.create(payloads={"range": [0, 100]}))["id"]
        at_a, at_b = two.a.peer("da"), two.b.peer("db")
        await at_a.join()
        held = await blocks_of(at_a, 40)
        assert indexes_of(held) == list(range(40))
        await at_b.join()
        await two.leave.aclose()
        again = two.b.peer("da")
        await again.join(held=[messages.BlockRef(block=each.block, lease=each.lease) for each in held])
        rest = indexes_of(await blocks_of(at_b, 100))
        assert rest == list(range(40, 100))
        await at_b.deliver(task, rest)
        await again.deliver(task, list(range(40)))
        await wait_for(two.b, task, "state", "done")


async def test_a_check_is_refused_while_a_manager_serves_and_finds_nothing_wrong_after_it(
    tmp_path: Path, mongodb_uri: str
) -> None:
    database = urlsplit(mongodb_uri)._replace(path=f"/cluster_{fresh_id()}").geturl()
    async with serve(tmp_path, db=database) as served:
        task = (await served.create())["id"]
        peer = served.peer()
        await peer.join()
        await blocks_of(peer, 6)
        await peer.deliver(task, [0, 1, 4])
        refused = await asyncio.to_thread(lambda: CliRunner().invoke(check, ["--db", database]))
        assert isinstance(refused.exception, StoreUnavailable) and served.url in str(refused.exception)
    shown = await asyncio.to_thread(lambda: CliRunner().invoke(check, ["--db", database]))
    assert shown.exit_code == 0, shown.output


async def test_a_retry_of_some_failed_payloads_is_done_by_their_owners_and_no_more(
    tmp_path: Path, mongodb_uri: str
) -> None:
    async with two_managers(tmp_path, mongodb_uri) as two:
        task = (await two.a.create(payloads={"range": [0, 2_000]}, policy={"max_failures": 1}))["id"]
        failed: dict[str, list[int]] = {}
        for name, manager in (("da", two.a), ("db", two.b)):
            peer = manager.peer(name)
            await peer.join()
            mine = indexes_of(await blocks_of(peer, 8))[:4]
            errors = [["boom"]] * len(mine)
            columns = messages.FailureColumns(task=task, indexes=mine, errors=errors)
            await peer.say(messages.Deliver(batch=f"f{name}", failures=[columns]))
            await peer.hear(messages.Committed)
            failed[name] = mine
        assert not set(failed["da"]) & set(failed["db"])
        await wait_for(two.a, task, "failed", 8)
        some = [failed["da"][0], failed["db"][0], failed["db"][3]]
        await two.a.call("POST", f"/api/tasks/{task}/retry", json={"indexes": some})
        await wait_for(two.a, task, "failed", 5)
        await wait_for(two.b, task, "failed", 5)
        left = [row["i"] for row in (await two.b.call("GET", f"/api/tasks/{task}/failures"))["items"]]
        assert left == sorted({*failed["da"], *failed["db"]} - {*some})
        problem = await two.b.call("POST", f"/api/tasks/{task}/retry", 409, json={"indexes": [some[0]]})
        assert problem["code"] == "not-failed"
        await two.b.call("POST", f"/api/tasks/{task}/retry")
        await wait_for(two.a, task, "failed", 0)
