"""What the manager's core wants done, imperative.

Rule: losing a command (a crash before it is performed) loses no fact: the peer asks again, or a deadline repeats it.
"""

from dataclasses import dataclass

from disio_shared import messages


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to a distributor's session."""

    session: str
    message: messages.ToDistributor


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell watchers that something changed: ``task``, ``task-deleted`` or ``fleet``."""

    topic: str
    task: str = ""


Command = Send | Announce
