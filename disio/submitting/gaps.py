"""Which results of a task are still to be fetched, while they come in any order.

Rule: what is remembered grows with the number of gaps, never with the number of payloads; a look asks for few spans.
"""

import heapq
from typing import Literal

from disio_shared.ranges import RangeSet, Run

Answer = Literal["take", "skip", "stop"]
MAX_SPANS = 32
"""Requests of one look at the results."""


class AsTheyCome:
    """Takes each result once, whenever it is there.

    Args:
        total: Payloads of the task.
    """

    def __init__(self, total: int) -> None:
        self._open = RangeSet([(0, total)])

    def spans(self) -> list[Run]:
        """Return the runs of indexes to ask for: all gaps, the nearest of them joined until there are few."""
        runs = self._open.runs()
        spare = len(runs) - MAX_SPANS
        if spare <= 0:
            return runs
        nearest = heapq.nsmallest(spare, range(1, len(runs)), key=lambda at: runs[at][0] - runs[at - 1][1])
        return _joined(runs, set(nearest))

    def accept(self, index: int, is_over: bool) -> Answer:
        """Say what to do with a result that was read."""
        return "take" if self._open.remove(index, index + 1) else "skip"


class InOrder:
    """Takes results in index order: one that is ahead of its turn waits at the manager.

    Args:
        total: Payloads of the task.
    """

    def __init__(self, total: int) -> None:
        self.next, self._total = 0, total

    def spans(self) -> list[Run]:
        """Return what to ask for: all from the next one on."""
        return [(self.next, self._total)] if self.next < self._total else []

    def accept(self, index: int, is_over: bool) -> Answer:
        """Say what to do with a result that was read; of a task that is over no further ones come in between."""
        if index < self.next:
            return "skip"
        if index > self.next and not is_over:
            return "stop"
        self.next = index + 1
        return "take"


Wanted = AsTheyCome | InOrder


def _joined(runs: list[Run], bridged: set[int]) -> list[Run]:
    """Join each run whose place is in ``bridged`` to the one before it."""
    joined: list[Run] = []
    for at, run in enumerate(runs):
        if at in bridged:
            joined[-1] = (joined[-1][0], run[1])
        else:
            joined.append(run)
    return joined
