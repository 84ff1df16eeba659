"""How long units took, counted in bins that add up.

Rule: a bin is a quarter of a doubling wide, the same for every task, so counts of any parts of a task add up to those
of the whole. The extremes and the mean are exact; a quantile is the middle of its bin, within 9.1 % of the true one.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import msgspec

PER_DOUBLING = 4
LEAST_S = 1e-6
"""Where the first bin begins; what is shorter is counted in it."""
LAST = 48 * PER_DOUBLING
"""The last bin: from about nine years on."""


def begin_of(at: int) -> float:
    """Return where a bin begins, in seconds; the first one begins at 0."""
    return LEAST_S * math.pow(2.0, at / PER_DOUBLING) if at else 0.0


BEGINS = [begin_of(at) for at in range(LAST + 1)]


def bin_of(seconds: float) -> int:
    """Return the bin of a duration."""
    return max(0, bisect_right(BEGINS, seconds) - 1)


class Durations(msgspec.Struct):
    """Durations of units."""

    counted: int = 0
    total_s: float = 0.0
    least_s: float = math.inf
    most_s: float = 0.0
    bins: dict[int, int] = {}

    def add(self, seconds: Iterable[float]) -> None:
        """Count units: sorted once, so that a bin costs a search and not a unit."""
        ordered = sorted(seconds)
        if not ordered:
            return
        begin = 0
        while begin < len(ordered):
            at = bin_of(ordered[begin])
            end = bisect_left(ordered, BEGINS[at + 1], begin) if at < LAST else len(ordered)
            self.bins[at] = self.bins.get(at, 0) + end - begin
            begin = end
        self.counted += len(ordered)
        self.total_s += sum(ordered)
        self.least_s, self.most_s = min(self.least_s, ordered[0]), max(self.most_s, ordered[-1])

    def quantile(self, share: float) -> float | None:
        """Return the duration that a share of the units (0 to 1) did not pass; None of nothing."""
        left = math.ceil(share * self.counted)
        for at in sorted(self.bins):
            left -= self.bins[at]
            if left <= 0:
                middle = LEAST_S * math.pow(2.0, (at + 0.5) / PER_DOUBLING)
                return min(self.most_s, max(self.least_s, middle))
        return None

    def rows(self) -> list[tuple[float, float, int]]:
        """Return begin, end and count of every bin from the first to the last, empty ones too."""
        if not self.bins:
            return []
        return [
            (begin_of(at), begin_of(at + 1), self.bins.get(at, 0)) for at in range(min(self.bins), max(self.bins) + 1)
        ]
