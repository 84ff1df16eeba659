"""Generated payloads by the batch: the same bytes as one by one, at a fraction of the time.

Rule: pure; what is kept from one payload to the next is no more than the values of one batch.
"""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from disio_shared.axes import Axis, Span, Uniform, axis_length, axis_value
from disio_shared.drawing import Source
from disio_shared.values import encode_value

ValueText = Callable[[int], bytes]
"""Value ``at`` of an axis as JSON text."""


def grid_texts(keys: Iterable[str], axes: Iterable[Axis], indexes: Iterable[int]) -> list[bytes]:
    """Return payloads of a grid: indexes that follow each other share the text of all axes but the last."""
    levels = [_Level(key, axis, is_first=not at) for at, (key, axis) in enumerate(zip(keys, axes, strict=True))]
    for lower, upper in pairwise(levels):
        upper.above = lower
    return [levels[-1].text(index) + b"}" for index in indexes]


def zip_texts(keys: Iterable[str], axes: Iterable[Axis], indexes: Iterable[int]) -> list[bytes]:
    """Return payloads of a zip."""
    fields = [(_head(key), _value_text(axis), axis_length(axis) > 1) for key, axis in zip(keys, axes, strict=True)]
    return [
        b"{" + b",".join([head + value(index if moves else 0) for head, value, moves in fields]) + b"}"
        for index in indexes
    ]


def random_texts(seed: str, keys: Iterable[str], axes: Iterable[Axis | Uniform], indexes: Iterable[int]) -> list[bytes]:
    """Return payloads whose fields are drawn."""
    fields = [(_head(key), _drawn_text(Source(seed, key), axis)) for key, axis in zip(keys, axes, strict=True)]
    return [b"{" + b",".join([head + value(index) for head, value in fields]) + b"}" for index in indexes]


class _Level:
    """One axis of a grid, with the text of all axes before it as it was last."""

    def __init__(self, key: str, axis: Axis, is_first: bool) -> None:
        self._head = _head(key) if is_first else b"," + _head(key)
        self._value, self._length = _value_text(axis), axis_length(axis)
        self._index, self._text = -1, b""
        self.above: _Level | None = None

    def text(self, index: int) -> bytes:
        if index != self._index:
            higher, at = divmod(index, self._length)
            before = b"{" if self.above is None else self.above.text(higher)
            self._index, self._text = index, before + self._head + self._value(at)
        return self._text


def _head(key: str) -> bytes:
    return encode_value(key) + b":"


def _value_text(axis: Axis) -> ValueText:
    if isinstance(axis, Span):
        start, step = axis.start, axis.step
        return lambda at: b"%d" % (start + at * step)
    known: dict[int, bytes] = {}

    def text(at: int) -> bytes:
        found = known.get(at)
        if found is None:
            found = known[at] = encode_value(axis_value(axis, at))
        return found

    return text


def _drawn_text(source: Source, axis: Axis | Uniform) -> ValueText:
    if isinstance(axis, Uniform):
        return lambda index: encode_value(uniform(axis, source, index))
    value, length = _value_text(axis), axis_length(axis)
    return lambda index: value(source.below(index, length))


def uniform(axis: Uniform, source: Source, index: int) -> float:
    """Return a draw from an interval; rounding may reach the end, which is not drawn."""
    drawn = axis.first + (axis.last - axis.first) * source.fraction(index)
    return min(drawn, math.nextafter(axis.last, axis.first))


def drawn(axis: Axis | Uniform, source: Source, index: int) -> Any:
    """Return one draw."""
    if isinstance(axis, Uniform):
        return uniform(axis, source, index)
    return axis_value(axis, source.below(index, axis_length(axis)))
