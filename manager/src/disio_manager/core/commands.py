"""What the manager's core wants done, imperative.

Rule: losing a command (a crash before it is performed) loses no fact: the peer asks again, or a deadline repeats it.
"""

import msgspec

from disio_manager.core.records import StretchRecord
from disio_shared import messages
from disio_shared.payloads import StoredSpec
from disio_shared.ranges import Run


class Read(msgspec.Struct, frozen=True):
    """Payloads of a granted block that are stored: the shell puts them in before it sends the Grant."""

    at: int
    """Which of the Grant's blocks."""
    spec: StoredSpec
    """What they are payloads of."""
    runs: list[Run]
    """The block's open indexes; closed ones travel as nothing."""


class Send(msgspec.Struct, frozen=True):
    """Send a message to a distributor's session; messages to one session keep their order."""

    session: str
    message: messages.ToDistributor
    reads: tuple[Read, ...] = ()
    """What a Grant lacks; at most ``CoreSettings.max_grant_bytes`` of it, or one block."""


class Announce(msgspec.Struct, frozen=True):
    """Tell watchers that something changed: ``task``, ``task-deleted``, ``fleet``; ``hooks``: webhooks have news."""

    topic: str
    task: str = ""


class Claim(msgspec.Struct, frozen=True):
    """Try to claim a stretch in the store; whatever comes of it is told with StretchClaimed."""

    stretch: StretchRecord


Command = Send | Announce | Claim
