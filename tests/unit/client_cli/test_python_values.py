"""Values of Python units in wire form, of native ones and of those in the sandbox, and what is refused."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_client.engines.python_module import describe, kind_of
from disio_client.engines.python_values import MAX_DEPTH, MAX_VALUE_BYTES, BadValue, decode_value, encode_value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
CYCLE: list[Any] = []
CYCLE.append(CYCLE)


class Matrix:
    """Has numpy's way out."""

    def tolist(self) -> list[int]:
        return [1]


def nested(depth: int, leaf: int = 1) -> list[Any]:
    """Return lists in each other, so many of them."""
    value: list[Any] = [leaf]
    for _ in range(depth - 1):
        value = [value]
    return value


class Count(int):
    """Is as good as a number."""


@given(value=JSON)
def test_a_json_value_is_written_so_that_json_reads_the_same(value: object) -> None:
    data = encode_value(value, "result")
    assert json.loads(data) == value
    assert decode_value(data) == value


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, b"null"),
        (True, b"true"),
        (10**30, b"1" + b"0" * 30),
        (2**53 + 1, b"9007199254740993"),
        ((1, [2.5]), b"[1,[2.5]]"),
        ({"ä": "€😀"}, '{"ä":"€😀"}'.encode()),
        (b"\x00\xff", b"\x00\x00\xff"),
        (bytearray(b"ab"), b"\x00ab"),
        (memoryview(b"ab"), b"\x00ab"),
    ],
)
def test_values_in_wire_form(value: object, data: bytes) -> None:
    assert encode_value(value, "result") == data


def test_bytes_and_large_integers_come_in_exactly() -> None:
    assert decode_value(b"\x00\x01\x02") == b"\x01\x02"
    assert decode_value(b"123456789012345678901234567890") == 123456789012345678901234567890


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "result is nan, which JSON cannot hold"),
        ({"a": [0, -math.inf]}, "result.a[1] is -inf"),
        ([{1, 2}], "result[0] is of type set, which JSON cannot hold; return sorted(x)"),
        ({"b": b"x"}, "result.b is of type bytes"),
        ({1: 2}, "a key of result is 1 (int); keys are str, so use str(x)"),
        ({"a": [1, {None: 4}]}, "a key of result.a[1] is None (NoneType)"),
        ((character for character in "x"), "result is of type generator, which JSON cannot hold; return list(x)"),
        (
            [memoryview(b"x")],
            "result[0] is of type memoryview, which JSON cannot hold; bytes can only be the whole result",
        ),
        (object(), "result is of type object"),
        (Matrix(), "return x.tolist()"),
        (1j, "result is of type complex"),
        ("\ud800", "half a surrogate pair"),
        ({"\udc00": 1}, "a key of result is a string with half"),
        (CYCLE, "is cyclic or nested deeper than 200"),
        (10**5000, "result cannot be written as JSON"),
        ("x" * MAX_VALUE_BYTES, f"the limit is {MAX_VALUE_BYTES}"),
        (bytes(MAX_VALUE_BYTES), f"result is {MAX_VALUE_BYTES} bytes; the limit is {MAX_VALUE_BYTES - 1}"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_value_is_refused_with_its_place(value: object, reason: str) -> None:
    with pytest.raises(BadValue) as caught:
        encode_value(value, "result")
    assert reason in str(caught.value)
    assert kind_of(caught.value) == "result"
    assert describe(caught.value) == str(caught.value)


def test_a_tasks_own_limit_counts_text_and_raw_bytes() -> None:
    assert encode_value("x" * 8, "result", 10) == b'"xxxxxxxx"'
    assert encode_value(bytes(10), "result", 10) == bytes(11)
    for value in ("x" * 9, bytes(11)):
        with pytest.raises(BadValue, match="result is 11 bytes; the limit is 10"):
            encode_value(value, "result", 10)


def test_a_value_may_be_as_deep_as_in_the_other_languages() -> None:
    for leaf in (1, Count(1)):
        assert json.loads(encode_value(nested(MAX_DEPTH, leaf), "result")) == nested(MAX_DEPTH)
    with pytest.raises(BadValue, match=f"nested deeper than {MAX_DEPTH} levels"):
        encode_value(nested(MAX_DEPTH + 1), "result")


def test_values_of_derived_types_are_what_they_derive_from() -> None:
    class Names(dict[str, Any]):
        pass

    assert encode_value(Names(a=[Count(3)]), "result") == b'{"a":[3]}'


@given(value=JSON, key=st.integers() | st.none() | st.booleans() | st.floats())
def test_keys_that_json_would_make_strings_of_are_refused_wherever_they_are(value: object, key: object) -> None:
    for odd in ({key: value}, [value, {"a": {key: value}}]):
        with pytest.raises(BadValue, match="keys are str"):
            encode_value(odd, "result")
