"""``POST /api/tasks/{id}/retry`` for some of the failed payloads."""

from pathlib import Path
from typing import Any

import pytest

from disio_shared import messages
from tests.unit.manager.served import Served, deliver_message, serve


async def failed_task(served: Served, failed: list[int], total: int = 10) -> str:
    """Return the path of a task some of whose payloads failed, the others being done."""
    task = await served.create(payloads={"range": [0, total]}, policy={"max_failures": 1})
    peer = served.peer()
    await peer.join()
    await peer.leased(total)
    columns = messages.FailureColumns(task=task["id"], indexes=failed, errors=[["boom"]] * len(failed))
    good = deliver_message(task["id"], [at for at in range(total) if at not in failed]).results
    await peer.say(messages.Deliver(batch="b", results=good, failures=[columns]))
    await peer.hear(messages.Committed)
    return f"/api/tasks/{task['id']}"


async def test_those_that_are_named_are_queued_again_and_the_others_stay(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        path = await failed_task(served, [2, 3, 5, 7])
        task = await served.call("POST", f"{path}/retry", json={"indexes": [5, 2, 5]})
        assert (task["state"], task["failed"], task["done"]) == ("running", 2, 6)
        assert [row["i"] for row in (await served.call("GET", f"{path}/failures"))["items"]] == [3, 7]
        await served.peers[0].deliver(task["id"], [2, 5], batch="again")
        task = await served.call("GET", path)
        assert (task["state"], task["failed"], task["done"]) == ("failed", 2, 8)
        task = await served.call("POST", f"{path}/retry", json={})
        assert (task["state"], task["failed"]) == ("running", 0)


async def test_they_are_so_after_a_restart(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        path = await failed_task(served, [2, 3, 5])
        await served.call("POST", f"{path}/retry", json={"indexes": [3]})
    async with serve(tmp_path) as served:
        task = await served.call("GET", path)
        assert (task["state"], task["failed"], task["done"]) == ("running", 2, 7)
        peer = served.peer()
        await peer.join()
        grant = await peer.leased(10)
        await peer.deliver(task["id"], [block.start for block in grant.blocks])
        task = await served.call("GET", path)
        assert (task["state"], task["failed"], task["done"]) == ("failed", 2, 8)


async def test_what_has_not_failed_is_told_by_its_place_and_nothing_is_retried(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        path = await failed_task(served, [2, 5])
        problem = await served.call("POST", f"{path}/retry", 409, json={"indexes": [2, 4, 5, 99]})
        assert (problem["code"], problem["errors"]) == (
            "not-failed",
            [
                {"path": "indexes.1", "message": "payload 4 has not failed"},
                {"path": "indexes.3", "message": "payload 99 has not failed"},
            ],
        )
        assert (await served.call("GET", path))["failed"] == 2
        many = await served.call("POST", f"{path}/retry", 409, json={"indexes": list(range(10_000))})
        assert len(many["errors"]) == 100 and "9998 of the payloads" in many["detail"]
        await served.call("POST", "/api/tasks/nothere/retry", 404, json={"indexes": [1]})


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"indexes": []}, "indexes"),
        ({"indexes": [-1]}, "indexes.0"),
        ({"indexes": [1, 10**12]}, "indexes.1"),
        ({"indexes": [1.5]}, "indexes.0"),
        ({"indexes": "1"}, "indexes"),
        ({"indexes": [1] * 10_001}, "indexes"),
        ({"index": [1]}, "index"),
        ([1], ""),
    ],
)
async def test_what_are_no_indexes_is_refused_by_its_place(tmp_path: Path, body: Any, place: str) -> None:
    async with serve(tmp_path) as served:
        task = await served.create()
        problem = await served.call("POST", f"/api/tasks/{task['id']}/retry", 422, json=body)
        assert problem["errors"][0]["path"] == place
