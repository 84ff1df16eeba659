"""Visits, kept and told: the shell around ``core.visits``.

Rule: save, then send; what is sent is whole rows, so a repeat or a late one changes nothing at a manager.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from disio_distributor.core.visits import Visits
from disio_shared.clock import Clock
from disio_shared.errors import StoreUnavailable
from disio_shared.messages import SiteDay, Sites

PERIOD_S = 2.0
WHOLE_S = 600.0
"""How often managers are told everything, whatever they know."""
HEARS = "sites"


class SiteCache(Protocol):
    """Where rows are kept."""

    async def site_days(self) -> list[SiteDay]:
        """Return all rows."""
        ...

    async def put_site_days(self, rows: list[SiteDay], oldest: int) -> None:
        """Keep rows in place of those of their site and day, and drop those of days before ``oldest``."""
        ...


class Hearers(Protocol):
    """The managers."""

    def hearers(self, word: str) -> dict[str, int]:
        """Return the links of managers that hear something, each with the number of its session."""
        ...

    def tell(self, link: str, message: Sites) -> None:
        """Send a message over a link, or drop it."""
        ...


class Visiting:
    """Counts, and tells.

    Args:
        cache: Where rows are kept.
        clock: Steady time for visits, wall time for days.
        loader: Returns path and integrity of the loader.
    """

    def __init__(self, cache: SiteCache, clock: Clock, loader: Callable[[], tuple[str, str]]) -> None:
        self._cache, self._clock, self._loader = cache, clock, loader
        self._visits = Visits([])
        self._managers: Hearers | None = None
        self._sessions: dict[str, int] = {}
        self._active: dict[str, int] = {}
        self._whole_at = float("-inf")
        self._running: asyncio.Task[None] | None = None

    async def start(self, managers: Hearers) -> None:
        """Go on from what was kept.

        Raises:
            StoreUnavailable: The cache does not answer.
        """
        self._managers = managers
        self._visits = Visits(await self._cache.site_days())
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End all visits, and tell of them."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
            self._running = None
            await self.round(is_last=True)

    def opened(self, origin: str) -> None:
        """Count a consent frame that was fetched."""
        self._visits.opened(origin, self._clock.wall())

    def answered(self, origin: str, answer: str) -> None:
        """Count what a visitor answered."""
        self._visits.answered(origin, answer, self._clock.wall())

    def came(self, client: str, origin: str, name: str) -> None:
        """Begin a visit."""
        self._visits.came(client, origin, name, self._clock.steady(), self._clock.wall())

    def went(self, client: str) -> None:
        """Note that a visitor's connection ended."""
        self._visits.went(client, self._clock.steady())

    def worked(self, client: str, units: int, seconds: float) -> None:
        """Count results of a visitor."""
        self._visits.worked(client, units, seconds, self._clock.wall())

    async def round(self, is_last: bool = False) -> None:
        """Save what changed, then tell it."""
        wall = self._clock.wall()
        self._visits.tick(self._clock.steady(), wall, is_last)
        rows = self._visits.changed()
        if rows:
            try:
                await self._cache.put_site_days(rows, self._visits.oldest(wall))
            except StoreUnavailable:
                self._visits.again(rows)
                return
        self._tell(rows)

    def _tell(self, rows: list[SiteDay]) -> None:
        managers, now = self._managers, self._clock.steady()
        if managers is None:
            return
        is_due = now - self._whole_at >= WHOLE_S
        sessions, active = managers.hearers(HEARS), self._visits.active()
        path, integrity = self._loader()
        for link, session in sessions.items():
            is_whole = is_due or self._sessions.get(link) != session
            told = self._visits.rows() if is_whole else rows
            if is_whole or told or active != self._active:
                managers.tell(link, Sites(rows=told, active=active, loader=path, integrity=integrity))
        self._sessions, self._active = sessions, active
        if is_due:
            self._whole_at = now

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_S)
            await self.round()
