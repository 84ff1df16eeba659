"""Streams of events whose viewers leave early, or come all at once."""

import asyncio
from typing import Any

import aiohttp
import pytest
import structlog.testing
from aiohttp import web

from disio_manager.api import feed, fleet
from disio_manager.api.context import Context, context_of
from tests.unit.manager.served import DEADLINE_S, Served
from tests.waiting import patient, wait_until

QUERY = {"topics": "task:gone"}
"""A task that the manager has to ask its database for."""


class SlowStore:
    """The manager's own, that finds tasks when it may; who asks is remembered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[web.Request] = []
        self.asked = 0
        self.may_answer = asyncio.Event()

        def note(request: web.Request) -> Context:
            context = context_of(request)
            if not self.requests:
                self._slow_down(context.service.store, monkeypatch)
            self.requests.append(request)
            return context

        monkeypatch.setattr(fleet, "context_of", note)

    def _slow_down(self, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        find = store.task

        async def find_slowly(task: str) -> Any:
            self.asked += 1
            await self.may_answer.wait()
            return await find(task)

        monkeypatch.setattr(store, "task", find_slowly)


async def test_a_viewer_that_leaves_before_its_stream_begins_is_no_error_and_makes_room(
    manager: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed, "MAX_VIEWERS", 1)
    slow, url = SlowStore(monkeypatch), f"{manager.url}/api/events"
    with structlog.testing.capture_logs() as lines:
        async with asyncio.timeout(patient(DEADLINE_S)):
            viewing = asyncio.create_task(is_let_in(manager.http, url))
            await wait_until(lambda: slow.asked)
            viewing.cancel()
            await asyncio.wait([viewing])
            await wait_until(lambda: slow.requests[0].transport is None)
            slow.may_answer.set()
            await wait_until(lambda: is_let_in(manager.http, url))
    assert [line for line in lines if line["log_level"] in ("warning", "error")] == []
    assert not [record.getMessage() for record in caplog.records if record.name.startswith("aiohttp")]


async def test_viewers_that_come_all_at_once_are_no_more_than_fit(
    manager: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_VIEWERS", 2)
    slow, url = SlowStore(monkeypatch), f"{manager.url}/api/events"
    statuses: list[int] = []
    may_leave = asyncio.Event()

    async def view() -> None:
        async with manager.http.get(url, params=QUERY) as answer:
            statuses.append(answer.status)
            await may_leave.wait()

    async with asyncio.timeout(patient(DEADLINE_S)), asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(view())
        await wait_until(lambda: slow.asked == 5)
        slow.may_answer.set()
        await wait_until(lambda: len(statuses) == 5)
        may_leave.set()
    assert sorted(statuses) == [200, 200, 503, 503, 503]


async def is_let_in(http: aiohttp.ClientSession, url: str) -> bool:
    async with http.get(url, params=QUERY) as answer:
        return answer.status == 200
