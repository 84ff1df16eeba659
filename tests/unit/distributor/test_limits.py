"""Limits per address and per session."""

from hypothesis import given
from hypothesis import strategies as st

from disio_distributor.limits import CONNECT_BURST, AddressLimits, Sampled, TokenBucket


@given(st.lists(st.floats(0, 10), max_size=50), st.floats(0.1, 50), st.integers(1, 20))
def test_a_bucket_never_gives_more_than_its_burst_and_rate_allow(pauses: list[float], rate: float, burst: int) -> None:
    now, taken = 0.0, 0
    bucket = TokenBucket(rate, burst, now)
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
    assert taken <= burst + now * rate + 1e-6


def test_an_address_has_only_so_many_connections_that_never_say_hello() -> None:
    limits = AddressLimits(max_unjoined=3)
    assert [limits.admit("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert limits.admit("b", 0.0)
    limits.settle("a")
    assert limits.admit("a", 0.0)


def test_an_address_that_connects_too_fast_is_refused_until_time_passes() -> None:
    limits = AddressLimits(max_unjoined=10_000)
    admitted = 0
    while limits.admit("a", 0.0):
        admitted += 1
    assert admitted == CONNECT_BURST
    assert limits.admit("a", 1.0)


def test_settling_an_unknown_address_changes_nothing() -> None:
    limits = AddressLimits(max_unjoined=1)
    limits.settle("a")
    assert limits.admit("a", 0.0)
    assert not limits.admit("a", 0.0)


def test_a_sampled_line_tells_how_many_were_held_back() -> None:
    lines = Sampled(10.0)
    assert [lines.take(at) for at in (0.0, 1.0, 9.9, 10.0, 10.1)] == [0, None, None, 2, None]
