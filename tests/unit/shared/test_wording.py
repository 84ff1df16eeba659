"""What msgspec says of a wrong document, and what its writer is told."""

import datetime
import json
from typing import Annotated, Any, Literal, get_args

import msgspec
import pytest

from disio_shared.errors import InvalidDocument
from disio_shared.taskdoc import TaskDocument, parse_task
from disio_shared.wording import not_json, problem_of

Size = Annotated[int, msgspec.Meta(ge=1, le=3)]


class Part(msgspec.Struct, forbid_unknown_fields=True):
    color: Literal["red", "blue"] = "red"
    level: Literal[1, 2] = 1


class Sample(msgspec.Struct, forbid_unknown_fields=True):
    """Every kind of field that msgspec checks."""

    needed: bool
    whole: int = 0
    number: float = 0.0
    maybe: int | None = None
    text: str = ""
    raw: bytes = b""
    day: datetime.date = datetime.date(2020, 1, 1)
    names: list[str] = []
    parts: list[Part] = []
    by_name: dict[str, Part] = {}
    by_number: dict[int, str] = {}
    size: Size = 1
    maybe_size: Size | None = None
    share: Annotated[float, msgspec.Meta(gt=0, lt=2)] = 1.0
    step: Annotated[float, msgspec.Meta(multiple_of=0.5)] = 1.0
    code: Annotated[str, msgspec.Meta(min_length=2, max_length=3)] = "ab"
    word: Annotated[str, msgspec.Meta(pattern="^a")] = "a"
    few: Annotated[list[int], msgspec.Meta(max_length=1)] = []
    pair: tuple[int, int] = (1, 2)
    filled: Annotated[dict[str, int], msgspec.Meta(min_length=1)] = msgspec.field(default_factory=lambda: {"a": 1})


TABLE: list[tuple[dict[str, Any], str, str]] = [
    ({"whole": "x"}, "whole", "must be a whole number, not text"),
    ({"whole": 1.5}, "whole", "must be a whole number, not one with a fraction"),
    ({"whole": True}, "whole", "must be a whole number, not true or false"),
    ({"whole": None}, "whole", "must be a whole number, not null"),
    ({"maybe": 1.5}, "maybe", "must be a whole number or null, not one with a fraction"),
    ({"maybe": "x"}, "maybe", "must be a whole number or null, not text"),
    ({"number": "x"}, "number", "must be a number, not text"),
    ({"needed": 1}, "needed", "must be true or false, not a number"),
    ({"text": 1}, "text", "must be text, not a number"),
    ({"text": 1.5}, "text", "must be text, not a number"),
    ({"raw": 1}, "raw", "must be text in base64, not a number"),
    ({"raw": "%"}, "raw", "is not base64"),
    ({"names": {}}, "names", "must be a list, not an object"),
    ({"names": ["a", 2]}, "names.1", "must be text, not a number"),
    ({"parts": [{}, []]}, "parts.1", "must be an object, not a list"),
    ({"parts": [{"color": "green"}]}, "parts.0.color", "must be one of blue, red, not 'green'"),
    ({"parts": [{"color": 3}]}, "parts.0.color", "must be one of blue, red, not a number"),
    ({"parts": [{"level": 3}]}, "parts.0.level", "must be one of 1, 2, not 3"),
    ({"parts": [{"colour": 3}]}, "parts.0.colour", "is not known here; did you mean color?"),
    ({"parts": [{"xyz": 3}]}, "parts.0.xyz", "is not known here; what is: color, level"),
    ({"by_name": {"a.b": {"level": 9}}}, "by_name.level", "must be one of 1, 2, not 9"),
    ({"by_name": {"a": 1}}, "by_name", "must be an object, not a number"),
    ({"by_number": {"x": "y"}}, "by_number", "a key must be a whole number, not text"),
    ({"by_number": {"1": 2}}, "by_number", "must be text, not a number"),
    ({"size": 0}, "size", "must be at least 1"),
    ({"size": 4}, "size", "must be at most 3"),
    ({"maybe_size": 4}, "maybe_size", "must be at most 3"),
    ({"share": 0}, "share", "must be above 0"),
    ({"share": 2}, "share", "must be below 2"),
    ({"step": 0.7}, "step", "must be a multiple of 0.5"),
    ({"code": "a"}, "code", "must have at least 2 characters"),
    ({"code": "abcd"}, "code", "must have at most 3 characters"),
    ({"word": "b"}, "word", "must match the pattern '^a'"),
    ({"few": [1, 2]}, "few", "must have at most 1 items"),
    ({"pair": [1]}, "pair", "must have exactly 2 items"),
    ({"filled": {}}, "filled", "must have at least 1 fields"),
    ({"wohle": 1}, "wohle", "is not known here; did you mean whole?"),
    ({"wh\nole\x1b": 1}, "wh\\nole\\x1b", "is not known here; did you mean whole?"),
    ({"day": "x"}, "day", "is not what belongs there"),
]


@pytest.mark.parametrize(("fields", "path", "message"), TABLE, ids=lambda value: str(value)[:50])
def test_a_wrong_field_is_told_in_plain_words(fields: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(json.dumps({"needed": True, **fields}), type=Sample)
    told = problem_of(refused.value, Sample)
    assert (told.path, told.message) == (path, message)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("{}", "needed", "is missing"),
        ("[]", "", "the document must be an object, not a list"),
        ("3", "", "the document must be an object, not a number"),
        ('"x"', "", "the document must be an object, not text"),
        ('{"needed": true, "number": 1e999}', "number", "is a number too large to be kept"),
    ],
)
def test_so_is_a_document_that_is_wrong_as_a_whole(text: str, path: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(text, type=Sample)
    told = problem_of(refused.value, Sample)
    assert (told.path, told.message) == (path, message)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("many", int, "must be a whole number, not 'many'"),
        ("many, or more", int, "must be a whole number, not 'many, or more'"),
        ("maybe", bool, "must be true or false, not 'maybe'"),
        ("x", Literal["a", "b"], "must be one of a, b, not 'x'"),
        (3, list[str], "must be a list, not 3"),
        (0, Size, "must be at least 1"),
    ],
)
def test_a_value_by_itself_is_shown(value: Any, kind: Any, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, kind, strict=False)
    told = problem_of(refused.value, kind, whole="", given=repr(value))
    assert (told.path, told.message) == ("", message)


def test_a_message_has_an_end() -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert("x" * 10_000, Literal["a"])
    assert len(problem_of(refused.value, Literal["a"], whole="").message) == 400


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not JSON: it ends too early"),
        (b"{", "is not JSON: it ends too early"),
        (b"{a}", "is not JSON: something near byte 1 does not belong there"),
        (b"1 2", "is not JSON: something near byte 3 does not belong there"),
        (b'"\xff"', "is not JSON: its text is not UTF-8"),
        (b'"\\x"', "is not JSON: something near byte 3 does not belong there"),
        (b"[" * 100_000, "is not JSON: it is nested too deeply"),
        (b"1e999", "is not JSON: a number in it is too large"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError, RecursionError)) as refused:
        msgspec.json.decode(data)
    assert not_json(refused.value) == message


def test_a_task_document_is_told_so() -> None:
    document = {"workunit": {"language": "python", "source": "x"}, "payloads": {}, "policy": {"priority": "high"}}
    with pytest.raises(InvalidDocument) as refused:
        parse_task(json.dumps(document).encode())
    assert str(refused.value) == "policy.priority: must be a whole number, not text"
    with pytest.raises(InvalidDocument, match="the document is not JSON: it ends too early"):
        parse_task(b"{")


def test_every_field_of_a_task_document_has_words_for_what_it_is() -> None:
    """No word of msgspec's own for a type is left: each field is given what it cannot be."""
    for name, info in _fields(TaskDocument):
        document: Any = {}
        *above, last = name.split(".")
        inner = document
        for part in above:
            inner = inner.setdefault(part, {"language": "wasm"} if part == "workunit" else {})
        inner[last] = {"$": 1} if info is not dict else 1
        with pytest.raises(msgspec.ValidationError) as refused:
            msgspec.json.decode(json.dumps(document), type=TaskDocument)
        told = problem_of(refused.value, TaskDocument)
        assert (told.path.partition("[")[0], "`" in told.message) == (name, False), told


def _fields(kind: Any, before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for field in msgspec.structs.fields(kind):
        name = before + field.name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found += [(name, dict), *_fields(field.type, f"{name}.")]
        elif any(isinstance(each, type) and issubclass(each, msgspec.Struct) for each in get_args(field.type)):
            found.append((name, dict))  # or null
        elif field.type is not Any:
            found.append((name, field.type))
    return found
