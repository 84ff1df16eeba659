"""Following a task to its end, and taking its results as they come.

Rule: a manager that is away is waited for, but not for ever; a result that was taken is not taken again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from disio.rest import ManagerClient, ResultLine
from disio.submitting.gaps import Wanted
from disio.submitting.progress import Screen, time_text
from disio_shared.backoff import Backoff
from disio_shared.errors import ManagerUnreachable
from disio_shared.taskdoc import OPEN_STATES

POLL_S = 0.5
STILL_S, STILL_LEASED_S = 10.0, 60.0
"""Seconds without any progress after which the manager is asked why: nothing is handed out, or something is."""
BATCH, BATCH_BYTES = 256, 8 << 20
"""Results, and bytes of results, that are taken at a time."""
FIRST_WAIT_S, MOST_WAIT_S = 0.25, 10.0
AnswerT = TypeVar("AnswerT")
Take = Callable[[list[ResultLine]], Awaitable[None]]
Seen = dict[str, Any]


class Patience:
    """Asks again while the manager is away.

    Args:
        limit_s: Seconds without an answer after which it gives up.
        say: Shows a line to a person.
    """

    def __init__(self, limit_s: float, say: Callable[[str], None]) -> None:
        self._limit_s, self._say = limit_s, say
        self._backoff = Backoff(FIRST_WAIT_S, MOST_WAIT_S, random.uniform)
        self._away_since: float | None = None

    async def ask(self, question: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """Return the answer to a question, however often it must be asked.

        Raises:
            ManagerUnreachable: Nothing was heard for too long.
        """
        while True:
            try:
                answer = await question()
            except ManagerUnreachable as error:
                await self._wait(error)
            else:
                self._heard()
                return answer

    async def _wait(self, error: ManagerUnreachable) -> None:
        now = asyncio.get_running_loop().time()
        if self._away_since is None:
            self._away_since = now
            self._say(f"{error}; waiting for it up to {time_text(self._limit_s)}")
        left = self._away_since + self._limit_s - now
        if left <= 0:
            raise error
        await asyncio.sleep(min(left, self._backoff.next_s()))

    def _heard(self) -> None:
        if self._away_since is not None:
            self._say("the manager is back")
        self._away_since = None
        self._backoff.reset()


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
            is_over = seen["state"] not in OPEN_STATES
            began = loop.time()
            if seen["done"] > self.taken:
                await self._patience.ask(lambda: self._collect(is_over))  # noqa: B023 - awaited here
            if is_over:
                return seen
            await self._explain_stillness(seen, loop.time())
            # Looking costs the manager something: at most half of the time goes into it.
            pause = max(POLL_S, loop.time() - began)
            await asyncio.sleep(pause)

    async def _look(self) -> tuple[Seen, int]:
        seen, stats = await self._manager.task(self._task), await self._manager.stats()
        return seen, int(stats.get("clients", 0))

    async def _collect(self, is_over: bool) -> None:
        """Take what is there of what is wanted."""
        for start, stop in self._wanted.spans():
            await self._collect_span(start, stop, is_over)

    async def _collect_span(self, start: int, stop: int, is_over: bool) -> None:
        batch: list[ResultLine] = []
        size = 0
        try:
            async with aclosing(self._manager.result_lines(self._task, start, stop - start)) as lines:
                async for found in lines:
                    answer = "stop" if found.i >= stop else self._wanted.accept(found.i, is_over)
                    if answer == "stop":
                        break
                    if answer == "skip":
                        continue
                    batch.append(found)
                    size += len(found.line)
                    if len(batch) >= BATCH or size >= BATCH_BYTES:
                        batch, size = await self._hand_over(batch), 0
        except ManagerUnreachable:
            await self._hand_over(batch)  # they are not asked for again
            raise
        await self._hand_over(batch)

    async def _hand_over(self, batch: list[ResultLine]) -> list[ResultLine]:
        """Have a batch taken; return the next one, empty."""
        if batch:
            await self._take(batch)
            self.taken += len(batch)
        return []

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
