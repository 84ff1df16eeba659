"""Keeping an eye on the cache: how full it is, and whether what it keeps survives.

Rule: a cache in trouble is the core's shell's business; here it only means that nothing is measured.
"""

import asyncio
import contextlib
from collections.abc import Callable

from disio_distributor.core.events import Event, SpaceSeen
from disio_distributor.stores.base import ServingCache
from disio_shared.errors import StoreUnavailable
from disio_shared.logs import logger

SPACE_S = 2.0
"""Between two measurements of space."""
DURABILITY_EVERY = 15
"""Measurements of space between two questions about durability: somebody may change a server's settings."""
FULL = "full"

log = logger("distributor.cache")


class CacheKeeper:
    """Measures a cache.

    Args:
        cache: Whose space it is.
        limit: Bytes that the cache may take, if the disk has as much.
    """

    def __init__(self, cache: ServingCache, limit: int) -> None:
        self._cache, self._limit = cache, limit
        self.durability = FULL
        """``full``, or in a sentence why acknowledged results may be lost."""

    async def measure(self) -> SpaceSeen:
        """Return how full the cache is.

        Raises:
            StoreUnavailable: It does not answer.
        """
        used, room = await self._cache.used_bytes(), await self._cache.room()
        return SpaceSeen(used, min(self._limit, used + room))

    async def check_durability(self) -> None:
        """Ask how durable the cache is; a change is logged.

        Raises:
            StoreUnavailable: It does not answer.
        """
        durability = await self._cache.durability()
        if durability != self.durability and durability == FULL:
            log.info("acknowledged results are safe now")
        elif durability != self.durability:
            log.warning("acknowledged results may be lost", reason=durability)
        self.durability = durability

    async def run(self, post: Callable[[Event], bool]) -> None:
        """Measure until cancelled."""
        rounds = 0
        while True:
            with contextlib.suppress(StoreUnavailable):
                if rounds % DURABILITY_EVERY == 0:
                    await self.check_durability()
                post(await self.measure())
            rounds += 1
            await asyncio.sleep(SPACE_S)
