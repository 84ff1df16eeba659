"""What the distributor's core wants done, imperative.

Rule: losing a command (a crash before it is performed) loses no fact: the peer repeats itself, or a deadline does.
"""

from dataclasses import dataclass

from disio_shared import messages


@dataclass(frozen=True, slots=True)
class SendClient:
    """Send a message to a client's session."""

    session: str
    message: messages.ToClient


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the acknowledgement that a client waits for."""

    session: str
    request: int
    message: messages.ToClient


@dataclass(frozen=True, slots=True)
class CloseClient:
    """Close a client's session after what was sent to it."""

    session: str


@dataclass(frozen=True, slots=True)
class SendManager:
    """Send a message over a manager's link; dropped when the link is down (the core repeats it on the next session)."""

    link: str
    message: messages.FromDistributor


@dataclass(frozen=True, slots=True)
class Drained:
    """Nothing is left to do after a drain: the process may end."""


@dataclass(frozen=True, slots=True)
class ReadOutbox:
    """Read these entries back from the cache; answered with OutboxRead."""

    ids: list[int]


Command = SendClient | Reply | CloseClient | SendManager | Drained | ReadOutbox
