"""The live feed: what changed, told to every viewer at most once a second.

Rule: a snapshot is encoded once and shared by all viewers; a viewer that reads too slowly is dropped, nobody waits.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from disio_manager.api.shapes import task_item
from disio_manager.core.commands import Announce
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.records import DistributorRecord
from disio_manager.stores.base import ManagerStore
from disio_shared.errors import UnavailableError

PERIOD_S = 1.0
MAX_QUEUED = 2_000
"""News that may wait for one viewer."""
MAX_VIEWERS = 500


class News(NamedTuple):
    """One server-sent event."""

    event: str
    data: str


class Viewer:
    """One open stream."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[News | None] = asyncio.Queue(MAX_QUEUED + 1)
        """None ends the stream."""
        self.is_slow = False

    def offer(self, news: list[News]) -> bool:
        """Queue news; False, and the end of the stream, when there is no room."""
        if self.news.qsize() + len(news) > MAX_QUEUED:
            self.is_slow = True
            self.news.put_nowait(None)
            return False
        for one in news:
            self.news.put_nowait(one)
        return True


class TooManyViewers(UnavailableError):
    """No more live feeds fit."""

    code = "too-many-viewers"


class Feed:
    """Gathers what changed and tells the viewers."""

    def __init__(
        self,
        store: ManagerStore,
        coordinator: Callable[[], Coordinator],
        steady: Callable[[], float],
        stats: Callable[[], Awaitable[dict[str, Any]]],
        fleet: Callable[[], list[DistributorRecord]],
    ) -> None:
        self._store, self._coordinator, self._steady, self._stats = store, coordinator, steady, stats
        self._rows = fleet
        self._viewers: set[Viewer] = set()
        self._changed: dict[str, None] = {}  # in order, without repeats
        self._deleted: dict[str, None] = {}
        self._is_fleet_changed = False
        self._last_stats = ""

    def note(self, command: Announce) -> None:
        """Remember that something changed."""
        if not self._viewers:
            return
        if command.topic == "task":
            self._changed[command.task] = None
        elif command.topic == "task-deleted":
            self._changed.pop(command.task, None)
            self._deleted[command.task] = None
        else:
            self._is_fleet_changed = True

    async def open(self) -> Viewer:
        """Return a new viewer whose first news are fleet and stats.

        Raises:
            TooManyViewers: There are ``MAX_VIEWERS`` already.
            StoreUnavailable: The manager waits for its database.
        """
        if len(self._viewers) >= MAX_VIEWERS:
            raise TooManyViewers(f"{MAX_VIEWERS} live feeds are open already")
        first = [self._fleet(), _news("stats", await self._stats())]
        viewer = Viewer()
        viewer.offer(first)
        self._viewers.add(viewer)
        return viewer

    def close(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._viewers.discard(viewer)

    def close_all(self) -> None:
        """End every stream; the service stops."""
        for viewer in self._viewers:
            if viewer.news.full():
                viewer.news.get_nowait()
            viewer.news.put_nowait(None)
        self._viewers.clear()

    async def run(self) -> None:
        """Tell the viewers until cancelled."""
        while True:
            await asyncio.sleep(PERIOD_S)
            if not self._viewers:
                continue
            try:
                news = await self._gather()
            except UnavailableError:
                continue  # what changed is kept for when the database is back
            self._viewers -= {viewer for viewer in self._viewers if not viewer.offer(news)}

    async def _gather(self) -> list[News]:
        stats = _news("stats", await self._stats())
        coordinator = self._coordinator()
        news = [_news("task-deleted", {"id": task}) for task in self._deleted]
        self._deleted.clear()
        if self._is_fleet_changed:
            news.append(self._fleet())
            self._is_fleet_changed = False
        if stats.data != self._last_stats:
            self._last_stats = stats.data
            news.append(stats)
        for task in list(self._changed)[: MAX_QUEUED // 4]:
            item = await self._item(coordinator, task)
            self._changed.pop(task, None)
            news += [_news("task", item)] if item is not None else []
        return news

    async def _item(self, coordinator: Coordinator, task: str) -> dict[str, Any] | None:
        view = coordinator.task_view(task, self._steady())
        if view is not None:
            return task_item(view.record, view)
        record = await self._store.task(task)
        return None if record is None else task_item(record)

    def _fleet(self) -> News:
        return _news("fleet", {"items": self._rows()})


def _news(event: str, data: Any) -> News:
    return News(event, msgspec.json.encode(data).decode())
