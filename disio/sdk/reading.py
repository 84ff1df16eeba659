"""Reading a task's results while they come.

Rule: each result is given once; a manager that is away is waited for; memory holds one batch.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from disio.patience import Patience
from disio.rest import ManagerClient
from disio.sdk.arriving import BATCH, BATCH_BYTES, Arrivals
from disio.sdk.errors import TaskFailed
from disio.sdk.shapes import Failure, Result, TaskInfo, failure_of, info_of, result_of
from disio.submitting.gaps import Choice, InOrder
from disio_shared.errors import ManagerUnreachable

Order = Literal["index", "completed", "none"]
"""``index``: of the payloads; ``completed``: as they come; ``none``: as they come, in large portions."""
LEAST_POLL_S, MOST_POLL_S = 0.02, 0.5
PORTION_POLL_S = 5.0
"""Seconds between two looks where no order is wanted."""
SHOWN = 3
"""Failures that are read to tell of them."""


class Link:
    """A manager, and how long it may be away.

    Args:
        manager: Answers.
        patience_s: Seconds.
    """

    def __init__(self, manager: ManagerClient, patience_s: float) -> None:
        self.manager, self.patience_s = manager, patience_s

    def patience(self) -> Patience:
        """Return a new count of the time without an answer."""
        return Patience(self.patience_s)

    async def look(self, task: str) -> TaskInfo:
        """Return a task as it is."""
        return info_of(await self.manager.task(task, with_payloads=False))

    async def failures(self, task: str, start: int, limit: int) -> list[Failure]:
        """Return payloads that failed, in index order."""
        return [failure_of(item) for item in await self.manager.failures(task, start, limit)]

    async def refuse_partial(self, info: TaskInfo) -> None:
        """Return when a task is done.

        Raises:
            TaskFailed: It ended otherwise.
        """
        if info.state != "done":
            shown = await self.patience().ask(lambda: self.failures(info.id, 0, SHOWN)) if info.failed else []
            raise TaskFailed(info.id, info.state, info.failed, info.total, shown)


class Rhythm:
    """How long to wait between two looks: a tenth of the time that it has taken so far, and at most half of all time.

    Args:
        most_s: The longest wait in seconds.
    """

    def __init__(self, most_s: float = MOST_POLL_S) -> None:
        self._most_s = most_s
        self._began = asyncio.get_running_loop().time()

    async def rest(self, spent_s: float) -> None:
        """Wait for the next look; the last one took so many seconds."""
        so_far = asyncio.get_running_loop().time() - self._began
        await asyncio.sleep(max(LEAST_POLL_S, min(self._most_s, so_far / 10), spent_s))


class Reader:
    """Reads one task.

    Args:
        link: Has it.
        info: It, as it was seen last.
        order: Of results.
        start: The first payload whose result is wanted.
        cursor: Of an earlier reading; what came before it is not wanted. Not for the order of payloads.
    """

    def __init__(self, link: Link, info: TaskInfo, order: Order, start: int = 0, cursor: str = "") -> None:
        self._link, self.info = link, info
        self._patience = link.patience()
        self._most_s = PORTION_POLL_S if order == "none" else MOST_POLL_S
        self._wanted = InOrder(info.total, start) if order == "index" else None
        self._start, self.cursor = start, cursor

    def batches(self) -> AsyncGenerator[list[Result], None]:
        """Yield results until the task is over and all of them were given.

        Raises:
            NotFound: The task was deleted.
            InvalidRequest: The cursor is none.
            ManagerUnreachable: Nothing was heard for too long.
        """
        return self._as_they_came() if self._wanted is None else self._by_index(self._wanted)

    async def answers(self) -> AsyncGenerator[list[Result | Failure], None]:
        """Yield results, and what failed for good, as they come until the task is over; raises what ``batches`` does.

        A payload that failed and was tried again may be told of twice: as failed, and with its result.
        """
        arrivals = self._arrivals(with_failures=True)
        async with aclosing(self._pages(arrivals)) as batches:
            async for batch in batches:
                yield batch

    async def _as_they_came(self) -> AsyncGenerator[list[Result], None]:
        arrivals = self._arrivals(with_failures=False)
        async with aclosing(self._pages(arrivals)) as batches:
            async for batch in batches:
                yield [each for each in batch if isinstance(each, Result)]
        self.cursor = arrivals.cursor

    def _arrivals(self, with_failures: bool) -> Arrivals:
        manager, task = self._link.manager, self.info.id
        return Arrivals(manager, task, self._patience, self._start, self.cursor, with_failures)

    async def _pages(self, arrivals: Arrivals) -> AsyncGenerator[list[Result | Failure], None]:
        """Read pages until an empty one of a task that is over; look at the task now and then, and at the end."""
        rhythm, clock = Rhythm(self._most_s), asyncio.get_running_loop().time
        seen_at = clock()
        while True:
            began, taking_s = clock(), 0.0
            async with aclosing(arrivals.page()) as batches:
                async for batch in batches:
                    given = clock()
                    yield batch
                    taking_s += clock() - given
                    self.cursor = arrivals.cursor
            self.cursor = arrivals.cursor
            is_at_end = arrivals.is_over and not arrivals.rows
            if is_at_end or (arrivals.rows and clock() - seen_at >= MOST_POLL_S):
                self.info, seen_at = await self._patience.ask(lambda: self._link.look(self.info.id)), clock()
            if is_at_end and self.info.is_over:
                return
            if not (arrivals.is_large or (arrivals.is_over and arrivals.rows)):
                await rhythm.rest(clock() - began - taking_s)

    async def _by_index(self, wanted: InOrder) -> AsyncGenerator[list[Result], None]:
        async with aclosing(self._looks()) as looks:
            async for has_news in looks:
                wanted.grow(self.info.total)
                if has_news or self.info.is_over:
                    async with aclosing(self._new(wanted, self.info.is_over)) as batches:
                        async for batch in batches:
                            yield batch

    async def _looks(self) -> AsyncGenerator[bool, None]:
        """Look at the task until it is over; yield whether more of its payloads are closed than before."""
        rhythm, clock = Rhythm(self._most_s), asyncio.get_running_loop().time
        closed = (0, 0)
        while True:
            began = clock()
            self.info = await self._patience.ask(lambda: self._link.look(self.info.id))
            spent, news = clock() - began, (self.info.done, self.info.failed)
            has_news, closed = news != closed, news
            yield has_news
            if self.info.is_over:
                return
            await rhythm.rest(spent)

    async def _new(self, wanted: InOrder, is_over: bool) -> AsyncGenerator[list[Result], None]:
        """Yield what is there of what is wanted; gone on with where it broke off if the manager goes away."""
        while True:
            try:
                for start, stop in wanted.spans():
                    async with aclosing(self._span(wanted, start, stop, is_over)) as batches:
                        async for batch in batches:
                            yield batch
            except ManagerUnreachable as error:
                await self._patience.wait(error)
            else:
                self._patience.heard()
                return

    async def _span(self, wanted: InOrder, start: int, stop: int, is_over: bool) -> AsyncGenerator[list[Result], None]:
        batch: list[Result] = []
        size = 0
        try:
            async with aclosing(self._link.manager.raw_results(self.info.id, start, stop - start)) as lines:
                async for line in lines:
                    found = result_of(line, self.info.id)
                    choice = _choice(wanted, found.index, stop, is_over)
                    if choice.is_enough:
                        break
                    if choice.places:
                        batch.append(found)
                        size += len(line)
                    if len(batch) >= BATCH or size >= BATCH_BYTES:
                        yield batch
                        batch, size = [], 0
        except ManagerUnreachable:
            if batch:
                yield batch  # they are not asked for again
            raise
        if batch:
            yield batch


def _choice(wanted: InOrder, index: int, stop: int, is_over: bool) -> Choice:
    return Choice([], True) if index >= stop else wanted.choose((index,), is_over)
