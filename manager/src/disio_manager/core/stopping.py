"""Which results satisfy the condition that a task stops at.

Rule: a result is looked at once, when it becomes the canonical one, and what was found is stored with it.
"""

import base64
import operator
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import UNSET

from disio_shared.task_parts import COMPARISONS, Condition, StopWhen
from disio_shared.values import RAW_KEY, decode_value

STOPPED = "stop_when"
"""``TaskRecord.ended_by`` of a task that is done because enough results satisfy its condition."""
Check = Callable[[Any], bool]
"""Tells whether a decoded result is so."""
_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "above": operator.gt,
    "at_least": operator.ge,
    "below": operator.lt,
    "at_most": operator.le,
}


def matching(stop: StopWhen | None, values: Sequence[bytes]) -> list[int]:
    """Return the places of the wire values that satisfy a condition; none without one."""
    if stop is None:
        return []
    checks = [check for condition in stop.result for check in _checks(condition)]
    return [at for at, value in enumerate(values) if _satisfies(value, checks)]


def _satisfies(value: bytes, checks: Sequence[Check]) -> bool:
    try:
        result = decode_value(value)
    except ValueError:  # the link lets none through
        return False
    return all(check(result) for check in checks)


def _checks(condition: Condition) -> list[Check]:
    """Return one check for each comparison of a condition."""
    path = condition.path.split(".") if condition.path else []
    given = [(name, getattr(condition, name)) for name in COMPARISONS]
    return [_check(path, name, wanted) for name, wanted in given if wanted is not UNSET]


def _check(path: list[str], name: str, wanted: Any) -> Check:
    def holds(result: Any) -> bool:
        there = value_at(result, path)
        if name == "exists":
            return bool((there is not UNSET) == wanted)
        if there is UNSET:
            return False
        if name in _NUMBERS:
            return is_number(there) and _NUMBERS[name](there, wanted)
        return _is_same(there, wanted) == (name == "equals")

    return holds


def value_at(value: Any, path: Sequence[str]) -> Any:
    """Return what is at a path, or UNSET."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part, UNSET)
        elif isinstance(value, list) and part.isascii() and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return UNSET
    return value


def is_number(value: Any) -> bool:
    """Tell whether a decoded result is a JSON number: truth values are none."""
    return type(value) in (int, float)


def _is_same(there: Any, wanted: Any) -> bool:
    """Compare as JSON does: 1 is 1.0, true is not 1. Raw bytes are what stands for them in JSON, and nothing else."""
    if isinstance(there, bytes):
        return bool(wanted == {RAW_KEY: base64.b64encode(there).decode()})
    if isinstance(there, dict) and isinstance(wanted, dict):
        return there.keys() == wanted.keys() and all(_is_same(there[key], wanted[key]) for key in wanted)
    if isinstance(there, list) and isinstance(wanted, list):
        return len(there) == len(wanted) and all(map(_is_same, there, wanted))
    return bool(there == wanted) and isinstance(there, bool) == isinstance(wanted, bool)
