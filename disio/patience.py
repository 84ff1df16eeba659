"""Asking a manager again while it is away.

Rule: only what may be asked twice is asked again, and nothing is asked for ever.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from disio.times import time_text
from disio_shared.backoff import Backoff
from disio_shared.errors import ManagerUnreachable

FIRST_WAIT_S, MOST_WAIT_S = 0.25, 10.0
LIMIT_S = 600.0
"""Seconds that a manager may be away while something is waited for."""
AnswerT = TypeVar("AnswerT")


class Patience:
    """Asks until there is an answer, or for too long.

    Args:
        limit_s: Seconds without any answer after which it gives up.
        say: Shows a line to a person: that the manager is away, and that it is back.
    """

    def __init__(self, limit_s: float = LIMIT_S, say: Callable[[str], object] = lambda line: None) -> None:
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
                await self.wait(error)
            else:
                self.heard()
                return answer

    async def wait(self, error: ManagerUnreachable) -> None:
        """Wait before the next try.

        Raises:
            ManagerUnreachable: Nothing was heard for too long.
        """
        now = asyncio.get_running_loop().time()
        if self._away_since is None:
            self._away_since = now
            self._say(f"{error}; waiting for it up to {time_text(self._limit_s)}")
        left = self._away_since + self._limit_s - now
        if left <= 0:
            raise error
        await asyncio.sleep(min(left, self._backoff.next_s()))

    def heard(self) -> None:
        """Note that the manager is there."""
        if self._away_since is not None:
            self._say("the manager is back")
        self._away_since = None
        self._backoff.reset()
