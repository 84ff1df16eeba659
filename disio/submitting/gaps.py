"""Which results of a task are still to be fetched, while they come in any order.

Rule: what is remembered grows with the number of gaps, never with the number of payloads; a look asks for few spans.
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from disio_shared.ranges import RangeSet, Run

MAX_SPANS = 32
"""Requests of one look at the results."""


class Choice(NamedTuple):
    """What to do with results that were read."""

    places: list[Run]
    """Of those to take."""
    is_enough: bool
    """What comes after them is not wanted now."""


class AsTheyCome:
    """Takes each result once, whenever it is there.

    Args:
        total: Payloads of the task.
        start: The first one that is wanted.
        left: Runs of indexes that are still to be taken; None = all from ``start`` on.
    """

    def __init__(self, total: int, start: int = 0, left: Sequence[Run] | None = None) -> None:
        wanted = [(start, total)] if start < total else []
        self._open = RangeSet(wanted if left is None else left)
        self._total = max(start, total)

    def grow(self, total: int) -> None:
        """Know that the task has more payloads by now."""
        if total > self._total:
            self._open.add(self._total, total)
            self._total = total

    def spans(self) -> list[Run]:
        """Return the runs of indexes to ask for: all gaps, the nearest of them joined until there are few."""
        runs = self._open.runs()
        spare = len(runs) - MAX_SPANS
        if spare <= 0:
            return runs
        nearest = heapq.nsmallest(spare, range(1, len(runs)), key=lambda at: runs[at][0] - runs[at - 1][1])
        return _joined(runs, set(nearest))

    def choose(self, indexes: Sequence[int], is_over: bool) -> Choice:
        """Say which of the results that were read are to be taken; they count as taken then."""
        places: list[Run] = []
        for start, stop in _consecutive(indexes):
            first = indexes[start]
            fresh = self._open.remove(first, first + stop - start)
            places += [(a - first + start, b - first + start) for a, b in fresh]
        return Choice(places, False)


class InOrder:
    """Takes results in index order: one that is ahead of its turn waits at the manager.

    Args:
        total: Payloads of the task.
        start: The first one that is wanted.
    """

    def __init__(self, total: int, start: int = 0) -> None:
        self.next, self._total = start, total

    def grow(self, total: int) -> None:
        """Know that the task has more payloads by now."""
        self._total = max(self._total, total)

    def spans(self) -> list[Run]:
        """Return what to ask for: all from the next one on."""
        return [(self.next, self._total)] if self.next < self._total else []

    def choose(self, indexes: Sequence[int], is_over: bool) -> Choice:
        """Say which of the results that were read are to be taken; of a task that is over none come in between."""
        places: list[Run] = []
        for start, stop in _consecutive(indexes):
            first = indexes[start]
            if first > self.next and not is_over:
                return Choice(places, True)
            known = max(0, self.next - first)
            if known < stop - start:
                places.append((start + known, stop))
                self.next = first + stop - start
        return Choice(places, False)


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


def _consecutive(indexes: Sequence[int]) -> list[Run]:
    """Return the runs of places at which each index is the one after the index before it."""
    if len(indexes) == 1 or (indexes and indexes == list(range(indexes[0], indexes[0] + len(indexes)))):
        return [(0, len(indexes))]  # as from a quick client
    ends = [at for at in range(1, len(indexes)) if indexes[at] != indexes[at - 1] + 1]
    return list(zip([0, *ends], [*ends, len(indexes)], strict=True)) if indexes else []
