"""What ``disio bench`` says of what it measured."""

from disio.commands.benching import Run, lines, numbers


def test_medians_are_told_and_the_range_they_lie_in() -> None:
    seen = [
        Run(rate, {"manager": cost, "client": 2 * cost}) for rate, cost in ((1000.0, 4.0), (3000.0, 1.0), (2000.0, 2.0))
    ]
    told = numbers(5000, 3, seen)
    assert told == {
        "units": 5000, "cores": 3, "rates": [1000.0, 3000.0, 2000.0], "rate": 2000.0,
        "cpu_us": {"manager": 2.0, "client": 4.0},
    }  # fmt: skip
    assert lines(told) == [
        "5,000 units that return at once, 3 runs, 3 at a time",
        "  2,000 units/s (median; least 1,000, most 3,000)",
        "  6.0 microseconds of CPU a unit: manager 2.0, client 4.0",
    ]


def test_all_cores_are_counted_where_none_are_named() -> None:
    assert numbers(1000, 0, [Run(1.0, {})])["cores"] >= 1
