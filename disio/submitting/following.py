"""Following a task to its end, and taking its results as they come.

Rule: a manager that is away is waited for, but not for ever; a result that was taken is not taken again.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from disio.patience import Patience
from disio.rest import ManagerClient, RestProblem, ResultLine
from disio.submitting.gaps import AsTheyCome, Wanted
from disio.submitting.progress import Screen
from disio_shared.taskdoc import OPEN_STATES

POLL_S = 0.5
STILL_S, STILL_LEASED_S = 10.0, 60.0
"""Seconds without any progress after which the manager is asked why: nothing is handed out, or something is."""
BATCH = 4_096
"""Results that are taken at a time."""
PAGE = 10_000
"""Results that are asked for at a time, in the order in which they came."""
NO_JOURNAL = 400
Take = Callable[[list[ResultLine]], Awaitable[None]]
Seen = dict[str, Any]


class Follower:
    """Follows one task.

    Args:
        manager: Has the task.
        task: Its id.
        wanted: Which results are still to be taken.
        take: Takes results for good.
        screen: Where progress is shown.
        patience: For a manager that is away.
    """

    def __init__(
        self, manager: ManagerClient, task: str, wanted: Wanted, take: Take, screen: Screen, patience: Patience
    ) -> None:
        self._manager, self._task, self._wanted, self._take = manager, task, wanted, take
        self._screen, self._patience = screen, patience
        self.taken = 0
        """Results that were taken."""
        self.cursor: str | None = "" if isinstance(wanted, AsTheyCome) else None
        """What came before it was taken; None = results are found by their gaps."""
        self.is_partial = False
        """It ends when all that is wanted is taken, not only with the task."""
        self.is_matched = False
        """Results that the task searches for are wanted, and no others."""
        self._still_since: float | None = None
        self._last: tuple[int, int] = (-1, -1)

    async def follow(self) -> Seen:
        """Return the task as it ended, when all its results are taken.

        Raises:
            RestProblem: The task is deleted.
            ManagerUnreachable: Nothing was heard for too long.
        """
        loop = asyncio.get_running_loop()
        pause = POLL_S
        while True:
            seen, clients = await self._patience.ask(self._look)
            self._screen.show(seen, clients)
            if not self.is_partial:
                self._wanted.grow(seen["total"])
            is_over = seen["state"] not in OPEN_STATES
            began = loop.time()
            there = int(seen["matched" if self.is_matched else "done"])
            if there > self.taken:
                await self._patience.ask(lambda: self._collect(there, is_over))  # noqa: B023 - awaited here
            if is_over or (self.is_partial and not self._wanted.spans()):
                return seen
            await self._explain_stillness(seen, loop.time())
            # Looking costs the manager something: at most half of the time goes into it.
            pause = max(POLL_S, loop.time() - began)
            await asyncio.sleep(pause)

    async def take_what_is_there(self) -> None:
        """Take what is wanted and there now, in index order.

        Raises:
            RestProblem: The task is deleted.
            ManagerUnreachable: Nothing was heard for too long.
        """
        await self._patience.ask(lambda: self._collect_gaps(True))

    async def _look(self) -> tuple[Seen, int]:
        seen, stats = await self._manager.task(self._task, with_payloads=False), await self._manager.stats()
        return seen, int(stats.get("clients", 0))

    async def _collect(self, there: int, is_over: bool) -> None:
        """Take what is there of what is wanted: what is new, and at the end whatever was not among that."""
        if self.cursor is not None:
            await self._collect_new()
        if self.cursor is None or (is_over and there > self.taken):
            await self._collect_gaps(is_over)

    async def _collect_new(self) -> None:
        """Take what came since the last time; a database that does not know is asked for gaps from then on."""
        count = PAGE
        while count and self.cursor is not None:
            ends: list[str] = []
            batches = self._manager.finished_batches(
                self._task,
                self.cursor,
                PAGE,
                lambda headers: ends.append(headers.get("X-Cursor", "")),  # noqa: B023
            )
            try:
                count = await self._take_batches(batches, None, is_over=False)
            except RestProblem as problem:
                if problem.status != NO_JOURNAL:
                    raise
                ends = []
            self.cursor = ends[0] if ends and ends[0] else None

    async def _collect_gaps(self, is_over: bool) -> None:
        for start, stop in self._wanted.spans():
            batches = self._manager.result_batches(self._task, start, stop - start, self.is_matched)
            await self._take_batches(batches, stop, is_over)

    async def _take_batches(
        self, batches: AsyncGenerator[list[ResultLine], None], stop: int | None, is_over: bool
    ) -> int:
        """Take those results that are wanted, up to an index; return how many there were."""
        count = 0
        async with aclosing(batches):
            async for batch in batches:
                indexes = [found.i for found in batch]
                here = len(indexes) if stop is None else bisect_left(indexes, stop)
                choice = self._wanted.choose(indexes[:here], is_over)
                count += here
                await self._hand_over([found for a, b in choice.places for found in batch[a:b]])
                if choice.is_enough or here < len(indexes):
                    break
        return count

    async def _hand_over(self, chosen: list[ResultLine]) -> None:
        """Have results taken, which are not asked for again."""
        for at in range(0, len(chosen), BATCH):
            batch = chosen[at : at + BATCH]
            await self._take(batch)
            self.taken += len(batch)

    async def _explain_stillness(self, seen: Seen, now: float) -> None:
        """Say once in a stillness why nothing happens."""
        numbers = seen["done"] + seen["failed"], seen["leased"]
        patience_s = STILL_LEASED_S if seen["leased"] else STILL_S
        if numbers != self._last:
            self._last, self._still_since = numbers, now
        elif self._still_since is not None and now - self._still_since >= patience_s:
            self._still_since = None
            answer = await self._patience.ask(lambda: self._manager.explain(self._task))
            for sentence in answer["sentences"]:
                self._screen.say(f"  {sentence}")
