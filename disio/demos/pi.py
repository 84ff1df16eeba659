"""Hexadecimal digits of pi, computed by volunteers and checked here another way.

Rule: the check shares nothing with the work unit: units use the Bailey-Borwein-Plouffe formula (Bailey, Borwein,
Plouffe, "On the Rapid Computation of Various Polylogarithmic Constants", 1997), the check uses Machin's (1706).
"""

import itertools
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

DIGITS_PER_UNIT = 4
"""Doubles hold the formula's sum exactly enough for more, but four leave a wide margin at every position."""
KNOWN_START = "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89"
"""The first 64 hexadecimal digits after the point, as printed in Blowfish's tables (Schneier, 1993)."""


def task_document(digits: int) -> dict[str, Any]:
    """Return the task that computes at least ``digits`` hexadecimal digits after the point."""
    units = -(-digits // DIGITS_PER_UNIT)
    return {
        "name": f"pi, {units * DIGITS_PER_UNIT} hexadecimal digits",
        "tags": ["demo", "math"],
        "workunit": {"language": "javascript", "source": workunit_source()},
        "payloads": {"grid": {"n": {"range": [0, units * DIGITS_PER_UNIT, DIGITS_PER_UNIT]}, "count": DIGITS_PER_UNIT}},
        "policy": {"unit_timeout_s": 60},
    }


def workunit_source() -> str:
    """Return the work unit: a classic dis.io script."""
    return files("disio.demos").joinpath("pi.js").read_text(encoding="utf-8")


def known_digits(count: int) -> str:
    """Return the first ``count`` hexadecimal digits of pi after the point.

    Machin: pi/4 = 4 arctan(1/5) - arctan(1/239), in integers with 64 guard bits.
    """
    guard = 64
    one = 1 << (4 * count + guard)
    pi = 4 * (4 * _arctan_inverse(5, one) - _arctan_inverse(239, one))
    fraction = (pi - 3 * one) >> guard
    return f"{fraction:0{count}X}"


def _arctan_inverse(x: int, one: int) -> int:
    """Return arctan(1/x) times ``one``, by its Taylor series."""
    power = one // x
    total, divisor, sign = power, 1, 1
    while power:
        power //= x * x
        divisor += 2
        sign = -sign
        total += sign * (power // divisor)
    return total


def first_difference(found: Sequence[str]) -> int | None:
    """Return the position of the first wrong digit among unit results in index order, or None when all are right."""
    digits = "".join(found)
    known = known_digits(max(1, len(found) * DIGITS_PER_UNIT))
    pairs = itertools.zip_longest(digits, known)
    return next((at for at, (is_, should_be) in enumerate(pairs) if is_ != should_be), None)
