"""What a conformance unit is: one question, written in every language where it makes sense, and the one right answer.

Rule: a case is data. It names no client and no engine; whoever runs it must come to what it says.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from disio_shared.messages import Terms
from disio_shared.values import decode_value

LANGUAGES = {"js": "javascript", "classic": "javascript", "wat": "wasm", "wasm": "wasm", "python": "python"}
"""How a case may be written, and what the client is told that it is."""
FAILED = "failed"
"""The kind of every ending where nobody tells kinds apart."""
SHOWN = 300


@dataclass(frozen=True)
class Ending:
    """How a unit ends that returns no value."""

    kind: str
    """``error``, ``timeout``, ``memory``, ``result`` or ``crash``."""
    text: str = ""
    """A regular expression that the message matches somewhere."""


@dataclass(frozen=True)
class Case:
    """One conformance unit."""

    name: str
    sources: dict[str, str]
    """Form (a key of ``LANGUAGES``) to source; of ``wasm`` a file of the repository."""
    payloads: list[Any] = field(default_factory=lambda: [None])
    """JSON values or bytes."""
    expected: list[Any] = field(default_factory=list)
    """What comes of each payload: a value, bytes or an ``Ending``."""
    differs: dict[str, list[Any]] = field(default_factory=dict)
    """Known differences, listed in docs/conformance.md: form or runner to what comes of it there."""
    first_index: int = 0
    state: Any = None
    """What an earlier client saved for the first payload."""
    states: list[Any] | None = None
    """What is saved, in order; None = not looked at."""
    progress: list[float] | None = None
    logs: dict[str, list[str]] = field(default_factory=dict)
    """By form; those that are not here are not looked at."""
    timeout_s: float = 20.0
    memory_mb: int = 64
    terms: Terms = field(default_factory=Terms)
    only: tuple[str, ...] = ()
    """Runners that can tell; empty = all."""

    alone: bool = False
    """It has to be the only unit of its task: its name counts, or it does not load."""

    @property
    def indexes(self) -> list[int]:
        return [self.first_index + at for at in range(len(self.payloads))]

    def expected_of(self, form: str, runner: str = "") -> list[Any]:
        return self.differs.get(runner) or self.differs.get(form) or self.expected

    def __repr__(self) -> str:
        return self.name


def unit(name: str, /, **fields: Any) -> Case:
    """Make a case; arguments named as a form of ``LANGUAGES`` are its sources."""
    sources = {form: fields.pop(form) for form in LANGUAGES if form in fields}
    return Case(name=name, sources=sources, **fields)


@dataclass
class Answer:
    """What a runner made of a case in one form."""

    outcomes: dict[int, bytes | Ending] = field(default_factory=dict)
    """Index to the value in wire form, or the ending with its whole message."""
    states: list[bytes] = field(default_factory=list)
    """Saved states, in order."""
    progress: list[float] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    works_on: bool = False
    """The same client ran a plain unit right after it."""

    @property
    def is_plain(self) -> bool:
        """Tell whether this is the right answer to ``PLAIN``."""
        return self.outcomes == {0: b"2"}


PLAIN = unit("a plain unit afterwards", js="export default (n) => n + 1", payloads=[1], expected=[2])
"""What a client runs after each case, to show that it still can."""


def canonical(value: Any) -> str:
    """Return a text that is equal for equal answers: whole floats are integers, but for -0; keys have no order."""
    if isinstance(value, bytes):
        return "bytes " + value.hex()
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer() and not (value == 0 and math.copysign(1, value) < 0):
        return int(value)
    return value


def difference(expected: Any, seen: bytes | Ending | None) -> str | None:
    """Tell how an outcome differs from what is expected; None = it does not."""
    if seen is None:
        return "no answer"
    if isinstance(expected, Ending) or isinstance(seen, Ending):
        return _ending_difference(expected, seen)
    right, found = canonical(expected), canonical(decode_value(seen))
    if right == found:
        return None
    return f"expected {_short(right)}, got {_short(found)} ({_short(repr(seen))})"


def _ending_difference(expected: Any, seen: bytes | Ending) -> str | None:
    if not isinstance(seen, Ending):
        return f"expected {expected}, got the value {_short(repr(seen))}"
    if not isinstance(expected, Ending):
        return f"expected a value, got {seen.kind}: {seen.text[:SHOWN]}"
    if expected.kind == seen.kind and re.search(expected.text, seen.text, re.DOTALL):
        return None
    return f"expected {expected.kind} /{expected.text}/, got {seen.kind}: {_short(seen.text)}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"
