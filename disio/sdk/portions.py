"""Payloads in portions that a manager takes.

Rule: their order stays; a payload that is larger than a portion goes alone.
"""

from typing import Any

import msgspec

MOST_BYTES = 4 << 20
"""Of the JSON of payloads that are sent together."""


def parts_of(payloads: list[Any]) -> list[range]:
    """Return which payloads go together, in their order."""
    found, first, size = [], 0, 0
    for at, payload in enumerate(payloads):
        bytes_ = size_of(payload)
        if at > first and size + bytes_ > MOST_BYTES:
            found.append(range(first, at))
            first, size = at, 0
        size += bytes_
    return [*found, range(first, len(payloads))]


def size_of(payload: Any) -> int:
    """Return the bytes of a payload's JSON."""
    return len(msgspec.json.encode(payload))
