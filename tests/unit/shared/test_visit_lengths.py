"""Lengths of visits: a histogram that merges exactly."""

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from disio_shared.visit_lengths import BINS, RESOLUTION, bin_of, median_of, merged, mode_of


def histogram(lengths: list[float]) -> list[int]:
    found = [0] * BINS
    for length in lengths:
        found[bin_of(length)] += 1
    return found


@given(st.lists(st.floats(1.0, 500_000.0), min_size=1).filter(lambda each: len(each) % 2 == 1))
def test_the_median_is_right_to_within_the_resolution(lengths: list[float]) -> None:
    found = median_of(histogram(lengths))
    assert found is not None
    assert abs(found / median(lengths) - 1) <= RESOLUTION + 1e-9


@given(st.lists(st.floats(0.0, 1e9)), st.lists(st.floats(0.0, 1e9)))
def test_merging_is_counting_together(some: list[float], others: list[float]) -> None:
    assert merged((histogram(some), histogram(others))) == histogram(some + others)


def test_the_mode_is_the_fullest_bin_and_nothing_has_none() -> None:
    assert median_of([]) is None and mode_of([0, 0]) is None
    found = mode_of(histogram([10.0, 10.1, 10.2, 3.0, 3.1, 9_000.0]))
    assert found is not None and abs(found / 10 - 1) <= RESOLUTION
