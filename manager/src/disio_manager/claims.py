"""Claims of stretches in a shared database, under way beside the core.

Rule: every claim that was started ends in one StretchClaimed; one that is under way already is not started twice.
"""

import asyncio
from collections.abc import Awaitable, Callable

from disio_manager.core.commands import Claim
from disio_manager.core.events import StretchClaimed
from disio_manager.core.records import StretchRecord
from disio_manager.stores.base import SharedStore
from disio_shared.clock import Clock
from disio_shared.errors import StoreUnavailable
from disio_shared.logs import logger

MAX_AT_ONCE = 8
"""Claims that the database works on at a time; the core has at most one of each task, the rest wait for their turn."""


class Claims:
    """Claims under way.

    Args:
        tell: Hands an event to the core, however long that takes.
    """

    def __init__(
        self,
        store: SharedStore,
        clock: Clock,
        tell: Callable[[StretchClaimed], Awaitable[None]],
    ) -> None:
        self._store, self._clock, self._tell = store, clock, tell
        self._keys: set[tuple[str, int]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)
        self._log = logger("manager.claims")

    def start(self, command: Claim) -> None:
        """Begin a claim, unless the same one is under way."""
        key = (command.stretch.task, command.stretch.start)
        if key in self._keys:
            return
        self._keys.add(key)
        task = asyncio.create_task(self._claim(command.stretch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _claim(self, stretch: StretchRecord) -> None:
        stretches = await self._tried(stretch)
        # Over before the core hears of it, since the core may want the same again when it does.
        self._keys.discard((stretch.task, stretch.start))
        await self._tell(StretchClaimed(stretch.task, stretches, self._clock.wall()))

    async def _tried(self, stretch: StretchRecord) -> list[StretchRecord]:
        async with self._turns:
            try:
                return await self._store.claim(stretch)
            except StoreUnavailable as error:
                self._log.warning("payloads could not be claimed", task=stretch.task, problem=str(error))
                return []
