"""Lists of the clients of all distributors.

Rule: every distributor is asked, a few at a time, for rows until a page is full and for its count in any case;
who has no answer is told of.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from disio_manager.questions import EVERY, Questions, Wanted
from disio_shared.messages import ClientRows

AT_ONCE = 16
"""Distributors that one caller asks at a time."""


class Asked(NamedTuple):
    """What one distributor told; None: it did not answer."""

    distributor: str
    rows: ClientRows | None


async def ask_all(
    questions: Questions, distributors: Sequence[str], after: str, limit: int, wanted: Wanted = EVERY
) -> list[Asked]:
    """Return what each distributor tells, in their order: rows until there are enough, and how many match of all.

    Args:
        questions: Where to ask.
        distributors: Ids; of the first only clients above ``after`` are asked for.
        after: Id of a client, or empty.
        limit: Rows that are enough, at least 1.
        wanted: Which clients match.

    Raises:
        TooManyQuestions: Too much is asked already.
    """
    found: list[Asked] = []
    left = limit
    for begin in range(0, len(distributors), AT_ONCE):
        part = distributors[begin : begin + AT_ONCE]
        rows = max(1 if wanted == EVERY else 0, left)  # an older one is asked for one row at least
        wave = [questions.clients(each, after if begin + at == 0 else "", rows, wanted) for at, each in enumerate(part)]
        for distributor, told in zip(part, await asyncio.gather(*wave), strict=True):
            found.append(Asked(distributor, told))
            left -= len(told.ids) if told is not None else 0
    return found
