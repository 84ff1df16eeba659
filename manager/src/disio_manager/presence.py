"""This manager's own entry in the registry of a shared database: a beat that grows while the manager lives.

Rule: a manager whose beat could not be written for ``ALIVE_S`` counts itself as gone, as the others do: it loads its
memory anew before it decides anything.
"""

import asyncio
from collections.abc import Callable

from disio_manager.stores.base import ManagerEntry, ManagerRegistry
from disio_shared.clock import Clock
from disio_shared.errors import StoreUnavailable

BEAT_S = 2.0
"""Seconds between two renewals."""
ALIVE_S = 15.0
"""A manager whose beat stood still for so long is gone."""


class Lapsed(StoreUnavailable):
    """This manager's entry was not renewed in time."""

    code = "lapsed"

    def __init__(self) -> None:
        super().__init__("database", f"not reached for {ALIVE_S:g} s: other managers may have taken this one for gone")


class Presence:
    """This manager's entry.

    Args:
        manager: Id that stays the same over restarts on one data directory.
        url: Where people and distributors find it.
    """

    def __init__(self, registry: ManagerRegistry, manager: str, url: str, clock: Clock) -> None:
        self.manager, self.url, self.since = manager, url, clock.wall()
        self._registry, self._clock = registry, clock
        self._beat = 0
        self._renewed = float("-inf")
        self._has_lapsed = True

    def has_lapsed(self) -> bool:
        """Tell whether others may have taken this manager for gone since ``begin``."""
        self._has_lapsed = self._has_lapsed or self.age_s() >= ALIVE_S
        return self._has_lapsed

    def age_s(self) -> float:
        """Return the seconds since the last renewal."""
        return self._clock.steady() - self._renewed

    async def begin(self) -> None:
        """Enlist, just before memory is loaded: that load sees whatever others took until now.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        await self._renew()
        self._has_lapsed = False

    async def keep(self, on_lapse: Callable[[], object]) -> None:
        """Stay enlisted until cancelled; a database that is away is waited for.

        Args:
            on_lapse: Told, again and again until ``begin``, that the entry was not renewed in time.
        """
        while True:
            await asyncio.sleep(BEAT_S)
            await self.beat(on_lapse)

    async def beat(self, on_lapse: Callable[[], object]) -> None:
        """Renew the entry once, as far as the database answers."""
        if self.has_lapsed():
            on_lapse()
        try:
            await self._renew()
        except StoreUnavailable:
            return

    async def leave(self) -> None:
        """Take the entry back, as far as the database answers: others take over at once."""
        try:
            await self._registry.strike_off(self.manager)
        except StoreUnavailable:
            return

    async def _renew(self) -> None:
        began = self._clock.steady()
        self._beat += 1
        await self._registry.enlist(ManagerEntry(self.manager, self.url, self.since, self._beat))
        self.has_lapsed()
        self._renewed = began
