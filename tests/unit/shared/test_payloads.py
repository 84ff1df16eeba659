"""Payload specs: random access equals iteration, whatever the spec."""

import itertools
import json
import math
import time
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_shared import payload_parsing, payloads
from disio_shared.errors import InvalidDocument
from disio_shared.extents import FileExtents

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
    spec = payload_parsing.parse_spec({"grid": grid})
    expected = [dict(zip(grid, values, strict=True)) for values in itertools.product(*map(axis_values, grid.values()))]
    assert decoded(spec) == expected
    assert payloads.count(spec) == len(expected)


@given(st.data())
def test_a_batch_is_what_its_payloads_are_one_by_one(data: st.DataObject) -> None:
    axes = data.draw(
        st.dictionaries(
            st.text(max_size=4).filter(lambda key: key not in ("count", "seed")), AXIS, min_size=1, max_size=3
        )
    )
    drawn_axes = axes | {"u": {"uniform": [0, 1]}}
    body = data.draw(
        st.sampled_from(
            [
                {"grid": axes},
                {"random": {"count": 50, "seed": "s", **drawn_axes}},
                {"zip": {"a": [1, [2], None], 'b"': {"linspace": [0, 1, 3]}, "c": 5}},
            ]
        )
    )
    spec = payload_parsing.parse_spec(body)
    total = payloads.count(spec)
    indexes = data.draw(st.lists(st.integers(0, total - 1), max_size=20)) + list(range(min(total, 20)))
    assert payloads.payloads_at(spec, indexes) == [payloads.payload_at(spec, index) for index in indexes]


@given(RANGE)
def test_a_range_means_what_python_means(body: list[int]) -> None:
    if not len(range(*body)):
        with pytest.raises(InvalidDocument):
            payload_parsing.parse_spec({"range": body})
        return
    spec = payload_parsing.parse_spec({"range": body})
    assert decoded(spec) == list(range(*body))
    indexes = list(range(payloads.count(spec)))[::-1]
    assert payloads.payloads_at(spec, indexes) == [payloads.payload_at(spec, index) for index in indexes]


@given(st.lists(SCALAR, min_size=1, max_size=8))
def test_a_list_is_kept_as_it_is(values: list[Any]) -> None:
    assert decoded(payload_parsing.parse_spec({"list": values})) == values


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_is_refused(index: int) -> None:
    with pytest.raises(IndexError):
        payloads.payload_at(payload_parsing.parse_spec({"range": [0, 3]}), index)


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
        payload_parsing.parse_spec(spec)
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize("text", ["a-b", "1-2-3", "-5", "1 - 3", "2024-01-01", "١-٣"])
def test_only_digits_dash_digits_is_the_shorthand(text: str) -> None:
    spec = payload_parsing.parse_spec({"grid": {"a": text}})
    assert decoded(spec) == [{"a": text}]


def test_ten_to_the_ninth_payloads_cost_nothing() -> None:
    began = time.process_time()
    spec = payload_parsing.parse_spec({"grid": {"a": {"range": [0, 10**5]}, "b": {"range": [0, 10**4]}}})
    assert payloads.count(spec) == 10**9
    assert json.loads(payloads.payload_at(spec, 10**9 - 1)) == {"a": 10**5 - 1, "b": 10**4 - 1}
    assert time.process_time() - began < 1.0


def test_base64_as_a_whole_item_of_a_list_is_raw_bytes() -> None:
    items = [{"$base64": "AP/+"}, {"$base64": ""}, {"$base64": "AA==", "n": 1}, [{"$base64": "AA=="}]]
    spec = payload_parsing.parse_spec({"list": items})
    assert [payloads.payload_at(spec, at) for at in range(4)] == [
        b"\0\x00\xff\xfe",
        b"\0",
        b'{"$base64":"AA==","n":1}',
        b'[{"$base64":"AA=="}]',
    ]


@pytest.mark.parametrize("wrong", ["A", "AA=", "A A==", "ü", 5, None, ["AA=="]])
def test_bad_base64_is_refused_with_its_place(wrong: Any) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        payload_parsing.parse_spec({"list": [1, {"$base64": wrong}]})
    assert [problem.path for problem in refusal.value.problems] == ["list.1.$base64"]


def test_files_are_counted_by_who_has_looked_into_their_archive() -> None:
    spec = payload_parsing.parse_spec({"blob": "ab" * 32, "format": "files"})
    assert spec == payloads.StoredSpec("files", "ab" * 32) and payloads.count(spec) == 0
    known = payloads.StoredSpec("files", "ab" * 32, FileExtents(array("I", [5, 0, 7])))
    assert payloads.count(known) == 3 and not payloads.is_generated(known)
    assert payloads.carried_bytes(known, 0, 3) == 15 and payloads.carried_bytes(known, 1, 2) == 1
    assert [payloads.fitting(known, 0, 3, limit) for limit in (5, 6, 7, 14, 15)] == [0, 1, 2, 2, 3]
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
        ({"blob": "ab" * 32, "format": "xml"}, "format"),
        ({"blob": "ab" * 32, "format": ["csv"]}, "format"),
        ({"blob": "ab" * 32, "format": "lines", "numbers": []}, "numbers"),
        ({"blob": "ab" * 32, "format": "csv", "numbers": "n"}, "numbers"),
        ({"blob": "ab" * 32, "format": "csv", "numbers": ["n", 5]}, "numbers"),
        ({"blob": "ab" * 32, "format": "csv", "numbers": ["n", "n"]}, "numbers"),
        ({"blob": "ab" * 32, "format": "files", "names": []}, "names"),
        ({"format": "files"}, "format"),
    ],
)
def test_a_wrong_blob_spec_is_refused_with_its_place(spec: Any, path: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        payload_parsing.parse_spec(spec)
    assert [problem.path for problem in refusal.value.problems] == [path]


@given(st.integers(1, 5), st.data())
def test_a_zip_is_its_axes_side_by_side_and_constants_repeat(length: int, data: st.DataObject) -> None:
    axis = st.one_of(
        st.lists(SCALAR, min_size=length, max_size=length),
        st.integers(-9, 9).map(lambda start: {"range": [start, start + length]}),
        st.floats(-5, 5).map(lambda first: {"linspace": [first, first + 1, length]}),
        SCALAR.filter(lambda scalar: not isinstance(scalar, str)),
    )
    body = data.draw(st.dictionaries(st.text(max_size=4), axis, max_size=3)) | {"n": list(range(length))}
    spec = payload_parsing.parse_spec({"zip": body})
    columns = {key: axis_values(axis) for key, axis in body.items()}
    expected = [
        {key: values[at if isinstance(body[key], list | dict) else 0] for key, values in columns.items()}
        for at in range(length)
    ]
    assert decoded(spec) == expected
    assert payloads.count(spec) == length and payloads.is_generated(spec)


DRAWS = {
    "x": {"uniform": [-1, 2.5]},
    "n": {"range": [0, 12, 3]},
    "c": ["a", "b"],
    "p": {"linspace": [0, 1, 3]},
    "k": "z",
}


GOLDEN = [
    {"x": 1.607480732688218, "n": 0, "c": "a", "p": 0.5, "k": "z"},
    {"x": 1.397549998291821, "n": 9, "c": "a", "p": 0.0, "k": "z"},
]
GOLDEN_OF_A_TEXT = [{"n": 178539507116073}, {"n": 811282327239151}]


def drawn(count: int, seed: object = 7, **axes: object) -> list[Any]:
    body = {"count": count, "seed": seed} | (axes or DRAWS)
    return decoded(payload_parsing.parse_spec({"random": body}))


def test_what_is_drawn_stays_what_it_is() -> None:
    assert drawn(2) == GOLDEN
    assert drawn(2, "seven", n={"range": [0, 10**15]}) == GOLDEN_OF_A_TEXT


@given(st.integers(0, 10**12 - 1), st.integers())
def test_a_draw_is_of_its_axis_and_depends_on_its_own_key_alone(index: int, seed: int) -> None:
    seed %= 2**53
    spec = payload_parsing.parse_spec({"random": {"count": 10**12, "seed": seed, **DRAWS}})
    payload = json.loads(payloads.payload_at(spec, index))
    assert list(payload) == list(DRAWS)
    assert -1 <= payload["x"] < 2.5 and payload["n"] in (0, 3, 6, 9) and payload["c"] in ("a", "b")
    assert payload["p"] in (0.0, 0.5, 1.0) and payload["k"] == "z"
    alone = payload_parsing.parse_spec({"random": {"count": index + 1, "seed": seed, "x": DRAWS["x"]}})
    assert json.loads(payloads.payload_at(alone, index)) == {"x": payload["x"]}


def test_draws_are_spread_evenly_and_seeds_and_keys_differ() -> None:
    rows = drawn(4_000)
    assert sum(row["c"] == "a" for row in rows) == pytest.approx(2_000, abs=200)
    assert sum(row["x"] for row in rows) / 4_000 == pytest.approx(0.75, abs=0.1)
    for other in (drawn(20, 8, x=DRAWS["x"]), [{"x": row["y"]} for row in drawn(20, 7, y=DRAWS["x"])]):
        assert not {row["x"] for row in other} & {row["x"] for row in rows[:20]}


def test_a_uniform_draw_never_reaches_its_end_by_rounding() -> None:
    last = math.nextafter(1.0, 2.0)
    assert {row["x"] for row in drawn(100, x={"uniform": [1.0, last]})} == {1.0}


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"zip": []}, "zip"),
        ({"zip": {}}, "zip"),
        ({"zip": {"a": 1}}, "zip"),
        ({"zip": {"a": [1, 2], "b": [1]}}, "zip"),
        ({"zip": {"a": [1, 2], "b": {"range": [0]}}}, "zip.b.range"),
        ({"random": 3}, "random"),
        ({"random": {"count": 3, "seed": 1}}, "random"),
        ({"random": {"count": 0, "seed": 1, "a": 1}}, "random.count"),
        ({"random": {"count": True, "seed": 1, "a": 1}}, "random.count"),
        ({"random": {"count": 10**13, "seed": 1, "a": 1}}, "random.count"),
        ({"random": {"seed": 1, "a": 1}}, "random.count"),
        ({"random": {"count": 3, "a": 1}}, "random.seed"),
        ({"random": {"count": 3, "seed": 1.5, "a": 1}}, "random.seed"),
        ({"random": {"count": 3, "seed": "s" * 201, "a": 1}}, "random.seed"),
        ({"random": {"count": 3, "seed": 1, "a": {"uniform": [1]}}}, "random.a.uniform"),
        ({"random": {"count": 3, "seed": 1, "a": {"uniform": [1, 1]}}}, "random.a.uniform"),
        ({"random": {"count": 3, "seed": 1, "a": {"uniform": [0, 1e301]}}}, "random.a.uniform"),
        ({"random": {"count": 3, "seed": 1, "a": {"uniform": [0, True]}}}, "random.a.uniform"),
        ({"grid": {"a": {"uniform": [0, 1]}}}, "grid.a"),
    ],
)
def test_zips_and_draws_that_cannot_be_made_are_refused_by_name(spec: Any, path: str) -> None:
    with pytest.raises(InvalidDocument) as problem:
        payload_parsing.parse_spec(spec)
    assert problem.value.problems[0].path == path
