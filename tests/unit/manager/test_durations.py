"""Durations: bins that add up, and quantiles as good as they are said to be."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_manager.durations import LAST, PER_DOUBLING, Durations, begin_of, bin_of

times = st.floats(0.0, 1e8)
TRUE_WITHIN = 2 ** (1 / (2 * PER_DOUBLING)) * 1.000001


@given(times)
def test_a_duration_is_in_its_bin(seconds: float) -> None:
    at = bin_of(seconds)
    assert 0 <= at <= LAST
    assert begin_of(at) <= seconds * 1.000001 and (seconds <= begin_of(at + 1) * 1.000001 or at == LAST)


@given(st.lists(st.floats(1e-5, 1e8), min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_within_half_a_bin(seconds: list[float], share: float) -> None:
    counted = Durations()
    counted.add(seconds)
    true = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    found = counted.quantile(share)
    assert found is not None and true / TRUE_WITHIN <= found <= true * TRUE_WITHIN
    assert sum(count for *_, count in counted.rows()) == counted.counted == len(seconds)
    assert (counted.least_s, counted.most_s) == (min(seconds), max(seconds))


def test_equal_ones_are_told_exactly_and_nothing_has_no_quantile() -> None:
    counted = Durations()
    assert counted.quantile(0.5) is None and counted.rows() == []
    counted.add([0.3] * 7)
    assert counted.quantile(0.5) == 0.3 == counted.quantile(0.95)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e300])
def test_what_no_unit_takes_is_counted_at_the_ends(seconds: float) -> None:
    counted = Durations()
    counted.add([seconds])
    assert list(counted.bins) == [0 if seconds < 1 else LAST]
