"""The live feed: over a real connection, and its limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientResponse

from disio_manager.api import feed, fleet
from disio_manager.api.news import MAX_KEPT, MAX_KEPT_CHARACTERS, MAX_QUEUED, News, Ring, Topics, Viewer, newest
from tests.unit.manager.served import DEADLINE_S, Served
from tests.waiting import patient, wait_until


class Told(NamedTuple):
    """One event as it came."""

    name: str
    data: Any
    id: str


async def told(answer: ClientResponse) -> AsyncIterator[Told]:
    """Yield each event."""
    name, last = "", ""
    async for line in answer.content:
        text = line.decode().rstrip()
        if text.startswith("event: "):
            name = text.removeprefix("event: ")
        elif text.startswith("id: "):
            last = text.removeprefix("id: ")
        elif text.startswith("data: "):
            yield Told(name, json.loads(text.removeprefix("data: ")), last)


async def events(answer: ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """Yield name and data of each event."""
    async for one in told(answer):
        yield one.name, one.data


async def until(answer: ClientResponse, name: str, task: str = "") -> list[Told]:
    """Return what comes up to an event of that name, about that task."""
    seen = []
    async for one in told(answer):
        seen.append(one)
        if one.name == name and task in (one.data.get("id", ""), one.data.get("task", "")):
            return seen
    raise AssertionError(f"the stream ended without {name}: {seen}")


async def test_viewers_see_what_changes(manager: Served) -> None:
    async with (
        asyncio.timeout(patient(DEADLINE_S)),
        manager.http.get(f"{manager.url}/api/events") as one,
        manager.http.get(f"{manager.url}/api/events") as two,
    ):
        assert one.content_type == "text/event-stream"
        first, second = events(one), events(two)
        assert await anext(first) == ("fleet", {"items": []})
        name, stats = await anext(first)
        assert name == "stats" and stats["tasks"]["queued"] == 0 and stats["tasks"]["done"] == 0
        task = await manager.create()
        for stream in (first, second):
            seen = await next_of(stream, "task")
            assert "payloads" not in seen and seen["id"] == task["id"] and seen["state"] == "queued"
        await manager.peer("d9").join()
        assert (await next_of(first, "fleet"))["items"][0]["id"] == "d9"
        await manager.call("POST", f"/api/tasks/{task['id']}/cancel")
        assert (await next_of(first, "task"))["state"] == "cancelled"
        await manager.call("DELETE", f"/api/tasks/{task['id']}", 204)
        assert await next_of(second, "task-deleted") == {"id": task["id"]}


async def next_of(stream: AsyncIterator[tuple[str, Any]], kind: str) -> Any:
    async for name, data in stream:
        if name == kind:
            return data
    raise AssertionError(f"the stream ended without {kind}")


async def test_an_open_stream_does_not_hold_up_a_stop(manager: Served) -> None:
    async with manager.http.get(f"{manager.url}/api/events") as answer:
        assert (await anext(events(answer)))[0] == "fleet"
        async with asyncio.timeout(patient(5)):
            await manager.app.stop()


async def test_a_viewer_that_leaves_while_nothing_happens_makes_room(
    manager: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "PING_S", 0.05)
    monkeypatch.setattr(feed, "MAX_VIEWERS", 1)
    url = f"{manager.url}/api/events"

    async def is_let_in() -> bool:
        async with manager.http.get(url) as answer:
            return answer.status == 200

    async with manager.http.get(url) as first:
        stream = events(first)
        for _ in range(2):  # how things stand, told twice; then nothing happens
            await next_of(stream, "stats")
        assert not await is_let_in()
    await wait_until(is_let_in)


async def test_who_comes_back_is_told_what_it_missed(manager: Served) -> None:
    url = f"{manager.url}/api/events"
    first = await manager.create(name="first")
    async with asyncio.timeout(patient(DEADLINE_S)):
        async with manager.http.get(url, params={"seconds": "2"}) as answer:
            await manager.call("PATCH", f"/api/tasks/{first['id']}", json={"tags": ["a"]})
            seen = await until(answer, "task", first["id"])
            seen += [one async for one in told(answer)]
        assert all(one.id for one in seen)
        # Nobody views now; what happens is noted all the same.
        second = await manager.create(name="second")
        await manager.call("PATCH", f"/api/tasks/{second['id']}", json={"name": "second, then"})
        last = seen[-1].id
        for headers, query in (({"Last-Event-ID": last}, ""), ({}, f"?last_event_id={last}")):
            async with manager.http.get(url + query, headers=headers) as answer:
                missed = await until(answer, "task", second["id"])
            assert {one.name for one in missed} <= {"task", "stats", "fleet"}
            assert [one.data["name"] for one in missed if one.name == "task"] == ["second, then"]
            last = missed[-1].id if query else last
        async with manager.http.get(url, params={"last_event_id": last, "seconds": "1.5"}) as answer:
            rest = [one async for one in told(answer)]
    assert [one for one in rest if one.name in ("task", "reset")] == []


@pytest.mark.parametrize("last", ["of-another-1", "abc-5", "nonsense", "abc-99999999999999999999"])
async def test_who_cannot_be_told_what_it_missed_is_told_so_and_how_things_stand(manager: Served, last: str) -> None:
    task = await manager.create()
    over = await manager.create(name="over")
    await manager.call("POST", f"/api/tasks/{over['id']}/cancel")
    async with asyncio.timeout(patient(DEADLINE_S)):
        async with manager.http.get(f"{manager.url}/api/events", headers={"Last-Event-ID": last}) as answer:
            seen = await until(answer, "task", task["id"])
    assert [one.name for one in seen] == ["reset", "fleet", "stats", "task"]


async def test_topics_pick(manager: Served) -> None:
    url, wanted, other = f"{manager.url}/api/events", await manager.create(), await manager.create()
    async with (
        asyncio.timeout(patient(DEADLINE_S)),
        manager.http.get(url, params={"topics": f"task:{wanted['id']},task:gone"}) as one,
        manager.http.get(url, params={"topics": f"results:{wanted['id']}", "seconds": "60"}) as two,
    ):
        results = told(two)
        begun = await anext(results)
        assert begun == ("results", {"task": wanted["id"], "done": 0, "failed": 0, "cursor": "gA"}, "")
        peer = manager.peer()
        await peer.join()
        await peer.leased(20)
        await peer.deliver(other["id"], [0], "b0")
        await peer.deliver(wanted["id"], [0, 1], "b1")
        # The first that is told may be from between the hand-out and the results.
        done = [await anext(results)]
        while not done[-1].data["done"]:
            done.append(await anext(results))
        assert {each.name for each in done} == {"results"} and done[-1].data["done"] == 2
        seen = await until(one, "task", wanted["id"])
        while not seen[-1].data["done"]:
            seen += await until(one, "task", wanted["id"])
        assert {each.name for each in seen} == {"task", "task-deleted"}
        assert {each.data["id"] for each in seen} == {wanted["id"], "gone"}


async def test_what_to_look_at_is_told_when_it_changes_to_those_who_asked(manager: Served) -> None:
    url = f"{manager.url}/api/events"
    async with (
        asyncio.timeout(patient(DEADLINE_S)),
        manager.http.get(url, params={"topics": "attention"}) as one,
        manager.http.get(url) as two,
    ):
        looking = told(one)
        begun = await anext(looking)
        assert (begun.name, begun.data) == ("attention", {"items": [], "total": 0})
        await manager.peer("d9").join(software="disio/none")
        while not begun.data["total"]:
            begun = await anext(looking)
        assert [item["kind"] for item in begun.data["items"]] == ["versions"] and begun.id
        assert not {each.name for each in await until(two, "fleet", "")} - {"fleet", "stats"}
        async with manager.http.get(url, params={"topics": "attention", "last_event_id": begun.id}) as three:
            assert (await anext(told(three))).data == begun.data


@pytest.mark.parametrize("topics", ["everything", "task:", "tasks,,fleet", "task:a b", ",".join(["fleet"] * 101)])
async def test_topics_that_are_none_are_refused(manager: Served, topics: str) -> None:
    problem = await manager.call("GET", "/api/events", 400, params={"topics": topics})
    assert problem["errors"][0]["path"] == "topics"


def test_a_ring_tells_what_came_after_a_number_as_far_as_it_goes_back() -> None:
    ring = Ring("e")
    assert ring.since(0) == [] and ring.since(1) is None and ring.number_of("e-0") == 0
    for at in range(MAX_KEPT + 5):
        ring.push("task", "{}", f"t{at}")
    assert ring.last == MAX_KEPT + 5
    assert [news.task for news in ring.since(MAX_KEPT + 3) or []] == [f"t{MAX_KEPT + 3}", f"t{MAX_KEPT + 4}"]
    assert ring.since(4) is None and len(ring.since(5) or []) == MAX_KEPT
    assert ring.number_of("f-3") is None and ring.number_of("e-x") is None
    ring.tear()
    assert ring.since(MAX_KEPT + 5) is None and ring.since(ring.last) == []


def test_a_ring_is_bounded_in_characters() -> None:
    ring = Ring("e")
    for _ in range(5):
        ring.push("fleet", "x" * (MAX_KEPT_CHARACTERS // 2))
    assert len(ring.since(3) or []) == 2 and ring.since(2) is None
    ring.push("fleet", "x" * (MAX_KEPT_CHARACTERS + 1))
    assert len(ring.since(5) or []) == 1, "the newest stays, however long it is"


def test_of_what_was_missed_the_newest_is_enough() -> None:
    rows = [("task", "a"), ("stats", ""), ("task", "b"), ("fleet", ""), ("task-deleted", "a"), ("stats", "")]
    news = [News(event, str(at), task, at) for at, (event, task) in enumerate(rows)]
    assert [one.number for one in newest(news)] == [2, 3, 4, 5]


def test_a_viewer_that_does_not_read_is_dropped() -> None:
    viewer = Viewer(Topics.parse(""))
    assert viewer.offer([News("task", "{}")] * MAX_QUEUED)
    assert not viewer.offer([News("task", "{}")])
    assert viewer.is_slow and viewer.news.qsize() == MAX_QUEUED + 1
