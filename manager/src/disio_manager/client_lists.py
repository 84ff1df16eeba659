"""Lists of the clients of all distributors.

Rule: as many distributors are asked as it takes to fill a page, a few at a time, and who has no answer is told of.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from disio_manager.questions import Questions
from disio_shared.messages import ClientRows

AT_ONCE = 16
"""Distributors that one caller asks at a time."""


class Asked(NamedTuple):
    """What one distributor told; None: it did not answer."""

    distributor: str
    rows: ClientRows | None


async def ask_all(questions: Questions, distributors: Sequence[str], after: str, limit: int) -> list[Asked]:
    """Return what distributors tell, in their order, until there are enough rows or nobody is left to ask.

    Args:
        questions: Where to ask.
        distributors: Ids; of the first only clients above ``after`` are asked for.
        after: Id of a client, or empty.
        limit: Rows that are enough, at least 1.

    Raises:
        TooManyQuestions: Too much is asked already.
    """
    found: list[Asked] = []
    left = limit
    for begin in range(0, len(distributors), AT_ONCE):
        part = distributors[begin : begin + AT_ONCE]
        wave = [questions.clients(each, after if begin + at == 0 else "", limit) for at, each in enumerate(part)]
        for distributor, rows in zip(part, await asyncio.gather(*wave), strict=True):
            found.append(Asked(distributor, rows))
            left -= len(rows.ids) if rows is not None else 0
            if left <= 0:
                return found
    return found
