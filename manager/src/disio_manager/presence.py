"""One manager per database: whoever came first stays, a later one is refused by name.

Rule: a manager that was killed blocks nobody for longer than ``ALIVE_S``, and its own data directory never.
"""

import asyncio

from disio_manager.stores.base import ManagerEntry, ManagerRegistry
from disio_shared.clock import Clock
from disio_shared.errors import ConflictError, StoreUnavailable

BEAT_S = 5.0
ALIVE_S = 15.0
"""A manager that was not seen for so long is gone."""


class DatabaseShared(ConflictError):
    """Another manager serves this database; this version keeps blocks in one manager's memory."""

    code = "database-shared"

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            f"another manager ({url}) serves this database, and one is the limit so far; "
            f"stop it, or wait {ALIVE_S:.0f} s if it was killed"
        )


class Presence:
    """This manager's entry in the database's registry.

    Args:
        manager: Id that stays the same over restarts on one data directory.
        url: Where people find it.
    """

    def __init__(self, registry: ManagerRegistry, manager: str, url: str, clock: Clock) -> None:
        self._registry, self._manager, self._url, self._clock = registry, manager, url, clock
        self._since = clock.wall()

    async def claim(self) -> None:
        """Enlist.

        Raises:
            DatabaseShared: Somebody alive was here before.
            StoreUnavailable: The database does not answer.
        """
        await self._enlist()
        earlier = [other for other in await self._registry.managers() if self._is_before(other)]
        if earlier:
            await self._registry.strike_off(self._manager)
            raise DatabaseShared(earlier[0].url)

    async def keep(self) -> None:
        """Stay enlisted until cancelled; a database that is away is waited for."""
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await self._enlist()
            except StoreUnavailable:
                continue

    async def leave(self) -> None:
        """Take the entry back, as far as the database answers."""
        try:
            await self._registry.strike_off(self._manager)
        except StoreUnavailable:
            return

    async def _enlist(self) -> None:
        await self._registry.enlist(ManagerEntry(self._manager, self._url, self._since, self._clock.wall()))

    def _is_before(self, other: ManagerEntry) -> bool:
        """Tell whether another manager is alive and came first; ids decide between equals."""
        is_alive = other.seen > self._clock.wall() - ALIVE_S
        return other.id != self._manager and is_alive and (other.since, other.id) < (self._since, self._manager)
