"""People who look at the pages of the dashboard, as a manager sees them.

Rule: each viewer has its stream open, reads every byte of it, and asks again as often as its page does.
"""

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings

SHARES = {"overview": 20, "tasks": 10, "task": 13, "fleet": 3, "payload": 2, "sites": 2}
"""Viewers of each page, of fifty."""
OPEN = "/api/tasks?state=queued,running,paused&sort=progress&limit=8"
RECENT = {"Cache-Control": "max-age=1"}
OLDER = {"Cache-Control": "max-age=5"}
NDJSON = {"Accept": "application/x-ndjson"}


class Ask(NamedTuple):
    """Something that a page asks for."""

    path: str
    every_s: float
    """0: once."""
    headers: dict[str, str] = RECENT


def asks(page: str, task: str) -> list[Ask]:
    """Return what a page asks for, and how often, as in ``dashboard/web/src``."""
    own = f"/api/tasks/{task}"
    return {
        "overview": [Ask(OPEN, 5.0), Ask("/api/history?span=1h", 10.0)],
        "tasks": [Ask("/api/tasks?limit=50", 0.0, {})],
        "task": [
            Ask(own, 0.0, {}),
            Ask(f"{own}/explain", 5.0, {}),
            Ask(f"{own}/history?span=1h", 10.0),
            Ask(f"{own}/results?from=0&limit=26&format=ndjson", 0.0, NDJSON),  # full: its rows do not change
        ],
        "fleet": [Ask("/api/managers", 5.0, {}), Ask("/api/clients?limit=100&cursor=&", 5.0, {})],
        "sites": [Ask("/api/sites?days=30&limit=100&cursor=", 5.0, OLDER)],
        "payload": [Ask(f"{own}/payloads/1", 3.0)],
    }[page]


class Watchers:
    """Viewers, half of them through a dashboard.

    Args:
        sessions: One signed in at the dashboard, one at the manager itself.
        number: How many.
    """

    def __init__(self, sessions: list[aiohttp.ClientSession], number: int) -> None:
        self._sessions, self._number = sessions, number
        self._running: list[asyncio.Task[None]] = []
        self._news = self._answers = 0
        self._longest_s = 0.0

    @classmethod
    @asynccontextmanager
    async def of(cls, data: Path, number: int) -> AsyncIterator["Watchers"]:
        """Yield the viewers of the manager of a data directory."""
        app = DashboardApp(Settings(data_dir=str(data), port=0))
        url = await app.start()
        token = (data / "admin.token").read_text().strip()
        manager = (data / "manager.json").read_text()
        try:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
            async with (
                aiohttp.ClientSession(
                    url, cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout, connector=_many()
                ) as through,
                aiohttp.ClientSession(
                    json.loads(manager)["url"],
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=timeout,
                    connector=_many(),
                ) as direct,
            ):
                async with through.get(app.login_link()) as answer:
                    answer.raise_for_status()
                yield cls([through, direct], number)
        finally:
            await app.stop()

    async def begin(self, task: str) -> str:
        """Begin to look, the task's page included; return when every stream is open."""
        pages = list(itertools.chain.from_iterable([page] * share for page, share in SHARES.items()))
        self._news = self._answers = 0
        self._longest_s = 0.0
        opened = [asyncio.Event() for _ in range(self._number)]
        for nth, event in enumerate(opened):
            session = self._sessions[nth % 2]
            self._running.append(asyncio.create_task(self._stream(session, event)))
            for ask in asks(pages[nth % len(pages)], task):
                self._running.append(asyncio.create_task(self._ask(session, ask)))
        await asyncio.gather(*(event.wait() for event in opened))
        broken = [repr(each.exception()) for each in self._running if each.done() and each.exception() is not None]
        return f"broken: {broken}" if broken else f"{self._number} look"

    async def stop(self) -> str:
        """Stop looking; return what was seen."""
        broken = [each.exception() for each in self._running if each.done()]
        for each in self._running:
            each.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        wrong = [repr(each) for each in broken if each is not None]
        return f"{self._news} news, {self._answers} answers, longest {self._longest_s * 1e3:.0f} ms, broken {wrong}"

    async def _stream(self, session: aiohttp.ClientSession, opened: asyncio.Event) -> None:
        try:
            async with session.get("/api/events?topics=tasks,fleet,stats,attention") as answer:
                answer.raise_for_status()
                opened.set()
                async for line in answer.content:
                    self._news += line.startswith(b"data:")
        finally:
            opened.set()

    async def _ask(self, session: aiohttp.ClientSession, ask: Ask) -> None:
        await asyncio.sleep(random.random() * (ask.every_s or 1.0))
        while True:
            begun = time.perf_counter()
            async with session.get(ask.path, headers=ask.headers) as answer:
                await answer.read()
                answer.raise_for_status()
            self._answers += 1
            took = time.perf_counter() - begun
            self._longest_s = max(self._longest_s, took)
            if not ask.every_s:
                return
            await asyncio.sleep(max(0.0, ask.every_s - took))


def _many() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit=0)
