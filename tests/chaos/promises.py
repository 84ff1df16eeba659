"""Whether what was acknowledged to volunteers is what the manager gives out in the end.

Rule: each computation of a payload has a value of its own, so a result that was lost and computed again shows.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any

from disio.rest import ManagerClient
from tests.chaos.outside import Outside
from tests.chaos.volunteer import square_plus_7


def told_apart(padding: int = 0) -> Callable[[Any], Any]:
    """Return a function that never returns the same twice: the answer, which computation it was, and some bytes."""
    numbers = itertools.count()
    text = "x" * padding
    return lambda payload: [square_plus_7(payload), next(numbers), text]


async def kept(rest: ManagerClient, outside: Outside, task: str, total: int) -> None:
    """Assert that a task's export is whole and right, and that it holds every result that was acknowledged as counted.

    The task's payloads are the numbers from 0 on, computed by `told_apart`, without redundancy.
    """
    rows = [row async for row in rest.results(task)]
    assert [row["i"] for row in rows] == list(range(total)), f"{len(rows)} rows of {total}"
    assert [row["result"][0] for row in rows] == [square_plus_7(n) for n in range(total)]
    exported = [row["result"][1] for row in rows]
    promised = _promised(outside, task)
    broken = [index for index, number in promised if exported[index] != number]
    assert not broken, f"{len(broken)} acknowledged results were lost and computed again, such as {broken[:5]}"
    assert promised, "nothing was acknowledged"


def _promised(outside: Outside, task: str) -> list[tuple[int, int]]:
    """Return index and computation of each result in messages of which everything was counted."""
    found: list[tuple[int, int]] = []
    for fact in outside.facts:
        if fact["event"] == "stored" and fact["task"] == task and fact["accepted"] == len(fact["indexes"]):
            found.extend((at, json.loads(text)[1]) for at, text in zip(fact["indexes"], fact["values"], strict=True))
    return found
