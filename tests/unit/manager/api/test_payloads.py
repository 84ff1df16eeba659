"""One payload's story over REST, and what a task tells of trouble."""

from typing import Any

import msgspec
import pytest

from disio_shared import messages
from tests.unit.manager.served import Peer, Served


async def story(manager: Served, task: dict[str, Any], index: int) -> Any:
    return await manager.call("GET", f"/api/tasks/{task['id']}/payloads/{index}")


async def at_work(manager: Served, **changes: Any) -> tuple[dict[str, Any], Peer]:
    """Return a task and a distributor that holds its first three payloads."""
    task = await manager.create(payloads={"range": [100, 110]}, **changes)
    peer = manager.peer()
    await peer.join()
    grant = await peer.ask(3)
    assert [(block.start, block.stop) for block in grant.blocks] == [(0, 3)]
    return task, peer


async def test_a_payload_that_was_never_handed_out_waits(manager: Served) -> None:
    task = await manager.create(payloads={"range": [100, 110]})
    told = await story(manager, task, 9)
    assert (told["i"], told["payload"], told["state"], told["votes"]) == (9, 109, "waiting", [])
    assert told["sentences"] and "block" not in told


async def test_a_leased_payload_names_its_holder(manager: Served) -> None:
    task, _ = await at_work(manager)
    told = await story(manager, task, 2)
    assert told["state"] == "leased"
    assert (told["block"]["holder"], told["block"]["holder_name"], told["block"]["lease"]) == ("d1", "d1", 1)
    assert 0 < told["block"]["lease_ends_s"] <= 60


async def test_a_payload_given_back_is_ready(manager: Served) -> None:
    task, peer = await at_work(manager)
    held = (await story(manager, task, 0))["block"]
    await peer.say(messages.Return(blocks=[messages.BlockRef(block=held["id"], lease=held["lease"])]))
    await peer.deliver(task["id"], [5])  # answered after the Return
    told = await story(manager, task, 0)
    assert (told["state"], told["block"]["id"]) == ("ready", held["id"])


async def test_a_done_payload_shows_its_result_and_who_disagreed(manager: Served) -> None:
    task, peer = await at_work(manager)
    await peer.deliver(task["id"], [0, 1, 2])
    votes = messages.VoteColumns(
        task=task["id"],
        indexes=[1, 1, 2],
        values=[b"1", b"7", b"4"],
        seconds=[0.1, 0.2, 0.3],
        clients=["c2", "c3"],
        by=[0, 1, 0],
    )
    await peer.say(messages.Deliver(batch="b2", votes=[votes]))
    await peer.hear(messages.Committed)
    told = await story(manager, task, 1)
    assert (told["state"], told["result"], told["client"], told["seconds"]) == ("done", 1, "c1", 0.5)
    assert [(vote["client"], vote["agrees"], vote.get("result")) for vote in told["votes"]] == [
        ("c2", True, None),
        ("c3", False, 7),
    ]
    assert (await manager.call("GET", f"/api/tasks/{task['id']}"))["invalid"] == 1
    assert "invalid" not in (await manager.call("GET", "/api/tasks"))["items"][0]


async def test_a_failed_payload_shows_its_errors(manager: Served) -> None:
    task, peer = await at_work(manager)
    failed = messages.FailureColumns(task=task["id"], indexes=[1], errors=[["boom", "bang"]])
    await peer.say(messages.Deliver(batch="b1", failures=[failed]))
    await peer.hear(messages.Committed)
    told = await story(manager, task, 1)
    assert (told["state"], told["errors"]) == ("failed", ["boom", "bang"])
    assert (await story(manager, task, 2))["state"] == "leased"


async def test_of_a_closed_task_a_payload_without_an_outcome_says_so(manager: Served) -> None:
    task, peer = await at_work(manager)
    await peer.deliver(task["id"], [0])
    await manager.call("POST", f"/api/tasks/{task['id']}/cancel")
    assert (await story(manager, task, 0))["state"] == "done"
    told = await story(manager, task, 1)
    assert told["state"] == "waiting" and "cancelled" in told["sentences"][0]


@pytest.mark.parametrize(("index", "status"), [("10", 404), ("-1", 400), ("x", 400), ("1.5", 400), ("9" * 20, 400)])
async def test_an_index_that_is_none_is_a_problem(manager: Served, index: str, status: int) -> None:
    task = await manager.create()
    await manager.call("GET", f"/api/tasks/{task['id']}/payloads/{index}", status)


async def test_a_payload_of_no_task_is_not_found(manager: Served) -> None:
    await manager.call("GET", "/api/tasks/none/payloads/0", 404)
    task = await manager.create()
    await manager.call("GET", f"/api/tasks/{task['id']}/payloads/0?x=1", 400)


async def test_a_task_counts_what_its_distributors_tell(manager: Served) -> None:
    task, peer = await at_work(manager)
    assert (task["lost"], task["tries_failed"], task["copies"], task["invalid"]) == (0, 0, 0, 0)
    for lost in (1, 3):  # the first tells where this manager begins to count
        tally = messages.TaskTally(task=task["id"], lost=lost, failed=2 * lost, copies=lost)
        status = messages.Status(clients=1, slots=1, space=0.5, turned_away=4, since=1.0, tallies=[tally])
        await peer.say(msgspec.structs.replace(status, durability="relaxed"))
    await peer.deliver(task["id"], [0])
    seen = await manager.call("GET", f"/api/tasks/{task['id']}")
    assert (seen["lost"], seen["tries_failed"], seen["copies"]) == (2, 4, 2)
    (row,) = (await manager.call("GET", "/api/distributors"))["items"]
    assert (row["durability"], row["space"], row["turned_away"], row["trouble"]) == ("relaxed", 0.5, 4, "")


async def test_a_manager_that_is_alone_names_itself(manager: Served) -> None:
    (row,) = (await manager.call("GET", "/api/managers"))["items"]
    assert (row["url"], row["alive"], row["this"], row["beat_age_s"]) == (manager.url, True, True, 0.0)
    assert row["id"] == manager.curve_key.decode()
    assert (await manager.peer().join()).manager == row["id"]
