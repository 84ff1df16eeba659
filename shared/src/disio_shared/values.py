"""Payloads and results as bytes: JSON text that disio made, or raw bytes behind one zero byte.

Rule: a value on any wire or in any store is always these bytes, never a msgpack value (JavaScript's msgpack
parsers corrupt large floats and typed arrays). No JSON text starts with a zero byte, so one byte tells them apart.
"""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

RAW_MARK = b"\x00"
RAW_KEY = "$base64"
"""The one key of the object that stands for raw bytes where people and programs read JSON."""
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode_value(value: Any) -> bytes:
    """Return a JSON value (or ``bytes``) in wire form.

    Raises:
        ValueError: The value has a part that JSON cannot hold. NaN and infinities become null, as in JavaScript.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return RAW_MARK + bytes(value)
    try:
        return _encoder.encode(value)
    except (TypeError, OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError(f"not a JSON value: {error}") from error


def decode_value(data: bytes) -> Any:
    """Return the JSON value or ``bytes`` that ``data`` is the wire form of.

    Raises:
        ValueError: ``data`` is neither.
    """
    if data[:1] == RAW_MARK:
        return bytes(data[1:])
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON text: {error}") from error


def is_valid_value(data: bytes) -> bool:
    """Tell whether bytes that came over a wire are the wire form of a value."""
    if data[:1] == RAW_MARK:
        return True
    try:
        decode_value(data)
    except ValueError:
        return False
    return True


def invalid_values(values: Sequence[bytes]) -> list[int]:
    """Return the places of those that ``is_valid_value`` refuses; the quick way for batches."""
    decode = _decoder.decode
    try:
        for value in values:
            if value[:1] != RAW_MARK:
                decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [at for at, value in enumerate(values) if not is_valid_value(value)]
    return []


def as_json(data: bytes) -> msgspec.Raw:
    """Return a wire value as JSON text: itself, or ``{"$base64": "..."}`` for raw bytes."""
    if data[:1] == RAW_MARK:
        return msgspec.Raw(_encoder.encode({RAW_KEY: base64.b64encode(data[1:]).decode()}))
    return msgspec.Raw(data)
