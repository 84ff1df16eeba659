"""One verb on many tasks."""

import asyncio
from typing import Any

from disio_manager.api.bulk import _told
from disio_manager.people.auditing import MAX_DETAIL
from tests.unit.manager.served import Served
from tests.waiting import wait_until


async def use(manager: Served, verb: str, status: int = 202, dry_run: bool = False, **wanted: Any) -> dict[str, Any]:
    body = {"filter": wanted, "verb": verb, "dry_run": dry_run}
    job: dict[str, Any] = await manager.call("POST", "/api/bulk", status, json=body)
    return job


async def ended(manager: Served, job: dict[str, Any]) -> dict[str, Any]:
    async def over() -> dict[str, Any] | None:
        found = dict(await manager.call("GET", f"/api/bulk/{job['id']}"))
        return found if found["state"] != "running" else None

    return await wait_until(over, timeout=20) or {}


async def test_a_dry_run_counts_and_does_nothing(manager: Served) -> None:
    for name in ("a1", "a2", "b"):
        await manager.create(name=name)
    told = await use(manager, "pause", 200, dry_run=True, q="a")
    assert (told["matched"], told["state"], told["done"]) == (3, "dry-run", 0), "every tag holds an a"
    assert "id" not in told
    assert (await use(manager, "pause", 200, dry_run=True, q="a1"))["matched"] == 1
    assert (await use(manager, "pause", 200, dry_run=True, all=True))["matched"] == 3
    assert (await manager.call("GET", "/api/tasks?state=paused"))["total"] == 0


async def test_each_task_is_done_or_refused_with_its_reason(manager: Served) -> None:
    made = [await manager.create(name=f"t{nth}") for nth in range(5)]
    await manager.call("POST", f"/api/tasks/{made[0]['id']}/cancel")
    job = await ended(manager, await use(manager, "pause", all=True))
    assert (job["matched"], job["done"], job["refused"], job["state"]) == (5, 4, 1, "done")
    (refusal,) = job["refusals"]
    assert refusal["task"] == made[0]["id"] and "cancelled" in refusal["reason"]
    assert (await manager.call("GET", "/api/tasks?state=paused,running"))["total"] == 4
    job = await ended(manager, await use(manager, "delete", numbers=[2, 4], state=["paused"]))
    assert job["done"] == 2
    left = await manager.call("GET", "/api/tasks")
    assert [task["number"] for task in left["items"]] == [5, 3, 1]


async def test_what_is_meant_must_be_said(manager: Served) -> None:
    await use(manager, "delete", 422)
    await use(manager, "delete", 422, all=True, q="x")
    await use(manager, "delete", 422, states=["done"])
    await use(manager, "explode", 422, all=True)
    await manager.call("GET", "/api/bulk/never", 404)


async def test_a_bounded_number_is_done_at_once(manager: Served) -> None:
    await manager.create()
    bulks: Any = manager.app.watching.bulks
    held = asyncio.Event()

    async def hold(task: str, verb: str) -> None:
        await held.wait()

    bulks._use = hold
    jobs = [await use(manager, "pause", all=True) for _ in range(4)]
    await use(manager, "pause", 503, all=True)
    held.set()
    for job in jobs:
        assert (await ended(manager, job))["done"] == 1
    await wait_until(lambda: not bulks._running)
    assert (await ended(manager, await use(manager, "pause", all=True)))["done"] == 1


async def audited(manager: Served) -> str:
    """Return what the audit tells of the last bulk action."""

    async def told() -> str:
        rows = (await manager.call("GET", "/api/audit?verb=use_bulk"))["items"]
        return str(rows[0]["detail"]) if rows else ""

    return await wait_until(told)


async def test_the_audit_names_the_tasks(manager: Served) -> None:
    made = [await manager.create(name=f"t{nth}") for nth in range(3)]
    await ended(manager, await use(manager, "pause", numbers=[1, 3]))
    assert set((await audited(manager)).removeprefix("pause of 2 tasks: ").split()) == {made[0]["id"], made[2]["id"]}


def test_more_than_the_audit_has_room_for_are_counted() -> None:
    ids = [f"k{nth:022d}" for nth in range(500)]
    told = _told("delete", ids)
    named = told.removeprefix("delete of 500 tasks: ").partition(";")[0].split()
    assert len(told) <= MAX_DETAIL and named == ids[: len(named)] and len(named) > 30
    assert told.endswith(f"; {len(named)} of 500 named")
