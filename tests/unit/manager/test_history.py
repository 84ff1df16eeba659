"""Points of the past: however they are cut and rolled up, nothing is counted twice or left out."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from disio_manager.history import LEVELS, VIEWS, Point, Series, bounds, gathered, kinds_of, start_of

COUNTS = st.integers(0, 1_000)
POINTS = st.builds(
    Point,
    seconds=st.integers(1, 10).map(float),
    ok=COUNTS,
    failed=COUNTS,
    tries_failed=COUNTS,
    lost=COUNTS,
    copies=COUNTS,
    invalid=COUNTS,
    slots=COUNTS.map(float),
    queue=COUNTS.map(float),
    kinds=st.dictionaries(st.sampled_from(["web", "cli"]), COUNTS.map(float)),
    most_clients=COUNTS,
    most_slots=COUNTS,
    most_queue=COUNTS,
)


def plain(point: Point) -> Any:
    """Return a point so that absent kinds and kinds of which there were none are the same."""
    kinds = {kind: number for kind, number in point.kinds.items() if number}
    return msgspec.to_builtins(msgspec.structs.replace(point, kinds=kinds))


@given(st.lists(POINTS, min_size=3, max_size=3))
def test_points_are_put_together_in_any_grouping(points: list[Point]) -> None:
    one, two, three = points
    assert plain(one.then(two).then(three)) == plain(one.then(two.then(three)))
    assert plain(one.beside(two).beside(three)) == plain(three.beside(one.beside(two)))


@given(st.lists(st.tuples(st.floats(0, 300), POINTS), min_size=1, max_size=40))
def test_every_level_holds_all_that_was_noted(steps: list[tuple[float, Point]]) -> None:
    series, at = Series("t"), 1_700_000_000.0
    kept: dict[tuple[int, int], Point] = {}
    for pause, point in steps:
        at += pause
        rows = series.note(point, at)
        assert [row.span for row in rows] == [span for span, _ in LEVELS]
        kept |= {(row.span, row.at): row.point for row in rows}
    for span, _ in LEVELS:
        found = [point for (own, _), point in kept.items() if own == span]
        assert sum(point.ok for point in found) == sum(point.ok for _, point in steps)
        assert sum(point.queue for point in found) == sum(point.queue for _, point in steps)
        assert max(point.most_clients for point in found) == max(point.most_clients for _, point in steps)


def test_a_clock_that_was_set_back_goes_on_where_it_was() -> None:
    series = Series("")
    series.note(Point(ok=1), 7_200.0)
    rows = series.note(Point(ok=2), 3_000.0)
    assert [(row.at, row.point.ok) for row in rows] == [(7_200, 3)] * 3


def test_a_series_goes_on_with_what_was_kept() -> None:
    first = Series("t").note(Point(ok=1, seconds=10), 3_605.0)
    rows = Series("t", first).note(Point(ok=2, seconds=10), 3_650.0)
    assert [(row.at, row.point.ok) for row in rows] == [(3_650, 2), (3_600, 3), (3_600, 3)]


def test_a_view_adds_managers_up_and_tells_nothing_from_zero() -> None:
    view = VIEWS["2d"]
    start, stop = bounds(view, 1_700_000_123.0)
    assert (stop - start, start % view.step) == (view.length, 0) and stop > 1_700_000_123
    rows = [
        ("a", start, Point(seconds=60, ok=5, queue=600.0, most_queue=10)),
        ("a", start + 60, Point(seconds=60, ok=1, queue=60.0, most_queue=1)),
        ("b", start + 60, Point(seconds=60, ok=2, queue=120.0, most_queue=2)),
        ("b", start + 600, Point()),
    ]
    points = gathered(rows, view, start, stop)
    assert len(points) == view.length // view.step
    first = points[0]
    assert first is not None and (first.ok, first.seconds, first.queue, first.most_queue) == (8, 120.0, 780.0, 12)
    assert points[1] == Point() and points[2] is None


def test_kinds_that_nobody_knows_are_one() -> None:
    assert kinds_of({"web": 1, "cli": 2, "x": 3, "y": 4}) == {"web": 1, "cli": 2, "other": 7}
    assert start_of(3_661.9, 60) == 3_660
