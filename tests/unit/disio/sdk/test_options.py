"""What submitters say, as a task document has it."""

from typing import Any

import pytest

from disio.sdk.errors import BadArgument
from disio.sdk.options import name_of, payloads_of, policy_of
from disio.sdk.shapes import plain, wrapped
from disio_shared.taskdoc import Policy


def test_options_are_the_policy_and_what_a_client_must_offer() -> None:
    assert policy_of({}) == {}
    given: dict[str, Any] = {"priority": 3, "memory_mb": 128, "kinds": ("cli",), "deadline": None}
    assert policy_of(given) == {"priority": 3, "requires": {"memory_mb": 128, "kinds": ["cli"]}}
    for name in Policy.__struct_fields__:
        if name != "requires":
            assert policy_of({name: 1}) == {name: 1}
    with pytest.raises(TypeError, match=r"there is no option 'prio'; there are compare, deadline, "):
        policy_of({"prio": 1})


@pytest.mark.parametrize(
    ("given", "spec"),
    [
        (range(2, 10, 3), {"range": [2, 10, 3]}),
        ([1, "x", {"a": None}], {"list": [1, "x", {"a": None}]}),
        ((1, (2, 3)), {"list": [1, (2, 3)]}),
        ([b"\x00"], {"list": [{"$base64": "AA=="}]}),
        ({"grid": {"a": [1]}}, {"grid": {"a": [1]}}),
    ],
)
def test_payloads(given: object, spec: dict[str, Any]) -> None:
    assert payloads_of(given) == spec


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ([float("nan")], r"payloads\[0\] is nan"),
        ([1, {"a": {2}}], r"payloads\[1\]\.a is of type set.*use sorted"),
        ([{1: 2}], r"a key of payloads\[0\] is 1 \(int\)"),
        ([["\ud800"]], r"payloads\[0\]\[0\] is a string with half a surrogate pair"),
        ([{"a": b"x"}], r"payloads\[0\]\.a is of type bytes"),
        (iter([1]), "for other iterables there is map"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_its_place(given: object, place: str) -> None:
    with pytest.raises(BadArgument, match=place):
        payloads_of(given)


def test_names_are_made_fit() -> None:
    assert name_of("a\nb") == "a?b" and name_of("") == "untitled" and len(name_of("x" * 500)) == 200


def test_bytes_are_what_stands_for_them() -> None:
    for raw in (b"", b"\x00\xff", bytearray(b"x"), memoryview(b"y")):
        assert plain(wrapped(raw)) == bytes(raw)
    others: list[Any] = [{"$base64": 3}, {"$base64": "not base64"}, {"$base64": "AA==", "more": 1}, "AA==", None]
    assert [plain(value) for value in others] == others
