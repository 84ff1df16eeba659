"""Facts that come in to the distributor's core, past tense.

Rule: an event carries everything that is needed to decide; the core asks nobody.
"""

import msgspec

from disio_distributor.core.records import OutboxEntry
from disio_shared import messages


class ManagerAdmitted(msgspec.Struct, frozen=True):
    """A manager let us in on a new session of its link."""

    link: str
    """Names the link for as long as the process lives; one manager = one link."""
    admitted: messages.Admitted


class ManagerLost(msgspec.Struct, frozen=True):
    """A link's session ended; what we hold stays ours until the manager says otherwise."""

    link: str


class ManagerSaid(msgspec.Struct, frozen=True):
    """A message of an admitted link."""

    link: str
    message: (
        messages.Grant
        | messages.Committed
        | messages.WorkunitCode
        | messages.TaskState
        | messages.Revoke
        | messages.Drain
        | messages.Siblings
        | messages.Managers
        | messages.Adopted
        | messages.Offer
        | messages.ListClients
        | messages.FetchStory
        | messages.Orders
    )


class ClientJoined(msgspec.Struct, frozen=True):
    """A client was welcomed on a new session; identity and version are checked already."""

    session: str
    client: str
    hello: messages.Hello
    address: str
    """Network address, for per-network limits."""
    platform: str = ""
    """Family of its browser and system, for people."""
    origin: str = ""
    """Of the page that a browser embeds it in, as far as the browser itself says so."""


class ClientLeft(msgspec.Struct, frozen=True):
    """A client's session ended. Its assignments stay leased to it for a grace time: it may come back."""

    session: str


class ClientSaid(msgspec.Struct, frozen=True):
    """A message of a welcomed client."""

    session: str
    message: (
        messages.Ready | messages.Results | messages.Failed | messages.Checkpoint | messages.Progress | messages.Release
    )
    request: int = 0
    """Names the acknowledgement that the client waits for; 0 = none. Answered with ``Reply``."""


class DrainAsked(msgspec.Struct, frozen=True):
    """The operator stops this distributor, or a manager drains it."""

    reason: str


class OutboxRead(msgspec.Struct, frozen=True):
    """Entries of the outbox were read back from the cache (ReadOutbox)."""

    entries: list[OutboxEntry]
    missing: list[int]
    """Ids that were asked for and are not there (any more)."""


class SpaceSeen(msgspec.Struct, frozen=True):
    """How full the cache is; told every second or two."""

    used: int
    """Bytes."""
    limit: int
    """Bytes it may take: what the operator allows, or what the disk has, if that is less."""


class Ticked(msgspec.Struct, frozen=True):
    """A deadline has come."""


Event = (
    ManagerAdmitted
    | ManagerLost
    | ManagerSaid
    | ClientJoined
    | ClientLeft
    | ClientSaid
    | DrainAsked
    | OutboxRead
    | SpaceSeen
    | Ticked
)
