"""Values survive the trip to bytes and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_shared.values import as_json, decode_value, encode_value, is_valid_value

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON | st.binary())
def test_a_value_comes_back_as_it_went(value: Any) -> None:
    data = encode_value(value)
    assert is_valid_value(data)
    assert decode_value(data) == value


@given(st.binary())
def test_any_bytes_are_judged_without_an_exception(data: bytes) -> None:
    if is_valid_value(data):
        assert encode_value(decode_value(data)) is not None
    else:
        with pytest.raises(ValueError):
            decode_value(data)


def test_json_text_stays_as_it_was_written() -> None:
    assert bytes(as_json(b"1.50")) == b"1.50"


def test_raw_bytes_show_as_base64() -> None:
    assert json.loads(bytes(as_json(encode_value(b"\x00\xff")))) == {"$base64": "AP8="}


@pytest.mark.parametrize("value", [object(), "\ud800", {"a": [object()]}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        encode_value(value)


def test_deep_nesting_is_refused_not_a_crash() -> None:
    assert not is_valid_value(b"[" * 100_000 + b"]" * 100_000)
