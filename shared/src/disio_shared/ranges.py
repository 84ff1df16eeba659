"""A set of payload indexes, kept as sorted runs.

Rule: memory grows with the number of runs, never with the number of indexes, so 10^9 open payloads cost a few bytes.
A run is a half-open pair ``(start, stop)``.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

Run = tuple[int, int]


def runs_of(indexes: Iterable[int]) -> list[Run]:
    """Return sorted disjoint runs that hold exactly ``indexes`` (any order, repeats allowed)."""
    if isinstance(indexes, list) and indexes and indexes == list(range(indexes[0], indexes[0] + len(indexes))):
        return [(indexes[0], indexes[0] + len(indexes))]  # what a quick client sends, 20 times quicker
    runs: list[Run] = []
    start = stop = None
    for index in sorted(indexes):
        if stop is not None and index <= stop:
            stop = max(stop, index + 1)
            continue
        if start is not None and stop is not None:
            runs.append((start, stop))
        start, stop = index, index + 1
    if start is not None and stop is not None:
        runs.append((start, stop))
    return runs


def indexes_of(runs: Iterable[Run]) -> list[int]:
    """Return every index of ``runs``, in their order."""
    return [index for start, stop in runs for index in range(start, stop)]


class RangeSet:
    """A mutable set of non-negative integers as sorted, disjoint, non-adjacent runs."""

    __slots__ = ("_size", "_starts", "_stops")

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._size = 0
        for start, stop in runs:
            if start < stop and (not self._stops or start > self._stops[-1]):  # as when runs come sorted
                self._starts.append(start)
                self._stops.append(stop)
                self._size += stop - start
            else:
                self.add(start, stop)

    def __len__(self) -> int:
        """Return how many indexes are in the set."""
        return self._size

    def __bool__(self) -> bool:
        return bool(self._starts)

    @property
    def run_count(self) -> int:
        """Return how many runs there are."""
        return len(self._starts)

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self._starts, index) - 1
        return at >= 0 and index < self._stops[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RangeSet) and self._starts == other._starts and self._stops == other._stops

    def __hash__(self) -> int:
        raise TypeError("a RangeSet is mutable")

    def __repr__(self) -> str:
        return f"RangeSet({self.runs()})"

    def runs(self) -> list[Run]:
        """Return the runs, sorted."""
        return list(zip(self._starts, self._stops, strict=True))

    def indexes(self) -> Iterator[int]:
        """Yield every index, ascending."""
        for start, stop in zip(self._starts, self._stops, strict=True):
            yield from range(start, stop)

    def copy(self) -> "RangeSet":
        """Return an independent copy."""
        twin = RangeSet()
        twin._starts, twin._stops, twin._size = self._starts.copy(), self._stops.copy(), self._size
        return twin

    def add(self, start: int, stop: int) -> int:
        """Put a run in; return how many of its indexes were new."""
        if start >= stop:
            return 0
        first = bisect_left(self._stops, start)
        last = bisect_right(self._starts, stop)
        before = 0
        if first < last:
            before = sum([self._stops[at] - self._starts[at] for at in range(first, last)])
            start = min(start, self._starts[first])
            stop = max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]
        gained = stop - start - before
        self._size += gained
        return gained

    def remove(self, start: int, stop: int) -> list[Run]:
        """Take a run out; return the parts of it that were in the set."""
        taken = self.within(start, stop)
        if not taken:
            return []
        first = bisect_right(self._stops, start)
        last = first + len(taken)
        left, right = self._starts[first], self._stops[last - 1]
        self._starts[first:last] = [left] * (left < start) + [stop] * (stop < right)
        self._stops[first:last] = [start] * (left < start) + [right] * (stop < right)
        self._size -= sum([b - a for a, b in taken])
        return taken

    def add_all(self, runs: Iterable[Run]) -> int:
        """Put runs in; return how many indexes were new."""
        gained = 0
        for start, stop in runs:
            gained += self.add(start, stop)
        return gained

    def remove_all(self, runs: Iterable[Run]) -> list[Run]:
        """Take runs out; return the parts that were in the set."""
        taken: list[Run] = []
        for start, stop in runs:
            taken += self.remove(start, stop)
        return taken

    def within(self, start: int, stop: int) -> list[Run]:
        """Return the parts of the set that lie in a run."""
        first = bisect_right(self._stops, start)
        last = bisect_left(self._starts, stop, first)
        if start >= stop or first >= last:
            return []
        return [(max(self._starts[at], start), min(self._stops[at], stop)) for at in range(first, last)]

    def is_in(self, other: "RangeSet") -> bool:
        """Tell whether every index is in another set, too."""
        for start, stop in zip(self._starts, self._stops, strict=True):
            at = bisect_right(other._starts, start) - 1
            if at < 0 or other._stops[at] < stop:
                return False
        return True

    def take(self, count: int, max_runs: int | None = None) -> list[Run]:
        """Take up to ``count`` indexes in at most ``max_runs`` runs out, lowest first; return them as runs."""
        taken: list[Run] = []
        while count > 0 and self._starts and len(taken) != max_runs:
            start, stop = self._starts[0], self._stops[0]
            end = min(stop, start + count)
            taken.append((start, end))
            count -= end - start
            self._size -= end - start
            if end == stop:
                del self._starts[0], self._stops[0]
            else:
                self._starts[0] = end
        return taken

    def difference(self, runs: Sequence[Run]) -> "RangeSet":
        """Return a new set without ``runs``."""
        twin = self.copy()
        twin.remove_all(runs)
        return twin
