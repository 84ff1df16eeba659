"""Who looks after which indexes of a task: this manager's stretches to the point, the others' as last seen.

Rule: counters and frontiers of own stretches change here and nowhere else, and each that changed is written once
per event.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

import msgspec

from disio_manager.core.changes import PutStretch
from disio_manager.core.records import StretchRecord
from disio_shared.ranges import Run


class Stretches:
    """The stretches of one task.

    Args:
        me: Id of this manager.
    """

    def __init__(self, me: str) -> None:
        self._me = me
        self.own: dict[int, StretchRecord] = {}
        """By start."""
        self.others: dict[int, StretchRecord] = {}
        self._starts: list[int] = []
        self._changed: set[int] = set()
        self.uncut = 0
        """Payloads of own stretches that were never in a block."""

    # What is known

    def learn(self, seen: Iterable[StretchRecord]) -> list[StretchRecord]:
        """Take in rows of the store; return own ones that are new here.

        What is known of own stretches is newer than any row, so it stays.
        """
        fresh = []
        for record in seen:
            if record.start in self.own:
                continue
            if record.start not in self.others:
                insort(self._starts, record.start)
            if record.owner == self._me:
                self.others.pop(record.start, None)
                self.own[record.start] = record = msgspec.structs.replace(record)
                self.uncut += record.stop - record.frontier
                fresh.append(record)
            else:
                self.others[record.start] = record
        return fresh

    @property
    def end(self) -> int:
        """Where the next stretch would begin."""
        if not self._starts:
            return 0
        last = self._starts[-1]
        return (self.own.get(last) or self.others[last]).stop

    def at(self, index: int) -> StretchRecord | None:
        """Return the own stretch that holds an index."""
        at = bisect_right(self._starts, index) - 1
        if at < 0:
            return None
        own = self.own.get(self._starts[at])
        return own if own is not None and index < own.stop else None

    def sort(self, runs: list[Run], total: int) -> tuple[list[Run], list[Run]]:
        """Part sorted runs below ``total`` into those of own stretches and all others."""
        if not self.others and len(self.own) == 1:
            only = next(iter(self.own.values()))
            if runs and runs[0][0] >= only.start and runs[-1][1] <= only.stop:
                return runs, []
        mine: list[Run] = []
        foreign: list[Run] = []
        for start, stop in runs:
            self._part(max(0, start), min(stop, total), mine, foreign)
        return mine, foreign

    def _part(self, start: int, stop: int, mine: list[Run], foreign: list[Run]) -> None:
        while start < stop:
            own = self.at(start)
            end = min(stop, own.stop if own is not None else self._next_own(start))
            (foreign if own is None else mine).append((start, end))
            start = end

    def _next_own(self, index: int) -> int:
        for start in self._starts[bisect_left(self._starts, index) :]:
            if start in self.own and start > index:
                return start
        return 1 << 62

    # Cutting blocks

    def cutting(self) -> StretchRecord | None:
        """Return the first own stretch that blocks can still be cut from."""
        if not self.uncut:
            return None
        return next((self.own[at] for at in self._starts if at in self.own and self._rest(self.own[at])), None)

    def cut(self, stretch: StretchRecord, stop: int) -> None:
        """Note that a block was cut up to ``stop``."""
        self.uncut -= stop - stretch.frontier
        stretch.frontier = stop
        self._changed.add(stretch.start)

    @staticmethod
    def _rest(stretch: StretchRecord) -> int:
        return stretch.stop - stretch.frontier

    def grow(self, count: int) -> None:
        """Make the one stretch of a growing task longer."""
        self.own[0].stop += count
        self.uncut += count
        self._changed.add(0)

    # Counting

    def count(self, runs: Iterable[Run], done: int, failed: int) -> None:
        """Note that payloads of own stretches became done or failed; ``done`` and ``failed`` are +1, 0 or -1 each."""
        for start, stop in runs:
            stretch = self.at(start)
            assert stretch is not None, "only own payloads are counted"
            stretch.done += done * (stop - start)
            stretch.failed += failed * (stop - start)
            self._changed.add(stretch.start)

    def count_matched(self, indexes: Iterable[int]) -> None:
        """Note that results of own payloads satisfy the task's ``stop_when``."""
        for index in indexes:
            stretch = self.at(index)
            assert stretch is not None, "only own payloads are counted"
            stretch.matched += 1
            self._changed.add(stretch.start)

    def totals(self) -> tuple[int, int, int]:
        """Return done and failed payloads of all stretches, and how many of the done ones satisfy ``stop_when``."""
        every = self.all
        return sum(each.done for each in every), sum(each.failed for each in every), sum(each.matched for each in every)

    @property
    def own_open(self) -> int:
        """How many payloads of own stretches are neither done nor failed."""
        return sum(each.stop - each.start - each.done - each.failed for each in self.own.values())

    @property
    def leased_elsewhere(self) -> int:
        """How many payloads are in leased blocks of other managers."""
        return sum(each.leased for each in self.others.values())

    @property
    def all(self) -> list[StretchRecord]:
        """Every one that is known."""
        return [*self.own.values(), *self.others.values()]

    def behind(self, retries: int) -> list[StretchRecord]:
        """Return own stretches whose failed payloads were not queued again yet."""
        return [each for each in self.own.values() if each.retries < retries]

    def retried(self, stretch: StretchRecord, retries: int, number: int) -> None:
        """Note that so many of an own stretch's failed payloads are queued again."""
        stretch.retries, stretch.failed = retries, stretch.failed - number
        self._changed.add(stretch.start)

    def agree(self, retries: int) -> bool:
        """Tell whether every manager has queued failed payloads again as often as it was asked for."""
        return all(each.retries >= retries for each in self.all)

    def failed_since(self, retries: int) -> int:
        """Return how many payloads failed, without those that their owner is to queue again and has not yet."""
        return sum(each.failed for each in self.all if each.retries >= retries)

    def take_changes(self, leased: int) -> list[PutStretch]:
        """Return what is to be written of own stretches; the first of them tells how many payloads are leased."""
        if self._changed:
            first = self.own[min(self.own)]
            if first.leased != leased:
                first.leased = leased
                self._changed.add(first.start)
        changed, self._changed = self._changed, set()
        return [PutStretch(msgspec.structs.replace(self.own[start])) for start in sorted(changed)]

    def give_up(self) -> list[PutStretch]:
        """Own nothing any more; return the rows that say so."""
        given = [msgspec.structs.replace(each, owner="", leased=0) for each in self.own.values()]
        self.others |= {each.start: each for each in given}
        self.own, self.uncut = {}, 0
        self._changed.clear()
        return [PutStretch(each) for each in given]

    def write_all(self) -> None:
        """Have every own stretch written with the next changes."""
        self._changed.update(self.own)
