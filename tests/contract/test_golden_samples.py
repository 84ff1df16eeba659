"""The golden samples decode to exactly the messages they were made from, and every message has one."""

import json
import pathlib
from typing import Any

import msgspec
import pytest

from disio_shared.errors import MalformedMessage
from disio_shared.messages import Message

from .make_samples import EXAMPLES, SAMPLES, UNIONS, readable, type_of, types_in

CASES = [
    pytest.param(name, message, id=f"{name}-{type_of(message)}") for name, all_ in EXAMPLES.items() for message in all_
]


def _sample(name: str, message: Message, ending: str) -> pathlib.Path:
    return SAMPLES / name / f"{type_of(message)}.{ending}"


@pytest.mark.parametrize(("name", "message"), CASES)
def test_a_sample_decodes_to_its_message_and_encodes_back_to_the_same_bytes(name: str, message: Message) -> None:
    codec = UNIONS[name][1]
    data = _sample(name, message, "msgpack").read_bytes()
    assert codec.decode(data) == message
    assert codec.encode(message) == data


@pytest.mark.parametrize(("name", "message"), CASES)
def test_the_readable_sample_says_the_same_as_the_bytes(name: str, message: Message) -> None:
    assert json.loads(_sample(name, message, "json").read_text(encoding="utf-8")) == readable(message)


@pytest.mark.parametrize(("name", "message"), CASES)
def test_unknown_fields_are_ignored_and_unknown_types_refused(name: str, message: Message) -> None:
    codec = UNIONS[name][1]
    raw: dict[str, Any] = msgspec.msgpack.decode(_sample(name, message, "msgpack").read_bytes(), strict=False)
    assert codec.decode(msgspec.msgpack.encode(raw | {"of_a_later_version": 1})) == message
    with pytest.raises(MalformedMessage):
        codec.decode(msgspec.msgpack.encode(raw | {"type": "of_a_later_version"}))


@pytest.mark.parametrize("name", UNIONS)
def test_every_member_of_the_union_has_a_sample_and_no_sample_is_left_over(name: str) -> None:
    types = types_in(UNIONS[name][0])
    assert {type_of(message) for message in EXAMPLES[name]} == types
    assert {path.name for path in (SAMPLES / name).iterdir()} == {
        f"{t}.{end}" for t in types for end in ("json", "msgpack")
    }


@pytest.mark.parametrize(("name", "message"), CASES)
def test_a_sample_sets_every_field_away_from_its_default(name: str, message: Message) -> None:
    for field in msgspec.structs.fields(message):
        default = field.default if field.default is not msgspec.NODEFAULT else None
        # The one field of Grant that excludes the others: a grant with blocks waits for nothing.
        if (type_of(message), field.name) != ("grant", "waiting"):
            assert getattr(message, field.name) != default, field.name
