"""Axes: the values that one field of a generated payload takes.

Rule: ``axis_value(axis, at)`` is random access, and costs the same however long the axis is.
"""

from typing import Any

import msgspec


class Constant(msgspec.Struct, frozen=True):
    """One value."""

    value: Any


class Choice(msgspec.Struct, frozen=True):
    """A list."""

    values: tuple[Any, ...]


class Span(msgspec.Struct, frozen=True):
    """Integers ``start, start + step, ...``."""

    start: int
    step: int
    count: int


class Linspace(msgspec.Struct, frozen=True):
    """``count`` evenly spaced floats, both ends included."""

    first: float
    last: float
    count: int


class Uniform(msgspec.Struct, frozen=True):
    """Any float from ``first`` on and below ``last``; only drawn, for it has no order and no number of values."""

    first: float
    last: float


Axis = Constant | Choice | Span | Linspace


def axis_length(axis: Axis) -> int:
    """Return how many values an axis has."""
    if isinstance(axis, Constant):
        return 1
    if isinstance(axis, Choice):
        return len(axis.values)
    return axis.count


def axis_value(axis: Axis, at: int) -> Any:
    """Return value ``at`` of an axis, ``0 <= at < axis_length(axis)``."""
    if isinstance(axis, Constant):
        return axis.value
    if isinstance(axis, Choice):
        return axis.values[at]
    if isinstance(axis, Span):
        return axis.start + at * axis.step
    if axis.count == 1 or at == 0:
        return axis.first
    if at == axis.count - 1:
        return axis.last
    return axis.first + (axis.last - axis.first) * (at / (axis.count - 1))
