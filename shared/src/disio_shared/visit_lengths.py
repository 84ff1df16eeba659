"""How long visits are: a histogram that merges exactly, and what it tells of median and mode.

Rule: bins are fixed, four to a doubling from one second on, so a histogram of many distributors and days is the sum of
theirs. Median and mode are the middles of bins: right to within 9 %.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import islice, zip_longest

PER_DOUBLING = 4
BINS = 81
"""The last one begins at 2**20 s, twelve days."""
RESOLUTION = 2 ** (0.5 / PER_DOUBLING) - 1
"""The largest relative error of a median or mode: 0.09."""


def bin_of(seconds: float) -> int:
    """Return the bin of a length in seconds."""
    return min(BINS - 1, max(0, int(PER_DOUBLING * math.log2(max(1.0, seconds)))))


def middle_of(number: int) -> float:
    """Return the geometric middle of a bin, in seconds."""
    return 2 ** ((number + 0.5) / PER_DOUBLING)


def merged(histograms: Iterable[Sequence[int]]) -> list[int]:
    """Return the sum of histograms; one may be shorter than others."""
    columns = zip_longest(*histograms, fillvalue=0)
    total = [sum(column) for column in islice(columns, BINS)]
    return total + [0] * (BINS - len(total))


def median_of(histogram: Sequence[int]) -> float | None:
    """Return the median length in seconds, or None when there are no visits."""
    half, seen = sum(histogram) / 2, 0
    for number, count in enumerate(histogram):
        seen += count
        if count and seen >= half:
            return middle_of(number)
    return None


def mode_of(histogram: Sequence[int]) -> float | None:
    """Return the most frequent length in seconds, the shortest of several, or None when there are no visits."""
    if not any(histogram):
        return None
    return middle_of(max(range(len(histogram)), key=lambda number: (histogram[number], -number)))
