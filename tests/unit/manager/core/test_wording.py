"""Numbers as sentences have them."""

import pytest

from disio_manager.core.wording import many, pace, span


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        (123456.7, "123,457 payloads a second"),
        (99.94, "99.9 payloads a second"),
        (1.0, "1.0 payloads a second"),
        (0.0433, "2.6 payloads a minute"),
        (0.001, "3.6 payloads an hour"),
        (0.00001, "0 payloads a second"),
        (0.0, "0 payloads a second"),
    ],
)
def test_a_pace_is_told_in_the_unit_that_says_something(rate: float, told: str) -> None:
    assert pace(rate, "payloads") == told
    assert pace(rate) == told.replace(" payloads", "")


def test_a_noun_is_in_the_number_that_fits() -> None:
    assert [many(number, "client") for number in (0, 1, 2)] == ["0 clients", "1 client", "2 clients"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.4, "0 s"),
        (119.0, "119 s"),
        (120.0, "2 min"),
        (7199.0, "120 min"),
        (9000.0, "2.5 h"),
        (172_800.0, "2 days"),
        (1.2e8, "1,389 days"),
    ],
)
def test_a_span_is_told_in_the_largest_unit_that_says_enough(seconds: float, told: str) -> None:
    assert span(seconds) == told
