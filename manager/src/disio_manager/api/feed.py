"""The live feed: what changed, told to every viewer at most once a second.

Rule: news are encoded once and shared by all viewers; a viewer that reads too slowly is dropped, nobody waits.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from disio_manager.api.answers import ResultsNews, TaskItem
from disio_manager.api.fleet_answers import DistributorList, Stats
from disio_manager.api.fleet_view import DistributorShown
from disio_manager.api.journals import journal_of
from disio_manager.api.news import MAX_QUEUED, News, Ring, Topics, Viewer, newest
from disio_manager.api.shapes import task_item
from disio_manager.core.commands import Announce
from disio_manager.core.coordinator import Coordinator
from disio_manager.stores.base import ManagerStore
from disio_shared.errors import UnavailableError
from disio_shared.ids import fresh_id

PERIOD_S = 1.0
LINGER_S = 60.0
"""Seconds for which news are kept when the last viewer is gone: it may be on its way back."""
MAX_VIEWERS = 500
MAX_SHOWN = 500
"""Open tasks of a snapshot."""


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
        stats: Callable[[], Awaitable[Stats]],
        fleet: Callable[[], list[DistributorShown]],
        attention: Callable[[], Awaitable[bytes]],
    ) -> None:
        self._store, self._coordinator, self._steady, self._stats = store, coordinator, steady, stats
        self._rows, self._attention = fleet, attention
        self.ring = Ring(fresh_id())
        self._viewers: set[Viewer] = set()
        self._watched: Counter[str] = Counter()
        """Tasks whose results somebody wants to hear of."""
        self._quiet_at: float | None = 0.0
        """When news are let go of, while nobody views; None: somebody does."""
        self._changed: dict[str, None] = {}  # in order, without repeats
        self._deleted: dict[str, None] = {}
        self._is_fleet_changed = False
        self._last_stats = self._last_attention = ""

    def note(self, command: Announce) -> None:
        """Remember that something changed."""
        if not self._is_listened_to:
            return
        if command.topic == "task":
            self._changed[command.task] = None
        elif command.topic == "task-deleted":
            self._changed.pop(command.task, None)
            self._deleted[command.task] = None
        else:
            self._is_fleet_changed = True

    async def open(self, topics: Topics, last_id: str = "") -> Viewer:
        """Return a new viewer: told first what it missed since ``last_id``, else how things stand.

        Raises:
            TooManyViewers: There are ``MAX_VIEWERS`` already.
            StoreUnavailable: The manager waits for its database.
            BadRequest: Results are to be heard of, and the database keeps no journal.
        """
        self._make_sure_of_room()
        self._listen()
        mark, viewer = self.ring.last, Viewer(topics)
        first = self._missed(last_id)
        if first is None:
            first = await self._snapshot(topics, bool(last_id), mark)
        if "attention" in topics.names:  # it is made for those who want it alone, so who missed some is told it anew
            first.append(News("attention", (await self._attention()).decode(), number=mark))
        results = [await self._results(task) for task in topics.of("results")]
        self._make_sure_of_room()  # others came in while this one's news were looked up
        viewer.offer([*first, *(one for one in results if one is not None)])
        viewer.told = mark
        viewer.offer(self.ring.since(mark) or [])  # what came meanwhile
        self._viewers.add(viewer)
        self._watched.update(topics.of("results"))
        self._quiet_at = None
        return viewer

    def close(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._forget({viewer} & self._viewers)

    def close_all(self) -> None:
        """End every stream; the service stops."""
        for viewer in self._viewers:
            viewer.end()
        self._forget(set(self._viewers))

    async def run(self) -> None:
        """Tell the viewers until cancelled."""
        while True:
            await asyncio.sleep(PERIOD_S)
            if self._is_listened_to:
                await self._round()

    @property
    def _is_listened_to(self) -> bool:
        return self._quiet_at is None or self._steady() < self._quiet_at

    def _listen(self) -> None:
        """Note what changes from now on, if that was not noted until now."""
        if not self._is_listened_to:
            self.ring.tear()
            self._changed.clear()
            self._deleted.clear()
        if self._quiet_at is not None:
            self._quiet_at = self._steady() + LINGER_S

    def _make_sure_of_room(self) -> None:
        if len(self._viewers) >= MAX_VIEWERS:
            raise TooManyViewers(f"{MAX_VIEWERS} live feeds are open already")

    def _missed(self, last_id: str) -> list[News] | None:
        """Return what came after an id, or None when that cannot be told."""
        number = self.ring.number_of(last_id)
        missed = None if number is None else self.ring.since(number)
        found = None if missed is None else newest(missed)
        return found if found is not None and len(found) <= MAX_QUEUED // 2 else None

    def _forget(self, viewers: set[Viewer]) -> None:
        self._viewers -= viewers
        for viewer in viewers:
            self._watched -= Counter(viewer.topics.of("results"))
        if not self._viewers and self._quiet_at is None:
            self._quiet_at = self._steady() + LINGER_S

    async def _round(self) -> None:
        """Gather what changed and tell it."""
        begun = self.ring.last
        results: list[News] = []
        await self._look()
        with contextlib.suppress(UnavailableError):  # what is not told yet is kept for when the database is back
            await self._gather(results)
        news = [*(self.ring.since(begun) or []), *results]
        self._forget({viewer for viewer in self._viewers if not viewer.offer(news)})

    async def _look(self) -> None:
        """Tell what to look at, when somebody wants to know and it is something else by now."""
        if any("attention" in viewer.topics.names for viewer in self._viewers):
            told = (await self._attention()).decode()
            if told != self._last_attention:
                self._last_attention = told
                self.ring.push("attention", told)

    async def _gather(self, results: list[News]) -> None:
        stats = _encoded(await self._stats())
        for task in list(self._deleted):
            self.ring.push("task-deleted", _encoded({"id": task}), task)
            del self._deleted[task]
        if self._is_fleet_changed:
            self.ring.push("fleet", self._fleet())
            self._is_fleet_changed = False
        if stats != self._last_stats:
            self._last_stats = stats
            self.ring.push("stats", stats)
        for task in list(self._changed)[: MAX_QUEUED // 4]:
            del self._changed[task]
            try:
                item = await self._item(task)
                watched = await self._results(task) if task in self._watched else None
            except UnavailableError:
                self._changed[task] = None
                raise
            if item is not None:
                self.ring.push("task", _encoded(item), task)
            results += [watched] if watched is not None else []

    async def _snapshot(self, topics: Topics, is_reset: bool, mark: int) -> list[News]:
        """Return how things stand; to one that knew something before first that it is to forget that.

        Args:
            mark: Number of the news up to which all is in it.
        """
        stats, fleet, tasks = await self._stats(), self._fleet(), list[tuple[str, str, str]]()
        if is_reset and "tasks" in topics.names:
            views = self._coordinator().task_views(self._steady())[:MAX_SHOWN]
            items = [task_item(view.record, view) for view in reversed(views)]
            tasks = [("task", _encoded(item), item.id) for item in items]
        for task in topics.of("task"):
            found = await self._item(task)
            is_gone = found is None
            tasks.append(("task-deleted" if is_gone else "task", _encoded({"id": task} if is_gone else found), task))
        reset = [("reset", _encoded({}), "")] if is_reset else []
        rows = [*reset, ("fleet", fleet, ""), ("stats", _encoded(stats), ""), *tasks]
        return [News(event, data, task, mark) for event, data, task in rows]

    async def _item(self, task: str) -> TaskItem | None:
        view = self._coordinator().task_view(task, self._steady())
        if view is not None:
            return task_item(view.record, view)
        record = await self._store.task(task)
        return None if record is None else task_item(record)

    async def _results(self, task: str) -> News | None:
        """Return how far a task's results are."""
        item = await self._item(task)
        if item is None:
            return None
        cursor = (await journal_of(self._store).head(task)).text()
        return News(
            "results", _encoded(ResultsNews(task=task, done=item.done, failed=item.failed, cursor=cursor)), task
        )

    def _fleet(self) -> str:
        return _encoded(DistributorList(items=self._rows()))


def _encoded(data: Any) -> str:
    return msgspec.json.encode(data).decode()
