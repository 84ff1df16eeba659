"""Aggregates over REST: from results that were delivered to numbers that people read."""

from pathlib import Path
from typing import Any

import pytest

from disio_manager.api import aggregated
from tests.unit.manager.served import Served, serve
from tests.waiting import wait_until


async def deliver(manager: Served, task: str, indexes: list[int], batch: str = "b1", value: bytes = b"") -> None:
    """Have a distributor deliver results: of each payload its square."""
    peer = manager.peer()
    await peer.join()
    await peer.leased(10)
    await peer.deliver(task, indexes, batch, value)
    peer.close()


async def numbers(manager: Served, task: str) -> dict[str, Any]:
    found: dict[str, Any] = await manager.call("GET", f"/api/tasks/{task}/aggregates")
    return found


async def test_results_that_are_numbers_are_counted_though_nobody_asked_for_it_before(manager: Served) -> None:
    task = (await manager.create())["id"]
    assert await numbers(manager, task) == {
        "id": task, "state": "queued", "done": 0, "counted": 0, "more_fields": False, "fields": {},
    }  # fmt: skip
    await deliver(manager, task, [0, 1, 2, 3])
    found = await numbers(manager, task)
    assert (found["done"], found["counted"], list(found["fields"])) == (4, 4, [""])
    extremes = [{"i": at, "value": at * at} for at in range(4)]
    assert found["fields"][""] == {
        "count": 4, "sum": 14, "mean": 3.5, "min": 0, "min_at": 0, "max": 9, "max_at": 3,
        "histogram": {"start": 0, "width": 0.25, "counts": [int(at in (0, 4, 16, 36)) for at in range(37)]},
        "top": extremes[::-1], "bottom": extremes,
    }  # fmt: skip


async def test_fields_that_the_document_names_are_counted(manager: Served) -> None:
    task = (await manager.create(aggregates={"fields": ["a.b", "c"], "top": 0}))["id"]
    await deliver(manager, task, [0, 1], value=b'{"a": {"b": 1.5}, "c": "no number"}')
    found = (await numbers(manager, task))["fields"]
    assert list(found) == ["a.b", "c"]
    assert (found["a.b"]["count"], found["a.b"]["mean"], found["a.b"]["top"]) == (2, 1.5, [])
    assert found["c"] == {
        "count": 0, "sum": None, "mean": None, "min": None, "min_at": None, "max": None, "max_at": None,
        "histogram": None, "top": [], "bottom": [],
    }  # fmt: skip
    await manager.call("PATCH", f"/api/tasks/{task}", json={"aggregates": {"fields": ["c"]}})
    assert list((await numbers(manager, task))["fields"]) == ["c"]


async def test_tasks_that_want_numbers_have_them_counted_while_results_come(
    manager: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = (await manager.create(aggregates={}))["id"]
    await deliver(manager, task, [0, 1, 2])
    kept = manager.app.aggregating._kept
    await wait_until(lambda: task in kept and kept[task].aggregate.counted == 3)
    monkeypatch.setattr(aggregated, "WAIT_S", 0.0)
    assert (await numbers(manager, task))["counted"] == 3
    await manager.call("DELETE", f"/api/tasks/{task}", 204)
    assert task not in kept
    await manager.call("GET", f"/api/tasks/{task}/aggregates", 404)


async def test_a_task_that_is_done_before_a_restart_has_its_numbers_after_it(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        task = (await manager.create())["id"]
        await deliver(manager, task, list(range(10)))
        before = await numbers(manager, task)
        assert (before["state"], before["counted"]) == ("done", 10)
    async with serve(tmp_path) as manager:
        assert await numbers(manager, task) == before
