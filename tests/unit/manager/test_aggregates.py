"""Aggregates of results: any order and any split come to what exact arithmetic says."""

import json
import math
from fractions import Fraction
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from disio_manager.aggregates import NOTHING, Aggregate
from disio_shared.task_parts import MAX_FIELDS, Aggregates
from disio_shared.values import encode_value

doubles = st.floats(allow_nan=False, allow_infinity=False)
few = st.sampled_from([0.0, -0.0, 1.0, 0.1, -0.1, 5e-324, -5e-324, 1e308, -1e308, 2.0**53, 1.7976931348623157e308])
numbers = doubles | few | st.integers(-(2**70), 2**70)
WHOLE = Aggregates(fields=[""], top=3)


def folded(wanted: Aggregates, rows: list[tuple[int, Any]], parts: int = 1) -> Aggregate:
    """Return what rows come to, merged from parts of them in turn."""
    wire = [(index, encode_value(value)) for index, value in rows]
    total = Aggregate(wanted)
    for at in range(parts):
        total.merge(Aggregate.of(wanted, wire[at::parts]))
    return total


def oracle(values: list[float], top: int) -> Any:
    """Return what is to be shown of some numbers, less the histogram, by exact arithmetic and plain sorting."""
    exact = [Fraction(float(value)) for value in values]
    pairs = list(enumerate(exact))
    highest = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    lowest = sorted(pairs, key=lambda pair: (pair[1], pair[0]))
    shown = [[{"i": at, "value": float(value)} for at, value in order[:top]] for order in (highest, lowest)]
    return json.loads(
        json.dumps(
            {
                "count": len(exact),
                "sum": _nearest(sum(exact, Fraction(0))),
                "mean": _nearest(sum(exact, Fraction(0)) / len(exact)),
                "min": float(lowest[0][1]),
                "min_at": lowest[0][0],
                "max": float(highest[0][1]),
                "max_at": highest[0][0],
                "top": shown[0],
                "bottom": shown[1],
            }
        )
    )


def _nearest(value: Fraction) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def told(aggregate: Aggregate, path: str = "") -> Any:
    """Return what is shown of a field, as JSON says it."""
    return msgspec.to_builtins(aggregate.shown()[path])


@given(st.lists(numbers, min_size=1, max_size=80), st.integers(1, 7), st.randoms(use_true_random=False))
@example([1e308, 1e308, 1e308, -1e308], 2, Random(1))
@example([1e16, 1.0, -1e16] * 5, 3, Random(1))
def test_any_order_and_any_split_come_to_what_fractions_say(values: list[float], parts: int, random: Random) -> None:
    rows = list(enumerate(values))
    random.shuffle(rows)
    found = told(folded(WHOLE, rows, parts))
    histogram = found.pop("histogram")
    assert found == oracle(values, 3)
    assert sum(histogram["counts"]) == len(values) and len(histogram["counts"]) <= 64


@given(
    st.lists(
        st.dictionaries(st.sampled_from([f"f{at:02d}" for at in range(40)]), numbers | st.none() | st.booleans()),
        max_size=40,
    ),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_fields_that_are_found_are_the_same_ones_in_any_order(
    results: list[dict[str, Any]], parts: int, random: Random
) -> None:
    rows: list[tuple[int, Any]] = list(enumerate(results))
    random.shuffle(rows)
    one, other = folded(Aggregates(), sorted(rows)), folded(Aggregates(), rows, parts)
    is_number = (int, float)
    names = {name for each in results for name, value in each.items() if type(value) in is_number}
    assert list(other.shown()) == sorted(names)[:MAX_FIELDS]
    assert other.shown() == one.shown() and other.is_cut == (len(names) > MAX_FIELDS) == one.is_cut
    assert other.packed() == one.packed()
    assert other.counted == len(results)


@given(st.lists(st.lists(doubles, max_size=20), max_size=6))
def test_what_was_packed_goes_on_as_if_nothing_had_been(parts: list[list[float]]) -> None:
    whole, resumed, at = Aggregate(WHOLE), Aggregate(WHOLE), 0
    for part in parts:
        rows = [(at + place, encode_value(value)) for place, value in enumerate(part)]
        at += len(part)
        whole.merge(Aggregate.of(WHOLE, rows))
        resumed.merge(Aggregate.of(WHOLE, rows))
        resumed = Aggregate.unpacked(WHOLE, resumed.packed())
    assert resumed.shown() == whole.shown() and resumed.packed() == whole.packed()


@pytest.mark.parametrize("body", [b"", b"\xc0", b"\x94\x02\x00\xc2\x90", b"\x94\x01\x00\xc2"])
def test_what_nobody_packed_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="aggregate"):
        Aggregate.unpacked(WHOLE, body)


@pytest.mark.parametrize("value", [True, False, None, "7", [7], {"": 7}, b"7", 10**400, {"x": 7}])
def test_what_is_no_number_is_not_counted_as_one(value: Any) -> None:
    if isinstance(value, int) and value > 1:
        found = Aggregate.of(WHOLE, [(0, str(value).encode())])
    else:
        found = folded(WHOLE, [(0, value)])
    assert found.counted == 1 and found.shown() == {"": NOTHING}


def test_paths_lead_into_objects_and_lists() -> None:
    wanted = Aggregates(fields=["a.b.1", "a.c", "b"], top=0)
    rows = [(0, {"a": {"b": [1, 2], "c": 0.5}}), (1, {"a": {"b": [1, 4]}}), (2, {"a": 3})]
    found = folded(wanted, rows)
    assert told(found, "a.b.1") == {
        "count": 2, "sum": 6, "mean": 3, "min": 2, "min_at": 0, "max": 4, "max_at": 1, "top": [], "bottom": [],
        "histogram": {"start": 2, "width": 1 / 16, "counts": [1, *[0] * 31, 1]},
    }  # fmt: skip
    assert told(found, "a.c")["count"] == 1
    assert found.shown()["b"] == NOTHING
    assert list(found.shown()) == ["a.b.1", "a.c", "b"]


def test_a_field_without_a_double_takes_no_place() -> None:
    huge = {f"a{at:02d}": 1 for at in range(40)}
    text = b"{%s,%s}" % (b",".join(b'"%s":1%s' % (name.encode(), b"0" * 400) for name in huge), b'"b":1')
    found = Aggregate.of(Aggregates(), [(0, text)])
    assert list(found.shown()) == ["b"] and not found.is_cut


def test_results_are_numbers_or_have_fields_that_are() -> None:
    found = folded(Aggregates(), [(0, 4), (1, {"x": 1, "a.b": 2, "": 3, "y" * 201: 4, "z\n": 5, "s": "6"})])
    assert list(found.shown()) == ["", "x"] and not found.is_cut


def test_a_result_with_any_number_of_fields_costs_no_more_than_those_that_are_kept() -> None:
    names = [f"n{at:05d}" for at in range(5_000)]
    found = folded(Aggregates(), [(0, dict.fromkeys(reversed(names), 1))])
    assert list(found.shown()) == names[:MAX_FIELDS] and found.is_cut


def test_its_size_does_not_grow_with_the_results() -> None:
    random = Random(5)
    rows = [(at, random.gauss(0, 1e6)) for at in range(20_000)]
    small, large = folded(WHOLE, rows[:2_000]), folded(WHOLE, rows, 10)
    assert len(large.packed()) < len(small.packed()) + 200
    assert told(large)["mean"] == math.fsum(value for _, value in rows) / len(rows)
