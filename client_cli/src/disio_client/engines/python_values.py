"""Payloads, results and saved states of Python units in wire form, as runtime/values.ts has them.

Rule: a result that JSON cannot hold is refused with the place and the reason; nothing is dropped or changed silently.
Imports the standard library alone: it runs in native workers, and the web build puts it into the sandbox's interpreter
(runtime/python.ts).
"""

import json
from typing import Any

MAX_VALUE_BYTES = 8 << 20
"""The largest value a unit may return or save, in bytes, whatever its task says."""
MAX_DEPTH = 200
RAW_MARK = b"\x00"
_SCALARS = frozenset({str, int, float, bool, type(None)})
_HINTS = {
    "bytes": "bytes can only be the whole result",
    "bytearray": "bytes can only be the whole result",
    "memoryview": "bytes can only be the whole result",
    "set": "return sorted(x) or list(x)",
    "frozenset": "return sorted(x) or list(x)",
    "generator": "return list(x)",
    "coroutine": "await it first",
}
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


class BadValue(Exception):
    """What a unit returned or saved is no value, or too large: the fault of the unit, told as ``result``."""


def decode_value(data: bytes) -> Any:
    """Return the JSON value or ``bytes`` that ``data`` is the wire form of; integers of any size are exact."""
    return bytes(data[1:]) if data[:1] == RAW_MARK else _decode(data.decode())


def encode_value(value: Any, what: str, limit: int = 0) -> bytes:
    """Return ``value`` in wire form.

    Args:
        value: A JSON value (tuples are arrays), or bytes.
        what: How error texts name it, such as "result".
        limit: Most bytes of its JSON text, or of the raw bytes; 0 = this client's own limit.

    Raises:
        BadValue: It is neither, or larger than the limit.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        _refuse_over(len(raw), what, limit, MAX_VALUE_BYTES - 1)
        return RAW_MARK + raw
    data = _json_bytes(value, what)
    _refuse_over(len(data), what, limit, MAX_VALUE_BYTES)
    return data


def _refuse_over(size: int, what: str, limit: int, own: int) -> None:
    most = min(limit or own, own)
    if size > most:
        raise BadValue(f"{what} is {size} bytes; the limit is {most}")


def _json_bytes(value: Any, what: str) -> bytes:
    try:
        data = _encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        _check(value, what, 0)
        # For example an integer of more digits than Python writes.
        raise BadValue(f"{what} cannot be written as JSON: {error}") from None
    if type(value) not in _SCALARS and not _is_plain(value):
        _check(value, what, 0)
    return data


def _is_plain(value: Any) -> bool:
    """Tell at little cost that a value that ``json`` wrote was meant like that: it makes strings of other keys."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                if not all(isinstance(key, str) for key in item):
                    return False
                below += [part for part in item.values() if type(part) not in _SCALARS]
            elif isinstance(item, list | tuple):
                below += [part for part in item if type(part) not in _SCALARS]
        if not below:
            return True
        level = below
    return False


def _check(value: Any, path: str, depth: int) -> None:
    """Refuse the first thing in a value that JSON cannot hold, with its place."""
    if isinstance(value, float):
        _check_float(value, path)
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict):
        _check_dict(value, path, depth)
    elif isinstance(value, list | tuple):
        _check_depth(path, depth)
        for at, part in enumerate(value):
            _check(part, f"{path}[{at}]", depth + 1)
    elif value is not None and not isinstance(value, int):
        raise BadValue(f"{path} is of type {type(value).__name__}, which JSON cannot hold; {_advice(value)}")


def _check_float(value: float, path: str) -> None:
    # Zero times a finite number is zero; of NaN and the infinities it is NaN.
    if value * 0 != 0:
        raise BadValue(f"{path} is {float(value)}, which JSON cannot hold")


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadValue(f"{path} is a string with half a surrogate pair, which UTF-8 cannot hold") from None


def _check_dict(value: dict[Any, Any], path: str, depth: int) -> None:
    _check_depth(path, depth)
    for key, part in value.items():
        if not isinstance(key, str):
            shown, kind = repr(key)[:40], type(key).__name__
            raise BadValue(f"a key of {path} is {shown} ({kind}); keys are str, so use str(x)")
        _check_text(key, f"a key of {path}")
        _check(part, f"{path}.{key}", depth + 1)


def _check_depth(path: str, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise BadValue(f"{path[:60]}... is cyclic or nested deeper than {MAX_DEPTH} levels")


def _advice(value: Any) -> str:
    if hasattr(value, "tolist") and not isinstance(value, memoryview):  # of numpy
        return "return x.tolist()"
    return _HINTS.get(type(value).__name__, "return str(x) or a dict of its parts")
