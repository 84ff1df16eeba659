"""Conditions on results: each comparison, paths, JSON equality, raw bytes."""

import base64
from typing import Any

import msgspec
import pytest

from disio_manager.core.stopping import matching
from disio_shared.task_parts import StopWhen, check_stop_when
from disio_shared.values import encode_value

RAW = b"\x01\xff"
SHOWN = {"$base64": base64.b64encode(RAW).decode()}
HOLDS: list[tuple[Any, list[dict[str, Any]]]] = [
    (1, [{"equals": 1}]),
    (1, [{"equals": 1.0}]),
    (1.0, [{"equals": 1}]),
    (True, [{"equals": True}]),
    (None, [{"equals": None}]),
    ("a", [{"equals": "a"}]),
    ({"a": [1, {"b": None}]}, [{"equals": {"a": [1.0, {"b": None}]}}]),
    ({"b": 1, "a": 2}, [{"equals": {"a": 2, "b": 1}}]),
    (2, [{"differs": 1}]),
    (True, [{"differs": 1}]),
    ("1", [{"differs": 1}]),
    (None, [{"differs": 0}]),
    (2, [{"above": 1}]),
    (1, [{"at_least": 1}]),
    (0.5, [{"below": 1}]),
    (-1e300, [{"at_most": -1}]),
    (2**60, [{"above": 1e18}]),
    (5, [{"above": 1, "below": 6, "differs": 4}]),
    ({"a": {"b": 3}}, [{"path": "a.b", "above": 2}]),
    ({"a": [1, {"b": 3}]}, [{"path": "a.1.b", "equals": 3}]),
    ({"0": "x"}, [{"path": "0", "equals": "x"}]),
    ([7, 8], [{"path": "1", "equals": 8}]),
    ({"a": None}, [{"path": "a", "exists": True}]),
    ({"a": 1}, [{"path": "b", "exists": False}]),
    ("text", [{"path": "a", "exists": False}]),
    ({"x": 1, "y": 2}, [{"path": "x", "equals": 1}, {"path": "y", "above": 1}]),
    ({"ü": 1}, [{"path": "ü", "exists": True}]),
    (RAW, [{"equals": SHOWN}]),
    (RAW, [{"differs": 1}]),
    (RAW, [{"exists": True}]),
]
HOLDS_NOT: list[tuple[Any, list[dict[str, Any]]]] = [
    (True, [{"equals": 1}]),
    (1, [{"equals": True}]),
    (0, [{"equals": False}]),
    (0, [{"equals": None}]),
    ("1", [{"equals": 1}]),
    ([1, 2], [{"equals": [1]}]),
    ([True], [{"equals": [1]}]),
    ({"a": 1}, [{"equals": {"a": 1, "b": 1}}]),
    ({"a": 1, "b": 1}, [{"equals": {"a": 1}}]),
    (1, [{"differs": 1.0}]),
    ({}, [{"path": "a", "differs": 1}]),
    (1, [{"above": 1}]),
    (True, [{"above": 0}]),
    ("5", [{"above": 1}]),
    (None, [{"at_most": 1}]),
    ([5], [{"above": 1}]),
    ({}, [{"path": "a", "above": 1}]),
    (5, [{"above": 1, "below": 5}]),
    ([1], [{"path": "1", "exists": True}]),
    ([1], [{"path": "-1", "exists": True}]),
    ([1], [{"path": "a", "exists": True}]),
    ([1], [{"path": "²", "exists": True}]),
    ({"a": 1}, [{"path": "a.b", "exists": True}]),
    ({"a.b": 1}, [{"path": "a.b", "exists": True}]),
    ({"a": None}, [{"path": "a", "exists": False}]),
    ({"x": 1, "y": 2}, [{"path": "x", "equals": 1}, {"path": "y", "above": 2}]),
    (RAW, [{"equals": {"$base64": "AA=="}}]),
    (RAW, [{"differs": SHOWN}]),
    (RAW, [{"above": 0}]),
    (RAW, [{"path": "$base64", "exists": True}]),
]


def stop(conditions: list[dict[str, Any]]) -> StopWhen:
    read = msgspec.convert({"result": conditions}, StopWhen)
    assert check_stop_when(read) == []
    return msgspec.msgpack.decode(msgspec.msgpack.encode(read), type=StopWhen)


@pytest.mark.parametrize(("result", "conditions"), HOLDS)
def test_it_holds(result: Any, conditions: list[dict[str, Any]]) -> None:
    assert matching(stop(conditions), [encode_value(result)]) == [0]


@pytest.mark.parametrize(("result", "conditions"), HOLDS_NOT)
def test_it_does_not_hold(result: Any, conditions: list[dict[str, Any]]) -> None:
    assert matching(stop(conditions), [encode_value(result)]) == []


def test_of_many_values_the_places_of_those_that_satisfy_it_are_named() -> None:
    values = [b"%d" % number for number in range(10)]
    assert matching(stop([{"above": 6}]), [b"not JSON", *values]) == [8, 9, 10]
    assert matching(None, values) == [] and matching(stop([{"exists": True}]), []) == []


def test_a_deep_result_is_compared_no_deeper_than_what_is_asked_for() -> None:
    deep = b"[" * 400 + b"]" * 400
    assert matching(stop([{"equals": [[]]}]), [deep]) == []
    assert matching(stop([{"path": ".".join(["0"] * 90), "exists": True}]), [deep]) == [0]
