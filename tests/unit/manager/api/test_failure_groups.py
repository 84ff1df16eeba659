"""Failures by what they say, over REST."""

from pathlib import Path
from typing import Any

from disio_shared import messages
from tests.unit.manager.served import Served, serve


async def failed(manager: Served, texts: list[str]) -> dict[str, Any]:
    """Return a task of which payloads failed, each with a text."""
    task = await manager.create(payloads={"range": [0, len(texts) + 1]})
    peer = manager.peer()
    await peer.join()
    await peer.leased(len(texts) + 1)
    columns = messages.FailureColumns(
        task=task["id"], indexes=list(range(len(texts))), errors=[[text] for text in texts]
    )
    await peer.say(messages.Deliver(batch="f", failures=[columns]))
    await peer.hear(messages.Committed)
    return task


async def groups(manager: Served, task: str) -> dict[str, Any]:
    found: dict[str, Any] = await manager.call("GET", f"/api/tasks/{task}/failures/groups")
    return found


async def test_failures_are_grouped_and_one_group_is_tried_again(manager: Served) -> None:
    task = await failed(manager, ["Error: row 1", "Error: row 22", "timed out"])
    told = await groups(manager, task["id"])
    assert (told["failed"], told["counted"], told["others"]) == (3, 3, 0)
    assert [(each["message"], each["count"], each["sample"]) for each in told["items"]] == [
        ("Error: row ‹n›", 2, [0, 1]),
        ("timed out", 1, [2]),
    ]
    path, key = f"/api/tasks/{task['id']}/retry", told["items"][0]["key"]
    await manager.call("POST", path, 422, json={"group": key, "indexes": [1]})
    await manager.call("POST", path, 422, json={"group": "nonsense"})
    assert (await manager.call("POST", path, json={"group": key}))["failed"] == 1
    await manager.call("POST", path, 409, json={"group": key})
    manager.app.watching.grouping._kept.clear()
    told = await groups(manager, task["id"])
    assert [(each["message"], each["count"]) for each in told["items"]] == [("timed out", 1)]
    await manager.call("GET", "/api/tasks/never/failures/groups", 404)


async def test_they_are_there_at_once_after_a_restart(tmp_path: Path) -> None:
    async with serve(tmp_path) as first:
        task = await failed(first, ["boom"])
        before = await groups(first, task["id"])
    async with serve(tmp_path) as second:
        grouping: Any = second.app.watching.grouping

        async def never(*_: object) -> None:
            raise AssertionError("it was counted already")

        grouping._count = never
        assert await groups(second, task["id"]) == before


async def test_a_task_without_failures_has_no_groups(manager: Served) -> None:
    task = await manager.create()
    assert await groups(manager, task["id"]) == {"id": task["id"], "failed": 0, "counted": 0, "others": 0, "items": []}
