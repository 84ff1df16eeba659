"""What the manager link tells of tries of payloads: those that count on, those that are over, and one payload's story.

Rule: as in ``link_messages``.
"""

import msgspec

from disio_shared.message_base import Message, Part


class TryColumns(Part, frozen=True, kw_only=True):
    """Tries of one task that came to nothing, of payloads that are still open: one row a try, oldest first."""

    task: str
    indexes: list[int]
    clients: list[str]
    errors: list[str]
    lost: list[bool]
    """Whether the client vanished while it ran the payload; else the code failed."""
    distributors: list[str] = msgspec.field(default_factory=list)
    """As in PastTries, like ``ended_at``; no rows where an older program sends it."""
    ended_at: list[float] = msgspec.field(default_factory=list)


class PastTries(Part, frozen=True, kw_only=True):
    """What payloads of one task went through before they were closed: one row a try, of each payload oldest first.

    There are rows of tries that came to nothing, and of those that wrote to their log.
    """

    task: str
    indexes: list[int]
    clients: list[str]
    distributors: list[str]
    """Distributor ids; empty: whoever sends this."""
    outcomes: list[str]
    """``done``, ``failed`` or ``lost``."""
    errors: list[str]
    logs: list[str]
    ended_at: list[float]
    """When each try was over, seconds since 1970-01-01 UTC by the distributor's clock."""


class Story(Message, frozen=True, kw_only=True):
    """Answer to FetchStory: tries of a payload that came to nothing, oldest first, then who has it now."""

    request: int
    clients: list[str] = msgspec.field(default_factory=list)
    outcomes: list[str] = msgspec.field(default_factory=list)
    """``failed`` or ``lost``; of those who have it ``has it``, or ``checks`` when it has a result already."""
    errors: list[str] = msgspec.field(default_factory=list)
    """Empty of those who have it."""
    ages_s: list[float] = msgspec.field(default_factory=list)
    """Seconds since it was handed out; -1 = not known any more."""
    saved_bytes: int = 0
    """Size of the state that a client saved of it; 0 = none."""


class FetchStory(Message, frozen=True, kw_only=True):
    """Tell me of a payload you hold; answered with Story. Only for who ``speaks`` it."""

    request: int
    task: str
    index: int
