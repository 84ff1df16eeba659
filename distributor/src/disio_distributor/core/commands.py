"""What the distributor's core wants done, imperative.

Rule: losing a command (a crash before it is performed) loses no fact: the peer repeats itself, or a deadline does.
"""

import msgspec

from disio_shared import messages


class SendClient(msgspec.Struct, frozen=True):
    """Send a message to a client's session."""

    session: str
    message: messages.ToClient


class Reply(msgspec.Struct, frozen=True):
    """Answer the acknowledgement that a client waits for."""

    session: str
    request: int
    message: messages.ToClient


class CloseClient(msgspec.Struct, frozen=True):
    """Close a client's session after what was sent to it."""

    session: str


class SendManager(msgspec.Struct, frozen=True):
    """Send a message over a manager's link; dropped when the link is down (the core repeats it on the next session)."""

    link: str
    message: messages.FromDistributor


class Drained(msgspec.Struct, frozen=True):
    """Nothing is left to do after a drain: the process may end."""


class Undrained(msgspec.Struct, frozen=True):
    """The drain was undone."""


class ReadOutbox(msgspec.Struct, frozen=True):
    """Read these entries back from the cache; answered with OutboxRead."""

    ids: list[int]


Command = SendClient | Reply | CloseClient | SendManager | Drained | Undrained | ReadOutbox
