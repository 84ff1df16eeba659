"""What a task's page asks beside the task: payloads by state, durations, events, times of failures, whose tasks."""

from pathlib import Path
from typing import Any

import pytest

from disio_manager.api import payload_lists
from disio_shared import messages
from tests.unit.manager.people.signed import cheap, signed_in
from tests.unit.manager.served import Peer, Served, serve


async def begun(manager: Served, total: int = 100) -> tuple[str, Peer]:
    """Return a task, of which payloads 0 to 3 and 8 are done, 5 failed, and a distributor holds those below 20."""
    task = await manager.create(payloads={"range": [0, total]})
    peer = manager.peer()
    await peer.join()
    await peer.leased(20)
    await peer.deliver(task["id"], [0, 1, 2, 3, 8])
    failed = messages.FailureColumns(task=task["id"], indexes=[5], errors=[["boom"]])
    await peer.say(messages.Deliver(batch="f", failures=[failed]))
    await peer.hear(messages.Committed)
    return f"/api/tasks/{task['id']}", peer


async def listed(manager: Served, path: str, state: str, limit: int = 500) -> tuple[list[int], int]:
    """Return all indexes in a state, page by page, and how many there are said to be."""
    found: list[int] = []
    cursor = ""
    while True:
        page = await manager.call("GET", f"{path}/payloads?state={state}&limit={limit}&cursor={cursor}")
        assert len(page["items"]) <= limit
        found += [item["i"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found, page["total"]
        cursor = page["next_cursor"]


@pytest.mark.parametrize("limit", [500, 3])
async def test_each_payload_is_in_the_list_of_its_state(manager: Served, limit: int) -> None:
    path, _ = await begun(manager)
    whole = await manager.call("GET", path)
    lists = {state: await listed(manager, path, state, limit) for state in ("done", "failed", "leased", "waiting")}
    assert lists["done"] == ([0, 1, 2, 3, 8], 5) and lists["failed"] == ([5], 1)
    leased, total = lists["leased"]
    assert leased == [index for index in range(leased[-1] + 1) if index not in (0, 1, 2, 3, 5, 8)]
    assert total == len(leased) == whole["leased"] >= 14
    waiting, total = lists["waiting"]
    assert waiting == list(range(leased[-1] + 1, 100)) and total == len(waiting)


async def test_what_is_handed_out_names_its_distributor_and_what_is_back_is_ready(manager: Served) -> None:
    task = await manager.create(payloads={"range": [0, 100]})
    peer, path = manager.peer(), f"/api/tasks/{task['id']}/payloads"
    await peer.join()
    grant = await peer.leased(20)
    (first, *_) = (await manager.call("GET", f"{path}?state=leased"))["items"]
    assert first == {"i": 0, "state": "leased", "distributor": peer.distributor}
    refs = [messages.BlockRef(block=block.block, lease=block.lease) for block in grant.blocks]
    await peer.say(messages.Return(blocks=refs))
    await peer.deliver(task["id"], [99])
    items = (await manager.call("GET", f"{path}?state=waiting"))["items"]
    assert items[0] == {"i": 0, "state": "ready"} and items[-1] == {"i": 99, "state": "waiting"}
    assert (await manager.call("GET", f"{path}?state=leased"))["total"] == 0


async def test_of_a_task_that_is_over_those_wait_that_were_never_computed(
    manager: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = await begun(manager, 50)
    await manager.call("POST", f"{path}/cancel")
    never = [index for index in range(50) if index not in (0, 1, 2, 3, 5, 8)]
    for rows, look_s, limit in ((5_000, 1.0, 500), (4, 0.0, 500), (4, 1.0, 3), (7, 0.0, 1)):
        monkeypatch.setattr(payload_lists, "GAP_ROWS", rows)
        monkeypatch.setattr(payload_lists, "LOOK_S", look_s)
        assert await listed(manager, path, "waiting", limit) == (never, 44)
    assert await listed(manager, path, "leased") == ([], 0)


@pytest.mark.parametrize("query", ["state=lost", "cursor=x", "cursor=-1", "limit=0", "x=1"])
async def test_wrong_questions_are_refused(manager: Served, query: str) -> None:
    path, _ = await begun(manager)
    await manager.call("GET", f"{path}/payloads?{query}", 400)
    await manager.call("GET", "/api/tasks/never/payloads", 404)


async def test_durations_are_told_with_median_and_95th_percentile(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        path, peer = await begun(manager)
        told = await manager.call("GET", f"{path}/durations")
        assert (told["done"], told["counted"], told["least_s"], told["most_s"]) == (5, 5, 0.5, 0.5)
        assert (told["p50_s"], told["p95_s"], told["mean_s"]) == (0.5, 0.5, 0.5)
        (only,) = told["bins"]
        assert only["count"] == 5 and only["from_s"] <= 0.5 < only["below_s"]
        await peer.deliver(path.split("/")[-1], [10], batch="b2")
        timing: Any = manager.app.watching.timing
        timing._kept.clear()
        assert (await manager.call("GET", f"{path}/durations"))["counted"] == 6
    async with serve(tmp_path) as manager:

        async def never(*_: object) -> None:
            raise AssertionError("it was counted already")

        timing = manager.app.watching.timing
        timing._count = never
        assert (await manager.call("GET", f"{path}/durations"))["counted"] == 6
        await manager.call("GET", "/api/tasks/never/durations", 404)


async def test_a_task_without_results_has_no_durations(manager: Served) -> None:
    task = await manager.create()
    told = await manager.call("GET", f"/api/tasks/{task['id']}/durations")
    assert (told["counted"], told["p50_s"], told["least_s"], told["bins"]) == (0, None, None, [])


async def test_events_of_a_task_are_its_own_and_tell_no_address(manager: Served) -> None:
    task, other = await manager.create(), await manager.create()
    path = f"/api/tasks/{task['id']}"
    await manager.call("POST", f"{path}/pause")
    await manager.call("POST", f"/api/tasks/{other['id']}/pause")
    await manager.call("POST", f"{path}/resume")
    told = await manager.call("GET", f"{path}/events")
    assert [each["verb"] for each in told["items"]] == ["resume_task", "pause_task", "create_task"]
    assert told["total"] == 3 and all("address" not in each for each in told["items"])
    first = await manager.call("GET", f"{path}/events?limit=2")
    rest = await manager.call("GET", f"{path}/events?limit=2&cursor={first['next_cursor']}")
    assert [each["verb"] for each in rest["items"]] == ["create_task"] and rest["next_cursor"] is None
    await manager.call("GET", "/api/tasks/never/events", 404)


async def test_groups_of_failures_tell_when_the_first_and_the_last_came(manager: Served) -> None:
    path, peer = await begun(manager)
    failed = messages.FailureColumns(task=path.split("/")[-1], indexes=[6], errors=[["boom"]])
    await peer.say(messages.Deliver(batch="g", failures=[failed]))
    await peer.hear(messages.Committed)
    (group,) = (await manager.call("GET", f"{path}/failures/groups"))["items"]
    made = (await manager.call("GET", path))["created_at"]
    assert group["count"] == 2 and made - 1 <= group["first_at"] <= group["last_at"]


async def test_tasks_are_found_by_whose_they_are(manager: Served) -> None:
    cheap(manager)
    await manager.create()
    async with signed_in(manager, "ann", "researcher") as ann:
        task = await ann.create()
    found = await manager.call("GET", "/api/tasks?owner=ann")
    assert ([each["id"] for each in found["items"]], found["total"]) == ([task["id"]], 1)
    assert (await manager.call("GET", "/api/tasks?owner=an"))["total"] == 0
    for owner, count in (("ann", 1), ("bob", 0)):
        asked = {"filter": {"owner": owner}, "verb": "pause", "dry_run": True}
        assert (await manager.call("POST", "/api/bulk", json=asked))["matched"] == count
