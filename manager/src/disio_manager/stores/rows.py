"""Rows of results and failures, as they are read.

Rule: a row is what the store holds, in wire form.
"""

import msgspec

from disio_manager.core.records import TaskRecord


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
    at: float = 0.0
    """When it was quarantined, seconds since 1970; not told where they are read in the order of a journal."""


class TaskPage(msgspec.Struct, frozen=True):
    """One page of tasks, in the order that was asked for."""

    items: list[TaskRecord]
    """With empty ``payloads``: those may be megabytes; ``task()`` gives them."""
    next_cursor: str | None
    total: int
    """Tasks that match, on all pages."""
