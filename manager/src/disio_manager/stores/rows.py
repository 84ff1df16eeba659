"""Rows of results and failures, as they are read.

Rule: a row is what the store holds, in wire form.
"""

import msgspec


class ResultRow(msgspec.Struct, frozen=True):
    """One canonical result."""

    index: int
    value: bytes
    client: str
    seconds: float


class FailureRow(msgspec.Struct, frozen=True):
    """One quarantined payload."""

    index: int
    errors: list[str]
