"""Histograms: bins follow from the extremes, counts are exact in any order."""

import math
import sys
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from disio_manager.histograms import LEAST_EXPONENT, MAX_BINS, Histogram, exponent_for

LARGEST, SMALLEST = sys.float_info.max, 5e-324
doubles = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)
near = st.integers(-200, 200).map(float) | st.floats(-1, 1).map(lambda value: value + 0.0)
lists = st.lists(doubles, min_size=1, max_size=40) | st.lists(near, min_size=1, max_size=40)


def of(values: list[float]) -> Histogram:
    """Return the histogram of numbers."""
    return Histogram.of(sorted(values))


def bin_of(value: float, exponent: int) -> int:
    """Return a number's bin, by exact arithmetic."""
    return math.floor(Fraction(value) / Fraction(2) ** exponent)


def least_exponent(low: float, high: float) -> int:
    """Return the least exponent, by trying all from the least one up that can be."""
    spread = Fraction(high) - Fraction(low)
    bits = spread.numerator.bit_length() - spread.denominator.bit_length()
    exponent = max(LEAST_EXPONENT, bits - 12)
    while bin_of(high, exponent) - bin_of(low, exponent) >= MAX_BINS:
        exponent += 1
    return exponent


@given(lists)
@example([-LARGEST, LARGEST])
@example([-SMALLEST, 1e300])
@example([-SMALLEST, SMALLEST, 0.0])
@example([1.0, 1.0 + 2**-52])
@example([-LARGEST, -LARGEST / 2])
def test_bins_are_the_narrowest_that_hold_everything_and_counts_are_exact(values: list[float]) -> None:
    found = of(values)
    if min(values) == max(values):
        assert found.exponent is None and found.width == 0 and found.start == values[0]
        assert found.all_counts() == [len(values)]
        return
    exponent = least_exponent(min(values), max(values))
    assert found.exponent == exponent
    assert found.counts == Counter(bin_of(value, exponent) for value in values)
    assert len(found.all_counts()) <= MAX_BINS and sum(found.all_counts()) == len(values)
    assert found.start <= min(values)


@given(st.lists(lists, min_size=1, max_size=5))
@example([[0.0], [0.0], [1.0]])
@example([[-SMALLEST], [1e300]])
def test_any_split_comes_to_the_same(parts: list[list[float]]) -> None:
    merged = of(parts[0])
    for part in parts[1:]:
        merged.merge(of(part))
    assert merged == of([value for part in parts for value in part])


@pytest.mark.parametrize(
    ("low", "high", "exponent"),
    [(0.0, 63.0, 0), (0.0, 64.0, 1), (0.0, 1.0, -5), (-1.0, 62.0, 0), (0.0, SMALLEST, LEAST_EXPONENT)],
)
def test_the_exponent_is_the_least_that_fits(low: float, high: float, exponent: int) -> None:
    assert exponent_for(low, high) == exponent


def test_a_first_bin_that_begins_below_all_doubles_begins_at_the_lowest_one() -> None:
    assert of([-LARGEST, LARGEST]).start == -LARGEST
