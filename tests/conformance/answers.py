"""The answers of all runners, computed side by side.

Rule: each runner goes through the cases that were asked for, one after the other; the runners work at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from .case import PLAIN, Answer, Case
from .together import FORM, joined, may_share, moved_back

Ask = tuple[str, str, str]
"""Runner, case, form."""


class Runner(Protocol):
    """Something that runs units as a client does."""

    runs_plain: bool
    """It can run a plain unit after each case, to show that it works on."""

    async def run(self, case: Case, form: str) -> Answer: ...


class Answers:
    """Answers to come.

    Args:
        asks: What will be wanted, in order.
        cases: By name.
        runners: How each runner is started, by its name.
    """

    def __init__(
        self,
        asks: Sequence[Ask],
        cases: dict[str, Case],
        runners: dict[str, Callable[[], AbstractAsyncContextManager[Runner]]],
    ) -> None:
        self._cases, self._runners = cases, runners
        loop = asyncio.get_running_loop()
        self._futures: dict[Ask, asyncio.Future[Answer]] = {ask: loop.create_future() for ask in asks}

    async def of(self, runner: str, case: str, form: str) -> Answer:
        """Return what this runner makes of this case.

        Raises:
            Exception: Why there is no answer.
        """
        return await asyncio.shield(self._futures[runner, case, form])

    @asynccontextmanager
    async def coming(self) -> AsyncIterator[Answers]:
        """Work at the answers while the context is open."""
        names = {runner for runner, _, _ in self._futures}
        tasks = [asyncio.create_task(self._work(name)) for name in sorted(names)]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for future in self._futures.values():
                future.cancel() if not future.done() else future.exception()

    async def _work(self, name: str) -> None:
        todo = [ask for ask in self._futures if ask[0] == name]
        try:
            async with self._runners[name]() as runner:
                shared = [ask for ask in todo if ask[2] == FORM and may_share(self._cases[ask[1]])]
                for ask, case in zip(shared, joined([self._cases[ask[1]] for ask in shared]), strict=True):
                    await self._settle(ask, self._shared(runner, case))
                for ask in todo:
                    if ask not in shared:
                        await self._settle(ask, self._alone(runner, ask))
        except Exception as error:  # every test of this runner tells it
            for ask in todo:
                if not self._futures[ask].done():
                    self._futures[ask].set_exception(error)

    async def _alone(self, runner: Runner, ask: Ask) -> Answer:
        answer = await runner.run(self._cases[ask[1]], ask[2])
        answer.works_on = (await runner.run(PLAIN, "js")).is_plain if runner.runs_plain else True
        return answer

    async def _shared(self, runner: Runner, case: Case) -> Answer:
        """A plain unit in between would end the realm; the next case shows as well that the client works on."""
        answer = moved_back(await runner.run(case, FORM), case.first_index)
        answer.works_on = True
        return answer

    async def _settle(self, ask: Ask, answering: Awaitable[Answer]) -> None:
        try:
            self._futures[ask].set_result(await answering)
        except Exception as error:  # that test tells it; the others go on
            self._futures[ask].set_exception(error)
