"""What is wrong with a document, said to whoever wrote it.

Rule: the one place that reads the messages of msgspec, and nobody is shown them. Types are in plain words, and what may
stand there instead is told where it is known.
"""

import difflib
import re
from collections.abc import Callable
from typing import Any

import msgspec

from disio_shared.errors import FieldProblem

_WHERE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "bytes": "text in base64",
    "null": "null",
    "date": "a date",
    "time": "a time of day",
    "datetime": "a date with a time",
}
"""What msgspec calls a type, and we do."""
_GOT = {"int": "a number", "float": "a number"}
_PARTS = {"str": "characters", "array": "items", "object": "fields", "bytes": "bytes"}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}
_LONGEST = 400
"""Characters of a message."""


def problem_of(error: msgspec.ValidationError, kind: Any, whole: str = "the document", given: str = "") -> FieldProblem:
    """Return what is wrong and where; the message goes on from the path: ``priority`` ``must be a whole number``.

    Args:
        error: That a document was refused with.
        kind: The type that it was to have: tells what may be written.
        whole: What the document is called; empty = the message begins with the verb.
        given: What was written, if that is short enough to be shown.
    """
    found = _WHERE.fullmatch(str(error))
    assert found is not None, "everything matches"
    at = _type_at(kind, found["path"] or "")
    path = re.sub(r"\[(\d+)\]", r".\1", (found["path"] or "").replace("[...]", "")).removeprefix(".")
    message = f"a key {_message(found['what'], None)}" if found["key"] else _message(found["what"], at)
    if given and not path:
        message = re.sub(r", not [^,]*$", f", not {given}", message)
    named = re.fullmatch(r"Object (?:contains unknown|missing required) field `(.+)`", found["what"], re.DOTALL)
    if named is not None:
        path = f"{path}.{named[1]}" if path else named[1]
    return FieldProblem(_line(path), _line(message) if path or not whole else f"{whole} {_line(message)}")


def not_json(error: Exception) -> str:
    """Return why bytes are no JSON, as a predicate: ``is not JSON: it ends too early``."""
    if isinstance(error, UnicodeDecodeError):
        return "is not JSON: its text is not UTF-8"
    if isinstance(error, RecursionError):
        return "is not JSON: it is nested too deeply"
    if "truncated" in str(error):
        return "is not JSON: it ends too early"
    if "out of range" in str(error):
        return "is not JSON: a number in it is too large"
    at = re.search(r"\(byte (\d+)\)", str(error))
    problem = "something does not belong there" if at is None else f"something near byte {at[1]} does not belong there"
    return f"is not JSON: {problem}"


def _message(what: str, kind: Any) -> str:
    """Return msgspec's message about what has, or should have had, this type in our words."""
    for pattern, say in _RULES:
        if found := pattern.fullmatch(what):
            return say(found, kind)
    return "is not what belongs there"


def _of_another_type(found: re.Match[str], kind: Any) -> str:
    choices = _choices(kind)
    wanted = f"one of {choices}" if choices else _type(found[1])
    if found[2] == "float" and "int" in found[1].split(" | "):
        return f"must be {wanted}, not one with a fraction"
    return f"must be {wanted}, not {_GOT.get(found[2]) or _type(found[2])}"


def _none_of(found: re.Match[str], kind: Any) -> str:
    choices = _choices(kind)
    return f"must be one of {choices}, not {found[1]}" if choices else f"cannot be {found[1]}"


def _unknown(found: re.Match[str], kind: Any) -> str:
    fields = [field.encode_name for each in _members(kind) for field in getattr(each, "fields", ())]
    close = difflib.get_close_matches(found[1], fields, n=1)
    if close:
        return f"is not known here; did you mean {close[0]}?"
    return "is not known here" + (f"; what is: {', '.join(fields)}" if fields else "")


_RULES: list[tuple[re.Pattern[str], Callable[[re.Match[str], Any], str]]] = [
    (re.compile(pattern, re.DOTALL), say)
    for pattern, say in (
        (r"Expected `(.+)`, got `(.+)`", _of_another_type),
        (r"Expected `.+` ([<>]=?) (.+)", lambda found, _: f"must be {_BOUNDS[found[1]]} {found[2].removesuffix('.0')}"),
        (
            r"Expected `(\w+).*` of length (?:([<>]=?) )?(\d+)",
            lambda found, _: f"must have {_BOUNDS.get(found[2], 'exactly')} {found[3]} {_PARTS.get(found[1], 'parts')}",
        ),
        (r"Expected `.+` that's a multiple of (.+)", lambda found, _: f"must be a multiple of {found[1]}"),
        (r"Expected `.+` matching regex (.+)", lambda found, _: f"must match the pattern {found[1]}"),
        (r"Invalid enum value (.+)", _none_of),
        (r"Object contains unknown field `(.+)`", _unknown),
        (r"Object missing required field `.+`", lambda *_: "is missing"),
        (r"Number out of range", lambda *_: "is a number too large to be kept"),
        (r"Invalid base64 encoded string", lambda *_: "is not base64"),
    )
]


def _type(names: str) -> str:
    """Return the words for a type, or several."""
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | "))


def _choices(kind: Any) -> str:
    """Return the values of a choice in words; nothing when the type is none."""
    return ", ".join(str(value) for each in _members(kind) for value in getattr(each, "values", ()))


def _line(text: str) -> str:
    """Return text on one line, without what a terminal would take for a command, and not too long."""
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def _members(kind: Any) -> tuple[Any, ...]:
    """Return the types of a union; of any other type itself."""
    return tuple(getattr(kind, "types", (kind,)))


def _type_at(kind: Any, path: str) -> Any:
    """Return the type of what is at a path of a document of this type; None = unknown."""
    found: Any = msgspec.inspect.type_info(kind)
    for step in re.findall(r"\[[^\]]*\]|[^.\[]+", path):
        found = next(filter(None, (_type_within(each, step) for each in _members(found))), None)
    return found


def _type_within(kind: Any, step: str) -> Any:
    """Return the type of a field, or of what is in a list or a mapping."""
    if step.startswith("["):
        return getattr(kind, "item_type", None) or getattr(kind, "value_type", None)
    return next((field.type for field in getattr(kind, "fields", ()) if field.encode_name == step), None)
