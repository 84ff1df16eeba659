"""What the manager's core wants done, imperative.

Rule: losing a command (a crash before it is performed) loses no fact: the peer asks again, or a deadline repeats it.
"""

from dataclasses import dataclass

from disio_manager.core.records import StretchRecord
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


@dataclass(frozen=True, slots=True)
class Claim:
    """Try to claim a stretch in the store; whatever comes of it is told with StretchClaimed."""

    stretch: StretchRecord


Command = Send | Announce | Claim
