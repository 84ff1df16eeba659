"""Histograms with bins of equal width that widen by themselves.

Rule: the bins depend on the smallest and the largest number alone, and every number is counted exactly, whatever order
they came in and however they were split.

A bin is ``[n * 2**k, (n + 1) * 2**k)`` with the least ``k`` at which at most ``MAX_BINS`` bins hold everything. Bins of
one ``k`` are halves of those of the next, so a histogram that must widen adds up neighbours and loses nothing: what the
OpenTelemetry metrics data model calls perfect subsetting of its exponential histograms, here for bins of equal width.
"""

import math
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_BINS = 64
LEAST_EXPONENT = -1074
"""Of the smallest double above 0."""


@dataclass(slots=True)
class Histogram:
    """Counts of numbers, at least one."""

    low: float
    high: float
    exponent: int | None
    """``k``; None while all numbers are the same."""
    counts: dict[int, int] = field(default_factory=dict)
    """Bin ``n`` to how many; while all numbers are the same there is one, 0."""

    @classmethod
    def of(cls, ordered: list[float]) -> "Histogram":
        """Return the histogram of finite numbers, ascending, at least one."""
        low, high = ordered[0], ordered[-1]
        if low == high:
            return cls(low, high, None, {0: len(ordered)})
        exponent = exponent_for(low, high)
        width = math.ldexp(1.0, exponent)
        counts, begin = {}, 0
        while begin < len(ordered):
            at = ordered[begin] // width
            end = bisect_right(ordered, at, begin, key=lambda value: value // width)
            counts[int(at)] = end - begin
            begin = end
        return cls(low, high, exponent, counts)

    def merge(self, other: "Histogram") -> None:
        """Add the counts of other numbers."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        exponent = None if low == high else exponent_for(low, high)
        counts: Counter[int] = Counter()
        for each in (self, other):
            for at, count in each._bins(exponent):
                counts[at] += count
        self.low, self.high, self.exponent, self.counts = low, high, exponent, dict(counts)

    def packed(self) -> tuple[float, float, int | None, dict[int, int]]:
        """Return its fields, in one order whatever order the numbers came in."""
        return self.low, self.high, self.exponent, dict(sorted(self.counts.items()))

    def _bins(self, exponent: int | None) -> Iterable[tuple[int, int]]:
        """Yield the counts for wider bins."""
        if exponent is None or self.exponent == exponent:
            yield from self.counts.items()
        elif self.exponent is None:
            yield int(self.low // math.ldexp(1.0, exponent)), self.counts[0]
        else:
            wider = exponent - self.exponent
            for at, count in self.counts.items():
                yield at >> wider, count

    @property
    def width(self) -> float:
        """Width of a bin; 0 while all numbers are the same."""
        return 0.0 if self.exponent is None else math.ldexp(1.0, self.exponent)

    @property
    def start(self) -> float:
        """Where the first bin begins; where that is below all doubles, the lowest one."""
        if self.exponent is None:
            return self.low
        try:
            return math.ldexp(min(self.counts), self.exponent)
        except OverflowError:
            return -sys.float_info.max

    def all_counts(self) -> list[int]:
        """Return the counts of the bins from the first to the last, empty ones too; at most ``MAX_BINS``."""
        return [self.counts.get(at, 0) for at in range(min(self.counts), max(self.counts) + 1)]


def exponent_for(low: float, high: float) -> int:
    """Return the least exponent of two at which ``MAX_BINS`` bins hold everything between two different numbers."""
    spread, halvings = high - low, 0
    if math.isinf(spread):
        spread, halvings = high / 2 - low / 2, 1
    exponent = max(LEAST_EXPONENT, math.frexp(spread)[1] + halvings - MAX_BINS.bit_length() - 1)
    while _bins_between(low, high, exponent) > MAX_BINS:
        exponent += 1
    return exponent


def _bins_between(low: float, high: float, exponent: int) -> float:
    """Return the number of bins. Floor division of doubles by a power of two is exact."""
    width = math.ldexp(1.0, exponent)
    return high // width - low // width + 1
