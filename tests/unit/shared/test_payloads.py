"""Payload specs: random access equals iteration, whatever the spec."""

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_shared import payloads
from disio_shared.errors import InvalidDocument

SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.floats(-1e9, 1e9), st.text(max_size=5)
)
RANGE = st.tuples(st.integers(-50, 50), st.integers(-50, 50), st.integers(-7, 7).filter(bool)).map(list)
AXIS = st.one_of(
    st.lists(SCALAR, min_size=1, max_size=4),
    RANGE.filter(lambda r: len(range(*r)) > 0).map(lambda r: {"range": r}),
    st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.integers(1, 4)).map(lambda r: {"linspace": list(r)}),
    st.tuples(st.integers(0, 9), st.integers(0, 4)).map(lambda p: f"{p[0]}-{p[0] + p[1]}"),
    SCALAR.filter(lambda s: not isinstance(s, str)),
)


def axis_values(axis: Any) -> list[Any]:
    """Say in the plainest way what an axis means."""
    if isinstance(axis, list):
        return axis
    if isinstance(axis, dict) and "range" in axis:
        return list(range(*axis["range"]))
    if isinstance(axis, dict):
        first, last, number = axis["linspace"]
        return (
            [first]
            if number == 1
            else [first + (last - first) * (at / (number - 1)) for at in range(number - 1)] + [last]
        )
    if isinstance(axis, str):
        first, last = axis.split("-")
        return list(range(int(first), int(last) + 1))
    return [axis]


def decoded(spec: payloads.PayloadSpec) -> list[Any]:
    return [json.loads(value) for value in payloads.iterate(spec)]


@given(st.dictionaries(st.text(max_size=4), AXIS, min_size=1, max_size=3))
def test_a_grid_is_the_cartesian_product_with_the_last_key_fastest(grid: dict[str, Any]) -> None:
    spec = payloads.parse_spec({"grid": grid})
    expected = [dict(zip(grid, values, strict=True)) for values in itertools.product(*map(axis_values, grid.values()))]
    assert decoded(spec) == expected
    assert payloads.count(spec) == len(expected)


@given(RANGE)
def test_a_range_means_what_python_means(body: list[int]) -> None:
    if not len(range(*body)):
        with pytest.raises(InvalidDocument):
            payloads.parse_spec({"range": body})
        return
    spec = payloads.parse_spec({"range": body})
    assert decoded(spec) == list(range(*body))
    indexes = list(range(payloads.count(spec)))[::-1]
    assert payloads.payloads_at(spec, indexes) == [payloads.payload_at(spec, index) for index in indexes]


@given(st.lists(SCALAR, min_size=1, max_size=8))
def test_a_list_is_kept_as_it_is(values: list[Any]) -> None:
    assert decoded(payloads.parse_spec({"list": values})) == values


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_is_refused(index: int) -> None:
    with pytest.raises(IndexError):
        payloads.payload_at(payloads.parse_spec({"range": [0, 3]}), index)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        (None, ""),
        ({}, ""),
        ({"range": [0, 1], "list": []}, ""),
        ({"rnge": [0, 1]}, "rnge"),
        ({"list": []}, "list"),
        ({"list": "abc"}, "list"),
        ({"range": [0]}, "range"),
        ({"range": [0, 1.5]}, "range"),
        ({"range": [True, 2]}, "range"),
        ({"range": [0, 5, 0]}, "range"),
        ({"range": [5, 0]}, "range"),
        ({"range": [0, 2**53]}, "range"),
        ({"range": [0, 10**13]}, "range"),
        ({"grid": {}}, "grid"),
        ({"grid": {"a": []}}, "grid.a"),
        ({"grid": {"a": {"rng": [0, 1]}}}, "grid.a"),
        ({"grid": {"a": {"range": [0, 0]}}}, "grid.a"),
        ({"grid": {"a": {"range": "x"}}}, "grid.a.range"),
        ({"grid": {"a": {"linspace": [0, 1, 0]}}}, "grid.a.linspace"),
        ({"grid": {"a": {"linspace": ["0", 1, 5]}}}, "grid.a.linspace"),
        ({"grid": {"a": "9-1"}}, "grid.a"),
        ({"grid": {"a": "1-99999999999999999999999"}}, "grid.a"),
        ({"grid": {"a": {"range": [0, 10**7]}, "b": {"range": [0, 10**7]}}}, "grid"),
    ],
)
def test_a_wrong_spec_is_refused_at_its_place(spec: Any, path: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        payloads.parse_spec(spec)
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize("text", ["a-b", "1-2-3", "-5", "1 - 3", "2024-01-01", "١-٣"])
def test_only_digits_dash_digits_is_the_shorthand(text: str) -> None:
    spec = payloads.parse_spec({"grid": {"a": text}})
    assert decoded(spec) == [{"a": text}]


def test_ten_to_the_ninth_payloads_cost_nothing() -> None:
    began = time.process_time()
    spec = payloads.parse_spec({"grid": {"a": {"range": [0, 10**5]}, "b": {"range": [0, 10**4]}}})
    assert payloads.count(spec) == 10**9
    assert json.loads(payloads.payload_at(spec, 10**9 - 1)) == {"a": 10**5 - 1, "b": 10**4 - 1}
    assert time.process_time() - began < 1.0


def test_base64_as_a_whole_item_of_a_list_is_raw_bytes() -> None:
    items = [{"$base64": "AP/+"}, {"$base64": ""}, {"$base64": "AA==", "n": 1}, [{"$base64": "AA=="}]]
    spec = payloads.parse_spec({"list": items})
    assert [payloads.payload_at(spec, at) for at in range(4)] == [
        b"\0\x00\xff\xfe",
        b"\0",
        b'{"$base64":"AA==","n":1}',
        b'[{"$base64":"AA=="}]',
    ]


@pytest.mark.parametrize("wrong", ["A", "AA=", "A A==", "ü", 5, None, ["AA=="]])
def test_bad_base64_is_refused_with_its_place(wrong: Any) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        payloads.parse_spec({"list": [1, {"$base64": wrong}]})
    assert [problem.path for problem in refusal.value.problems] == ["list.1.$base64"]


def test_files_are_counted_by_who_has_looked_into_their_archive() -> None:
    spec = payloads.parse_spec({"blob": "ab" * 32, "format": "files"})
    assert spec == payloads.FilesSpec("ab" * 32) and payloads.count(spec) == 0
    known = payloads.FilesSpec("ab" * 32, [5, 0, 7])
    assert payloads.count(known) == 3 and not payloads.is_generated(known)
    assert payloads.carried_bytes(known, 0, 3) == 15 and payloads.carried_bytes(known, 1, 2) == 1
    with pytest.raises(TypeError):
        payloads.payload_at(known, 0)
    with pytest.raises(IndexError):
        payloads.payload_at(known, 3)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"blob": "AB" * 32, "format": "files"}, "blob"),
        ({"blob": 5, "format": "files"}, "blob"),
        ({"blob": "ab" * 32}, "format"),
        ({"blob": "ab" * 32, "format": "csv"}, "format"),
        ({"blob": "ab" * 32, "format": "files", "names": []}, "names"),
        ({"format": "files"}, "format"),
    ],
)
def test_a_wrong_blob_spec_is_refused_with_its_place(spec: Any, path: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        payloads.parse_spec(spec)
    assert [problem.path for problem in refusal.value.problems] == [path]
