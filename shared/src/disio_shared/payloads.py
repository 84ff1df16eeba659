"""Payload specs: which payloads a task has, without ever writing them all down.

Rule: ``payload_at(spec, i)`` is random access and pure; a generated spec costs the same memory for 10 payloads as for
10^9. Sources: the ``list``, ``range`` and ``grid`` forms of the task document, and dis.io's ``"1-1337"`` shorthand.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from disio_shared.errors import FieldProblem, InvalidDocument
from disio_shared.values import RAW_KEY, RAW_MARK, encode_value

MAX_PAYLOADS = 10**12
"""Payloads of one task."""
MAX_LIST = 1_000_000
"""Payloads that a task document may hold itself."""
MAX_AXES = 64
_SHORTHAND = re.compile(r"([0-9]+)-([0-9]+)")
_SAFE_INTEGER = 2**53 - 1  # beyond it JSON numbers lose digits in JavaScript


class ListSpec(msgspec.Struct, frozen=True):
    """Payloads written out, as wire values."""

    values: tuple[bytes, ...]


class RangeSpec(msgspec.Struct, frozen=True):
    """Integers ``start, start + step, ...``."""

    start: int
    step: int
    count: int


class Constant(msgspec.Struct, frozen=True):
    """An axis with one value."""

    value: Any


class Choice(msgspec.Struct, frozen=True):
    """An axis that is a list."""

    values: tuple[Any, ...]


class Linspace(msgspec.Struct, frozen=True):
    """An axis of ``count`` evenly spaced floats, both ends included."""

    first: float
    last: float
    count: int


Axis = Constant | Choice | Linspace | RangeSpec


class GridSpec(msgspec.Struct, frozen=True):
    """The Cartesian product of axes, last key fastest; a payload is an object with one field an axis."""

    keys: tuple[str, ...]
    axes: tuple[Axis, ...]


class FilesSpec(msgspec.Struct, frozen=True):
    """Files of an uploaded archive: payload ``i`` is the bytes of its member ``i``."""

    blob: str
    """SHA-256 of the archive."""
    sizes: Sequence[int] = ()
    """Bytes of each member; none until somebody has looked into the archive (a document alone does not tell)."""


PayloadSpec = ListSpec | RangeSpec | GridSpec | FilesSpec
KNOWN_SPECS = ("list", "range", "grid", "blob")


def parse_spec(spec: Any) -> PayloadSpec:
    """Check a decoded ``payloads`` field.

    Raises:
        InvalidDocument: With paths relative to the field.
    """
    if isinstance(spec, dict) and "blob" in spec:
        return _parse_blob(spec)
    if not isinstance(spec, dict) or len(spec) != 1:
        raise _invalid("", f"must be an object with exactly one of {', '.join(KNOWN_SPECS)}")
    (form, body), *_ = spec.items()
    if form == "list":
        parsed: PayloadSpec = _parse_list(body)
    elif form == "range":
        parsed = _parse_range(body, "range")
    elif form == "grid":
        parsed = _parse_grid(body)
    else:
        raise _invalid(str(form), f"unknown payload spec; use one of {', '.join(KNOWN_SPECS)}")
    _check_count(parsed, form)
    return parsed


def count(spec: PayloadSpec) -> int:
    """Return how many payloads a spec has; 0 of files whose archive nobody has looked into."""
    if isinstance(spec, ListSpec):
        return len(spec.values)
    if isinstance(spec, FilesSpec):
        return len(spec.sizes)
    if isinstance(spec, RangeSpec):
        return spec.count
    product = 1
    for axis in spec.axes:
        product *= axis_length(axis)
    return product


def payload_at(spec: PayloadSpec, index: int) -> bytes:
    """Return payload ``index`` as a wire value.

    Raises:
        IndexError: ``index`` is negative or not below ``count(spec)``.
        TypeError: Files are read from their archive, by whoever has it.
    """
    if not 0 <= index < count(spec):
        raise IndexError(f"payload {index} of {count(spec)}")
    if isinstance(spec, ListSpec):
        return spec.values[index]
    if isinstance(spec, RangeSpec):
        return encode_value(spec.start + index * spec.step)
    if isinstance(spec, FilesSpec):
        raise TypeError("payloads that are files are read from their archive")
    chosen: dict[str, Any] = {}
    for key, axis in zip(reversed(spec.keys), reversed(spec.axes), strict=True):
        index, at = divmod(index, axis_length(axis))
        chosen[key] = axis_value(axis, at)
    return encode_value({key: chosen[key] for key in spec.keys})


def payloads_at(spec: PayloadSpec, indexes: Sequence[int]) -> list[bytes]:
    """Return many payloads; the quick way for batches."""
    if isinstance(spec, RangeSpec):
        return [b"%d" % (spec.start + index * spec.step) for index in indexes]
    return [payload_at(spec, index) for index in indexes]


def iterate(spec: PayloadSpec) -> Iterator[bytes]:
    """Yield every payload in index order."""
    for index in range(count(spec)):
        yield payload_at(spec, index)


def is_generated(spec: PayloadSpec) -> bool:
    """Tell whether a distributor can make the payloads itself from the spec."""
    return not isinstance(spec, ListSpec | FilesSpec)


def carried_bytes(spec: PayloadSpec, start: int, stop: int) -> int:
    """Return how many bytes a run of payloads takes on the way to a distributor; 0 when they are generated."""
    if isinstance(spec, ListSpec):
        return sum(map(len, spec.values[start:stop]))
    if isinstance(spec, FilesSpec):
        return sum(spec.sizes[start:stop]) + (stop - start) * len(RAW_MARK)
    return 0


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
    if isinstance(axis, RangeSpec):
        return axis.start + at * axis.step
    if axis.count == 1 or at == 0:
        return axis.first
    if at == axis.count - 1:
        return axis.last
    return axis.first + (axis.last - axis.first) * (at / (axis.count - 1))


def _parse_blob(spec: dict[str, Any]) -> FilesSpec:
    unknown = sorted(map(str, spec.keys() - {"blob", "format"}))
    if unknown:
        raise _invalid(unknown[0], "unknown field beside blob and format")
    if not isinstance(spec["blob"], str) or not re.fullmatch(r"[0-9a-f]{64}", spec["blob"]):
        raise _invalid("blob", "must be 64 lower-case hexadecimal digits")
    if spec.get("format") != "files":
        raise _invalid("format", 'must be "files": this version takes blobs in no other format')
    return FilesSpec(spec["blob"])


def _parse_list(body: Any) -> ListSpec:
    if not isinstance(body, list):
        raise _invalid("list", "must be a list")
    if len(body) > MAX_LIST:
        raise _invalid("list", f"has {len(body)} payloads, at most {MAX_LIST} fit in a task document")
    return ListSpec(tuple(_listed(value, at) for at, value in enumerate(body)))


def _listed(value: Any, at: int) -> bytes:
    """Return an item of a list as a wire value; ``{"$base64": "..."}`` stands for raw bytes."""
    if not isinstance(value, dict) or value.keys() != {RAW_KEY}:
        return encode_value(value)
    try:
        return encode_value(base64.b64decode(value[RAW_KEY], validate=True))
    except (TypeError, ValueError) as error:
        raise _invalid(f"list.{at}.{RAW_KEY}", f"must be base64 text: {error}") from error


def _parse_range(body: Any, path: str) -> RangeSpec:
    if not isinstance(body, list) or len(body) not in (2, 3):
        raise _invalid(path, "must be [start, stop] or [start, stop, step]")
    if any(not isinstance(part, int) or isinstance(part, bool) for part in body):
        raise _invalid(path, "must hold integers")
    start, stop, step = (*body, 1)[:3]
    if step == 0:
        raise _invalid(path, "step must not be 0")
    if max(abs(start), abs(stop)) > _SAFE_INTEGER:
        raise _invalid(path, f"must stay within +-{_SAFE_INTEGER}, the integers JavaScript keeps exactly")
    return RangeSpec(start, step, max(0, -(-(stop - start) // step)))


def _parse_grid(body: Any) -> GridSpec:
    if not isinstance(body, dict) or not body:
        raise _invalid("grid", "must be an object with at least one axis")
    if len(body) > MAX_AXES:
        raise _invalid("grid", f"has {len(body)} axes, at most {MAX_AXES}")
    axes = [_parse_axis(axis, f"grid.{key}") for key, axis in body.items()]
    return GridSpec(tuple(body), tuple(axes))


def _parse_axis(axis: Any, path: str) -> Axis:
    if isinstance(axis, list):
        if not axis:
            raise _invalid(path, "is an empty list")
        return Choice(tuple(axis))
    if isinstance(axis, dict):
        return _parse_axis_object(axis, path)
    found = _SHORTHAND.fullmatch(axis) if isinstance(axis, str) else None
    if found is None:
        return Constant(axis)
    first, last = _shorthand_ends(found, path)
    return RangeSpec(first, 1, last - first + 1)


def _shorthand_ends(found: re.Match[str], path: str) -> tuple[int, int]:
    if max(len(found[1]), len(found[2])) > 16 or max(int(found[1]), int(found[2])) > _SAFE_INTEGER:
        raise _invalid(path, f"must stay within {_SAFE_INTEGER}")
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise _invalid(path, f"{found[0]} runs backwards")
    return first, last


def _parse_axis_object(axis: dict[str, Any], path: str) -> Axis:
    if set(axis) == {"range"}:
        parsed: Axis = _parse_range(axis["range"], f"{path}.range")
    elif set(axis) == {"linspace"}:
        parsed = _parse_linspace(axis["linspace"], f"{path}.linspace")
    else:
        raise _invalid(path, 'must be a list, {"range": [...]}, {"linspace": [...]}, a scalar or "first-last"')
    if axis_length(parsed) == 0:
        raise _invalid(path, "has no values")
    return parsed


def _parse_linspace(body: Any, path: str) -> Linspace:
    if not isinstance(body, list) or len(body) != 3:
        raise _invalid(path, "must be [first, last, count]")
    first, last, number = body
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in (first, last)):
        raise _invalid(path, "first and last must be numbers")
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_PAYLOADS:
        raise _invalid(path, f"count must be an integer from 1 to {MAX_PAYLOADS}")
    if max(abs(first), abs(last)) > 1e300:
        raise _invalid(path, "first and last must stay within +-1e300")
    return Linspace(float(first), float(last), number)


def _check_count(spec: PayloadSpec, form: str) -> None:
    total = count(spec)
    if total == 0:
        raise _invalid(form, "has no payloads")
    if total > MAX_PAYLOADS:
        raise _invalid(form, f"has {total} payloads, at most {MAX_PAYLOADS}")


def _invalid(path: str, message: str) -> InvalidDocument:
    return InvalidDocument([FieldProblem(path, message)])
