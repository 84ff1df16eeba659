"""Numbers about the results of a task, as the manager keeps them.

Rule: plain data, made from the manager's JSON; a number that there is none of is None.
"""

from typing import Any

import msgspec


class Extreme(msgspec.Struct, frozen=True, kw_only=True, rename={"index": "i"}):
    """One of the largest or smallest numbers."""

    index: int
    """Of the payload."""
    value: float


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """How many numbers lie where: bin ``n`` begins at ``start + n * width`` and ends below the next one's beginning."""

    start: float
    width: float
    """A power of two; 0 when all numbers are the same."""
    counts: list[int]
    """At most 64."""


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one field."""

    count: int
    """Results that have a number there."""
    sum: float | None
    mean: float | None
    min: float | None
    min_at: int | None
    """Index of the payload."""
    max: float | None
    max_at: int | None
    histogram: Histogram | None
    top: list[Extreme]
    """The largest, descending."""
    bottom: list[Extreme]
    """The smallest, ascending."""


class Aggregates(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers about the results that have come."""

    done: int
    """Results that there are."""
    counted: int
    """Those that are in the numbers."""
    more_fields: bool
    """There are more numeric fields than the 32 that are kept unless the document names them."""
    fields: dict[str, Numbers]
    """By path, dotted; the empty one is the result itself."""


def aggregates_of(answer: dict[str, Any]) -> Aggregates:
    """Return what an answer of the manager is."""
    return msgspec.convert(answer, Aggregates)
