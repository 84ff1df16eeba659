"""Backoff grows, is bounded, is jittered, and starts over."""

from hypothesis import given
from hypothesis import strategies as st

from disio_shared.backoff import Backoff


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_each_delay_lies_between_half_a_step_and_a_step(draws: list[float]) -> None:
    drawn = iter(draws)
    backoff = Backoff(0.5, 30.0, lambda low, high: low + (high - low) * next(drawn))
    for number in range(len(draws)):
        step = min(30.0, 0.5 * 2**number)
        assert step / 2 <= backoff.next_s() <= step


def test_a_success_starts_over() -> None:
    backoff = Backoff(1.0, 60.0, lambda low, high: high)
    assert [backoff.next_s() for _ in range(3)] == [1.0, 2.0, 4.0]
    backoff.reset()
    assert backoff.next_s() == 1.0
