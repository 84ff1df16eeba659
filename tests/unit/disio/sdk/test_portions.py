"""Which calls are sent together."""

from disio.sdk.portions import MOST_BYTES, parts_of


def test_calls_are_sent_together_up_to_a_size() -> None:
    third = "x" * (MOST_BYTES // 3)
    assert parts_of([1, 2, 3]) == [range(3)]
    assert parts_of([third] * 5) == [range(2), range(2, 4), range(4, 5)]
    assert parts_of(["x" * MOST_BYTES, 1]) == [range(1), range(1, 2)]
