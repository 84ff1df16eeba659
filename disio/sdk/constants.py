"""Values as the Python text that makes them again.

Rule: pure; a text is given only for a value that it makes exactly, of exactly the same type.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_CHARS = 1 << 20
"""Characters of one constant."""
MAX_DEPTH = 50
ALIAS = "_disio_"
"""Stands before the name of a module that a text needs: ``import re as _disio_re``."""
Refer = Callable[[Any], str | None]
"""Returns the name of a function, class or module that is sent beside the text; None = it is none of these."""


class NoConstant(Exception):
    """There is no text for a value; says why."""


def text_of(value: Any, refer: Refer = lambda _: None) -> tuple[str, set[str]]:
    """Return the text that makes a value, and the modules that must be imported for it, under ``ALIAS``.

    Raises:
        NoConstant: There is none.
    """
    modules: set[str] = set()
    text = _text(value, refer, modules, 0)
    if len(text) > MAX_CHARS:
        raise NoConstant(f"has {len(text)} characters as text, at most {MAX_CHARS} are sent; pass it as an argument")
    return text, modules


def _text(value: Any, refer: Refer, modules: set[str], depth: int) -> str:
    if depth > MAX_DEPTH:
        raise NoConstant(f"is nested deeper than {MAX_DEPTH} levels, or holds itself")
    kind = type(value)
    if kind in _PLAIN or value is None or value is Ellipsis or value is NotImplemented:
        return repr(value)
    if kind is float or kind is complex:
        return _number(value)
    if kind in _HOLDERS:
        return _HOLDERS[kind](value, lambda part: _text(part, refer, modules, depth + 1))
    if kind in _IMPORTED:
        module, make = _IMPORTED[kind]
        modules.add(module)
        return make(value)
    name = refer(value)
    if name is None:
        inside = "holds" if depth else "is"
        raise NoConstant(f"{inside} an object of type {kind.__module__}.{kind.__qualname__}")
    return name


def _number(value: float | complex) -> str:
    if isinstance(value, complex):
        return f"complex({_number(value.real)}, {_number(value.imag)})"
    return repr(value) if value * 0 == 0 else f'float("{value!r}")'


def _sequence(left: str, right: str) -> Callable[[Any, Callable[[Any], str]], str]:
    return lambda value, text: left + ", ".join(map(text, value)) + right


def _tuple(value: tuple[Any, ...], text: Callable[[Any], str]) -> str:
    return f"({', '.join(map(text, value))}{',' if len(value) == 1 else ''})"


def _set(value: Any, text: Callable[[Any], str]) -> str:
    """Return the text of a set, its parts in an order that does not change from run to run."""
    inside = f"{{{', '.join(sorted(map(text, value)))}}}" if value else ""
    return inside if value and type(value) is set else f"{type(value).__name__}({inside})"


def _dict(value: dict[Any, Any], text: Callable[[Any], str]) -> str:
    return "{" + ", ".join(f"{text(key)}: {text(part)}" for key, part in value.items()) + "}"


def _pattern(value: "re.Pattern[Any]") -> str:
    return f"{ALIAS}re.compile({value.pattern!r}, {int(value.flags)})"


_PLAIN = frozenset({bool, int, str, bytes, range})
_HOLDERS: dict[type, Callable[[Any, Callable[[Any], str]], str]] = {
    list: _sequence("[", "]"),
    tuple: _tuple,
    set: _set,
    frozenset: _set,
    dict: _dict,
    bytearray: lambda value, _: repr(value),
    slice: lambda value, text: f"slice({text(value.start)}, {text(value.stop)}, {text(value.step)})",
}
_IMPORTED: dict[type, tuple[str, Callable[[Any], str]]] = {
    re.Pattern: ("re", _pattern),
    Decimal: ("decimal", lambda value: f"{ALIAS}decimal.{value!r}"),
    Fraction: ("fractions", lambda value: f"{ALIAS}fractions.{value!r}"),
}
