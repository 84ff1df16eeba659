"""Results in the order of finishing: pages, cursors, waiting."""

import asyncio
from typing import Any

import pytest

from disio_manager.api.awaiting import MAX_WAITING as MOST
from disio_manager.api.awaiting import Awaiting, TooManyWaiting
from disio_manager.core.commands import Announce
from disio_shared import messages
from tests.unit.manager.served import Served


async def delivering(manager: Served, **changes: Any) -> tuple[str, Any]:
    """Return a task that is handed out, and the distributor that has it."""
    task, peer = await manager.create(**changes), manager.peer()
    await peer.join()
    await peer.leased(20)
    return task["id"], peer


def place(task: str, **query: Any) -> str:
    return f"/api/tasks/{task}/results?order=finished" + "".join(f"&{name}={value}" for name, value in query.items())


async def test_pages_go_on_where_the_last_one_ended(manager: Served) -> None:
    task, peer = await delivering(manager)
    await peer.deliver(task, [7, 8], "b1")
    await peer.deliver(task, [0, 1, 2], "b2")
    page = await manager.call("GET", place(task, limit=3))
    assert [(row["i"], row["result"]) for row in page["items"]] == [(7, 49), (8, 64), (0, 0)]
    assert page["state"] == "running"
    rest = await manager.call("GET", place(task, cursor=page["next_cursor"]))
    assert [row["i"] for row in rest["items"]] == [1, 2]
    await peer.deliver(task, [3, 4, 5, 6, 9], "b3")
    last = await manager.call("GET", place(task, cursor=rest["next_cursor"]))
    assert [row["i"] for row in last["items"]] == [3, 4, 5, 6, 9] and last["state"] == "done"
    assert (await manager.call("GET", place(task, cursor=last["next_cursor"], wait_s=30)))["items"] == [], (
        "nothing is waited for when the task is over"
    )


async def test_lines_and_tables_carry_the_cursor_in_a_header(manager: Served) -> None:
    task, peer = await delivering(manager)
    await peer.deliver(task, [4, 2], "b1")
    for form, expected in (("ndjson", '{"i":2,"payload":2,"result":4,'), ("csv", "i,payload,result,client,seconds")):
        async with manager.http.get(manager.url + place(task, format=form, limit=1)) as answer:
            assert (await answer.text()).startswith(expected) and answer.headers["X-Task-State"] == "running"
            cursor = answer.headers["X-Cursor"]
        async with manager.http.get(manager.url + place(task, format="ndjson", cursor=cursor)) as answer:
            assert (await answer.text()).startswith('{"i":4,') and len((await answer.text()).splitlines()) == 1


async def test_failures_are_among_them_when_they_are_asked_for(manager: Served) -> None:
    task, peer = await delivering(manager, policy={"max_failures": 1})
    await peer.deliver(task, [1], "b1")
    columns = messages.FailureColumns(task=task, indexes=[3], errors=[["boom"]])
    await peer.say(messages.Deliver(batch="b2", failures=[columns]))
    await peer.hear(messages.Committed)
    plain = await manager.call("GET", place(task))
    assert [row["i"] for row in plain["items"]] == [1]
    both = await manager.call("GET", place(task, failures="true"))
    assert [(row["i"], row.get("errors")) for row in both["items"]] == [(1, None), (3, ["boom"])]
    assert both["next_cursor"] == plain["next_cursor"]
    async with manager.http.get(f"{manager.url}/api/tasks/{task}/failures?format=ndjson") as answer:
        assert await answer.text() == '{"i":3,"payload":3,"errors":["boom"]}\n'


async def test_who_waits_is_woken_by_the_first_row(manager: Served) -> None:
    task, peer = await delivering(manager)
    waiting = asyncio.create_task(manager.call("GET", place(task, wait_s=15)))
    await manager.call("GET", "/healthz")  # the request before is under way
    assert not waiting.done()
    await peer.deliver(task, [5], "b1")
    page = await waiting
    assert [row["i"] for row in page["items"]] == [5]
    none = await manager.call("GET", place(task, cursor=page["next_cursor"], wait_s=0.05))
    assert none["items"] == [] and none["next_cursor"] == page["next_cursor"]
    ending = asyncio.create_task(manager.call("GET", place(task, cursor=page["next_cursor"], wait_s=15)))
    await manager.call("POST", f"/api/tasks/{task}/cancel")
    assert (await ending)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("query", "status", "path"),
    [
        ("order=finished&from=3", 400, "from"),
        ("cursor=gA", 400, "cursor"),
        ("wait_s=1", 400, "wait_s"),
        ("failures=true", 400, "failures"),
        ("order=finished&failures=true&format=csv", 400, "failures"),
        ("order=finished&cursor=x", 400, "cursor"),
        ("order=finished&cursor=%21", 400, "cursor"),
        ("order=finished&wait_s=31", 400, "wait_s"),
        ("order=finished&wait_s=NaN", 400, "wait_s"),
        ("order=backwards", 400, "order"),
    ],
)
async def test_what_does_not_belong_together_is_refused(manager: Served, query: str, status: int, path: str) -> None:
    task = await manager.create()
    problem = await manager.call("GET", f"/api/tasks/{task['id']}/results?{query}", status)
    assert problem["errors"][0]["path"] == path


def test_so_many_wait_at_most_and_nobody_is_left_behind() -> None:
    awaiting = Awaiting()
    opened = [awaiting.woken("t") for _ in range(MOST)]
    events = [each.__enter__() for each in opened]
    with pytest.raises(TooManyWaiting), awaiting.woken("u"):
        raise AssertionError("it waits")
    awaiting.note(Announce("task", "t"))
    assert all(event.is_set() for event in events)
    for each in opened:
        each.__exit__(None, None, None)
    with awaiting.woken("u") as event:
        awaiting.note(Announce("task", "t"))
        assert not event.is_set()
