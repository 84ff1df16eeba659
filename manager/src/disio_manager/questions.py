"""Questions to distributors that people ask, and their answers.

Rule: nothing of it reaches the core. A distributor has two seconds to answer; one that does not, or does not speak it,
has no answer, and nobody waits longer for it.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import NamedTuple

from disio_shared.errors import UnavailableError
from disio_shared.messages import ClientRows, FetchStory, ListClients, Story

ANSWER_S = 2.0
MAX_OPEN = 64
"""Questions at a time, of all callers together."""
CLIENTS, MATCHING, STORY = "clients", "matching", "story"
"""What a distributor may say it speaks (``Join.speaks``)."""
Question = ListClients | FetchStory
Answer = ClientRows | Story
Tell = Callable[[str, str, Question], bool]


class Wanted(NamedTuple):
    """Which clients are asked for; empty = any."""

    kind: str = ""
    state: str = ""
    text: str = ""


EVERY = Wanted()


class TooManyQuestions(UnavailableError):
    """Distributors are being asked for other callers."""

    code = "too-many-questions"


class Questions:
    """Questions that are not answered yet.

    Args:
        tell: Sends to a distributor; False when it is not here, or does not speak that.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._numbers = count(1)
        self._open: dict[tuple[str, int], asyncio.Future[Answer]] = {}

    def take(self, distributor: str, answer: Answer) -> None:
        """Take an answer in; one that nobody waits for any more is dropped."""
        waiting = self._open.get((distributor, answer.request))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def clients(self, distributor: str, after: str, limit: int, wanted: Wanted = EVERY) -> ClientRows | None:
        """Return clients of a distributor that match and whose ids come after one, and how many match.

        Raises:
            TooManyQuestions: Too much is asked already.
        """
        spoken = CLIENTS if wanted == EVERY else MATCHING
        make = partial(ListClients, after=after, limit=limit, kind=wanted.kind, state=wanted.state, text=wanted.text)
        found = await self._ask(distributor, spoken, make)
        return found if isinstance(found, ClientRows) else None

    async def story(self, distributor: str, task: str, index: int) -> Story | None:
        """Return what a distributor knows of a payload that it holds.

        Raises:
            TooManyQuestions: Too much is asked already.
        """
        found = await self._ask(distributor, STORY, partial(FetchStory, task=task, index=index))
        return found if isinstance(found, Story) else None

    async def _ask(self, distributor: str, spoken: str, make: Callable[..., Question]) -> Answer | None:
        if len(self._open) >= MAX_OPEN:
            raise TooManyQuestions(f"{MAX_OPEN} questions to distributors are open already")
        key = distributor, next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[key] = answer
        try:
            if not self._tell(distributor, spoken, make(request=key[1])):
                return None
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._open[key]
