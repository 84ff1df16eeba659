"""The live feed: over a real connection, and its limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientResponse

from disio_manager.api.feed import MAX_QUEUED, News, Viewer
from tests.unit.manager.served import DEADLINE_S, Served


async def events(answer: ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """Yield name and data of each event."""
    name = ""
    async for line in answer.content:
        text = line.decode().rstrip()
        if text.startswith("event: "):
            name = text.removeprefix("event: ")
        elif text.startswith("data: "):
            yield name, json.loads(text.removeprefix("data: "))


async def test_viewers_see_what_changes(manager: Served) -> None:
    async with (
        asyncio.timeout(DEADLINE_S),
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
        async with asyncio.timeout(5):
            await manager.app.stop()


def test_a_viewer_that_does_not_read_is_dropped() -> None:
    viewer = Viewer()
    assert viewer.offer([News("task", "{}")] * MAX_QUEUED)
    assert not viewer.offer([News("task", "{}")])
    assert viewer.is_slow and viewer.news.qsize() == MAX_QUEUED + 1
