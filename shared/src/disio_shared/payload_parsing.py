"""The ``payloads`` field of a task document: from JSON to a spec, or to what is wrong with it and where.

Rule: whatever is accepted has payloads, all of which can be made; those of ``open`` and ``task`` may come later. Forms:
``list``, ``range``, ``grid``, ``zip``, ``random``, ``blob``, ``open`` and ``task``, and dis.io's ``"1-1337"`` shorthand
for an axis.
"""

import base64
import re
from collections.abc import Callable
from typing import Any, TypeGuard, get_args

import msgspec

from disio_shared.axes import Axis, Choice, Constant, Linspace, Span, Uniform, axis_length
from disio_shared.errors import FieldProblem, InvalidDocument
from disio_shared.payloads import (
    BlobKind,
    Chain,
    GridSpec,
    ListSpec,
    PayloadSpec,
    RandomSpec,
    RangeSpec,
    StoredSpec,
    ZipSpec,
    count,
)
from disio_shared.values import RAW_KEY, encode_value

MAX_PAYLOADS = 10**12
"""Payloads of one task."""
MAX_LIST = 1_000_000
"""Payloads that a task document may hold itself."""
MAX_AXES = 64
MAX_COLUMNS = 10_000
"""Columns that may be named as numbers."""
MAX_SEED = 200
"""Characters of a seed that is a text."""
MAX_BATCH = 100_000
"""Results that are one payload of a chained task."""
LEAST_IDLE_S, MOST_IDLE_S = 10, 86_400
"""Seconds that a growing task may wait for more before it is closed, where its document says."""
KNOWN_SPECS = ("list", "range", "grid", "zip", "random", "blob", "open", "task")
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SHORTHAND = re.compile(r"([0-9]+)-([0-9]+)")
_LARGEST = 1e300  # of floats that are subtracted
_SAFE_INTEGER = 2**53 - 1  # beyond it JSON numbers lose digits in JavaScript


def parse_spec(spec: Any) -> PayloadSpec:
    """Check a decoded ``payloads`` field.

    Raises:
        InvalidDocument: With paths relative to the field.
    """
    if isinstance(spec, dict) and "blob" in spec:
        return _parse_blob(spec)
    if isinstance(spec, dict) and "open" in spec:
        return _parse_open(spec)
    if isinstance(spec, dict) and "task" in spec:
        return StoredSpec("values", chain=_parse_chain(spec))
    if not isinstance(spec, dict) or len(spec) != 1:
        raise _invalid("", f"must be an object with exactly one of {', '.join(KNOWN_SPECS)}")
    (form, body), *_ = spec.items()
    parse = _FORMS.get(form)
    if parse is None:
        raise _invalid(str(form), f"unknown payload spec; use one of {', '.join(KNOWN_SPECS)}")
    parsed = parse(body)
    _check_count(parsed, form)
    return parsed


def _parse_open(spec: dict[str, Any]) -> StoredSpec:
    unknown = sorted(map(str, spec.keys() - {"open", "idle_s"}))
    if unknown:
        raise _invalid(unknown[0], "unknown field beside open and idle_s")
    listed_values(spec["open"], "open")
    idle_s = spec.get("idle_s", LEAST_IDLE_S)
    if isinstance(idle_s, bool) or not isinstance(idle_s, int | float) or not LEAST_IDLE_S <= idle_s <= MOST_IDLE_S:
        raise _invalid("idle_s", f"must be a number of seconds from {LEAST_IDLE_S} to {MOST_IDLE_S}")
    return StoredSpec("values")


def _parse_chain(spec: dict[str, Any]) -> Chain:
    unknown = sorted(map(str, spec.keys() - {"task", "stream", "batch"}))
    if unknown:
        raise _invalid(unknown[0], "unknown field beside task, stream and batch")
    source, stream, batch = spec["task"], spec.get("stream", False), spec.get("batch", 0)
    if not isinstance(source, str) or not _ID.fullmatch(source):
        raise _invalid("task", "must be the id of a task")
    if not isinstance(stream, bool):
        raise _invalid("stream", "must be true or false")
    if isinstance(batch, bool) or not isinstance(batch, int) or not 0 <= batch <= MAX_BATCH:
        raise _invalid("batch", f"must be an integer from 0 to {MAX_BATCH}")
    return Chain(source, stream, batch)


def _parse_blob(spec: dict[str, Any]) -> StoredSpec:
    unknown = sorted(map(str, spec.keys() - {"blob", "format", "numbers"}))
    if unknown:
        raise _invalid(unknown[0], "unknown field beside blob, format and numbers")
    if not isinstance(spec["blob"], str) or not re.fullmatch(r"[0-9a-f]{64}", spec["blob"]):
        raise _invalid("blob", "must be 64 lower-case hexadecimal digits")
    kind, kinds = spec.get("format"), get_args(BlobKind)
    if not isinstance(kind, str) or kind not in kinds:
        raise _invalid("format", f"must be one of {', '.join(kinds)}")
    return StoredSpec(kind, spec["blob"], numbers=_parse_numbers(spec, kind))  # type: ignore[arg-type]


def _parse_numbers(spec: dict[str, Any], kind: str) -> tuple[str, ...]:
    if "numbers" not in spec:
        return ()
    numbers = spec["numbers"]
    if kind != "csv":
        raise _invalid("numbers", "is for csv alone")
    if not isinstance(numbers, list) or not all(isinstance(name, str) for name in numbers):
        raise _invalid("numbers", "must be a list of names of columns")
    if len(numbers) > MAX_COLUMNS or len(set(numbers)) < len(numbers):
        raise _invalid("numbers", f"must be at most {MAX_COLUMNS} names, none of them twice")
    return tuple(numbers)


def _parse_list(body: Any) -> ListSpec:
    return ListSpec(tuple(listed_values(body, "list")))


def listed_values(body: Any, path: str) -> list[bytes]:
    """Return written out payloads as wire values.

    Raises:
        InvalidDocument: With paths that begin with ``path``.
    """
    if not isinstance(body, list):
        raise _invalid(path, "must be a list")
    if len(body) > MAX_LIST:
        raise _invalid(path, f"has {len(body)} payloads, at most {MAX_LIST} fit in a task document")
    return [_listed(value, f"{path}.{at}") for at, value in enumerate(body)]


def _listed(value: Any, path: str) -> bytes:
    """Return an item of a list as a wire value; ``{"$base64": "..."}`` stands for raw bytes."""
    if not isinstance(value, dict) or value.keys() != {RAW_KEY}:
        return encode_value(value)
    try:
        return encode_value(base64.b64decode(value[RAW_KEY], validate=True))
    except (TypeError, ValueError) as error:
        raise _invalid(f"{path}.{RAW_KEY}", f"must be base64 text: {error}") from error


def _parse_span(body: Any, path: str) -> Span:
    if not isinstance(body, list) or len(body) not in (2, 3):
        raise _invalid(path, "must be [start, stop] or [start, stop, step]")
    if not all(map(_is_whole, body)):
        raise _invalid(path, "must hold integers")
    start, stop, step = (*body, 1)[:3]
    if step == 0:
        raise _invalid(path, "step must not be 0")
    if max(abs(start), abs(stop)) > _SAFE_INTEGER:
        raise _invalid(path, f"must stay within +-{_SAFE_INTEGER}, the integers JavaScript keeps exactly")
    return Span(start, step, max(0, -(-(stop - start) // step)))


def _parse_range(body: Any) -> RangeSpec:
    span = _parse_span(body, "range")
    return RangeSpec(span.start, span.step, span.count)


def _parse_grid(body: Any) -> GridSpec:
    _check_axes(body, "grid")
    return GridSpec(tuple(body), tuple(_parse_axis(axis, f"grid.{key}") for key, axis in body.items()))


def _parse_zip(body: Any) -> ZipSpec:
    _check_axes(body, "zip")
    axes = {key: _parse_axis(axis, f"zip.{key}") for key, axis in body.items()}
    lengths = {key: axis_length(axis) for key, axis in axes.items() if not isinstance(axis, Constant)}
    if not lengths:
        raise _invalid("zip", "needs an axis that is no constant: it says how many payloads there are")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise _invalid("zip", f"axes must have equally many values; {told}")
    return ZipSpec(tuple(axes), tuple(axes.values()), next(iter(lengths.values())))


def _parse_random(body: Any) -> RandomSpec:
    if not isinstance(body, dict):
        raise _invalid("random", 'must be an object with "count", "seed" and at least one axis')
    axes = {key: axis for key, axis in body.items() if key not in ("count", "seed")}
    _check_axes(axes, "random")
    number, seed = body.get("count"), body.get("seed")
    if not _is_whole(number) or not 1 <= number <= MAX_PAYLOADS:
        raise _invalid("random.count", f"must be an integer from 1 to {MAX_PAYLOADS}")
    if not (_is_whole(seed) and abs(seed) <= _SAFE_INTEGER) and not (isinstance(seed, str) and len(seed) <= MAX_SEED):
        raise _invalid("random.seed", f"must be an integer within +-{_SAFE_INTEGER}, or a text")
    text = msgspec.json.encode(seed).decode()
    return RandomSpec(
        number, text, tuple(axes), tuple(_parse_draw(axis, f"random.{key}") for key, axis in axes.items())
    )


def _parse_draw(axis: Any, path: str) -> Axis | Uniform:
    if not isinstance(axis, dict) or set(axis) != {"uniform"}:
        return _parse_axis(axis, path)
    body = axis["uniform"]
    if not isinstance(body, list) or len(body) != 2 or not all(map(_is_number, body)):
        raise _invalid(f"{path}.uniform", "must be [first, last], two numbers")
    first, last = body
    if not first < last or max(abs(first), abs(last)) > _LARGEST:
        raise _invalid(f"{path}.uniform", "first must be below last, and both within +-1e300")
    return Uniform(float(first), float(last))


def _check_axes(body: Any, form: str) -> None:
    if not isinstance(body, dict) or not body:
        raise _invalid(form, "must be an object with at least one axis")
    if len(body) > MAX_AXES:
        raise _invalid(form, f"has {len(body)} axes, at most {MAX_AXES}")


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
    return Span(first, 1, last - first + 1)


def _shorthand_ends(found: re.Match[str], path: str) -> tuple[int, int]:
    if max(len(found[1]), len(found[2])) > 16 or max(int(found[1]), int(found[2])) > _SAFE_INTEGER:
        raise _invalid(path, f"must stay within {_SAFE_INTEGER}")
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise _invalid(path, f"{found[0]} runs backwards")
    return first, last


def _parse_axis_object(axis: dict[str, Any], path: str) -> Axis:
    if set(axis) == {"range"}:
        parsed: Axis = _parse_span(axis["range"], f"{path}.range")
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
    if not _is_number(first) or not _is_number(last):
        raise _invalid(path, "first and last must be numbers")
    if not _is_whole(number) or not 1 <= number <= MAX_PAYLOADS:
        raise _invalid(path, f"count must be an integer from 1 to {MAX_PAYLOADS}")
    if max(abs(first), abs(last)) > _LARGEST:
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


_FORMS: dict[str, Callable[[Any], PayloadSpec]] = {
    "list": _parse_list,
    "range": _parse_range,
    "grid": _parse_grid,
    "zip": _parse_zip,
    "random": _parse_random,
}
