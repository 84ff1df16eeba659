"""Payload specs: which payloads a task has, without ever writing them all down.

Rule: ``payload_at(spec, i)`` is random access and pure; a generated spec costs the same memory for 10 payloads as for
10^9.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from disio_shared.axes import Axis, Span, Uniform, axis_length, axis_value
from disio_shared.drawing import Source
from disio_shared.extents import Extents, Unmeasured, fitting_sizes
from disio_shared.generating import drawn, grid_texts, random_texts, zip_texts
from disio_shared.values import encode_value

BlobKind = Literal["files", "lines", "ndjson", "csv"]
"""What a payload in a blob is: ``files`` the bytes of a member of an archive, ``lines`` a line of a text, as a text,
``ndjson`` the JSON on a line, ``csv`` a record below the header, as an object with one field a column."""
StoredKind = Literal["files", "lines", "ndjson", "csv", "values"]
"""Of a blob, or ``values``: of a growing task, which are given by and by."""


class ListSpec(msgspec.Struct, frozen=True):
    """Payloads written out, as wire values."""

    values: tuple[bytes, ...]


class RangeSpec(Span, frozen=True):
    """Integers ``start, start + step, ...``: the payload is the integer."""


class GridSpec(msgspec.Struct, frozen=True):
    """The Cartesian product of axes, last key fastest; a payload is an object with one field an axis."""

    keys: tuple[str, ...]
    axes: tuple[Axis, ...]


class ZipSpec(msgspec.Struct, frozen=True):
    """Axes side by side, all of one length or constant; a payload is an object with one field an axis."""

    keys: tuple[str, ...]
    axes: tuple[Axis, ...]
    count: int


class RandomSpec(msgspec.Struct, frozen=True):
    """Objects whose fields are drawn, each one from its axis and by itself; the seed says which come."""

    count: int
    seed: str
    """As JSON text."""
    keys: tuple[str, ...]
    axes: tuple[Axis | Uniform, ...]


class Chain(msgspec.Struct, frozen=True):
    """What of another task's results becomes payloads of a growing one."""

    source: str
    """Id of the other task."""
    stream: bool = False
    """They are taken as they come, in that order; else in index order when all are there."""
    batch: int = 0
    """So many results are one payload, as a list; 0 = each one is a payload as it is."""


class StoredSpec(msgspec.Struct, frozen=True):
    """Payloads that lie somewhere else: only who has them reads them."""

    kind: StoredKind
    blob: str = ""
    """SHA-256 of the upload that they are in, or empty."""
    extents: Extents = Unmeasured()
    """None until somebody has looked (a document alone does not tell how many there are)."""
    numbers: tuple[str, ...] = ()
    """Columns of ``csv`` whose cells are numbers, not texts."""
    task: str = ""
    """The growing task whose log they are in, or empty."""
    chain: Chain | None = None
    """Where those of a growing task come from; None: people give them."""


PayloadSpec = ListSpec | RangeSpec | GridSpec | ZipSpec | RandomSpec | StoredSpec


def count(spec: PayloadSpec) -> int:
    """Return how many payloads a spec has; 0 of stored ones that nobody has looked at."""
    if isinstance(spec, ListSpec):
        return len(spec.values)
    if isinstance(spec, StoredSpec):
        return len(spec.extents)
    if not isinstance(spec, GridSpec):
        return spec.count
    product = 1
    for axis in spec.axes:
        product *= axis_length(axis)
    return product


def payload_at(spec: PayloadSpec, index: int) -> bytes:
    """Return payload ``index`` as a wire value.

    Raises:
        IndexError: ``index`` is negative or not below ``count(spec)``.
        TypeError: They are stored, and read by whoever has them.
    """
    if not 0 <= index < count(spec):
        raise IndexError(f"payload {index} of {count(spec)}")
    if isinstance(spec, ListSpec):
        return spec.values[index]
    if isinstance(spec, RangeSpec):
        return encode_value(spec.start + index * spec.step)
    if isinstance(spec, StoredSpec):
        raise TypeError("stored payloads are read where they lie")
    return encode_value(dict(zip(spec.keys, _fields(spec, index), strict=True)))


def _fields(spec: GridSpec | ZipSpec | RandomSpec, index: int) -> list[Any]:
    if isinstance(spec, ZipSpec):
        return [axis_value(axis, index if axis_length(axis) > 1 else 0) for axis in spec.axes]
    if isinstance(spec, RandomSpec):
        return [drawn(axis, Source(spec.seed, key), index) for key, axis in zip(spec.keys, spec.axes, strict=True)]
    fields = []
    for axis in reversed(spec.axes):
        index, at = divmod(index, axis_length(axis))
        fields.append(axis_value(axis, at))
    return fields[::-1]


def payloads_at(spec: PayloadSpec, indexes: Sequence[int]) -> list[bytes]:
    """Return many payloads, ``0 <= index < count(spec)``; the quick way for batches."""
    if isinstance(spec, RangeSpec):
        return [b"%d" % (spec.start + index * spec.step) for index in indexes]
    if isinstance(spec, GridSpec):
        return grid_texts(spec.keys, spec.axes, indexes)
    if isinstance(spec, ZipSpec):
        return zip_texts(spec.keys, spec.axes, indexes)
    if isinstance(spec, RandomSpec):
        return random_texts(spec.seed, spec.keys, spec.axes, indexes)
    return [payload_at(spec, index) for index in indexes]


def iterate(spec: PayloadSpec) -> Iterator[bytes]:
    """Yield every payload in index order."""
    for index in range(count(spec)):
        yield payload_at(spec, index)


def is_generated(spec: PayloadSpec) -> bool:
    """Tell whether a distributor can make the payloads itself from the spec."""
    return not isinstance(spec, ListSpec | StoredSpec)


def carried_bytes(spec: PayloadSpec, start: int, stop: int) -> int:
    """Return how many bytes a run of payloads takes on the way to a distributor; 0 when they are generated."""
    if isinstance(spec, ListSpec):
        return sum(map(len, spec.values[start:stop]))
    return spec.extents.bytes_between(start, stop) if isinstance(spec, StoredSpec) else 0


def fitting(spec: PayloadSpec, start: int, stop: int, limit: int) -> int:
    """Return how many payloads from ``start`` on, up to ``stop``, are carried in at most ``limit`` bytes."""
    if isinstance(spec, ListSpec):
        return fitting_sizes(map(len, spec.values[start:stop]), limit)
    return spec.extents.fitting(start, stop, limit) if isinstance(spec, StoredSpec) else stop - start
