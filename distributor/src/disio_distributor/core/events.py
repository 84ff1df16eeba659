"""Facts that come in to the distributor's core, past tense.

Rule: an event carries everything that is needed to decide; the core asks nobody.
"""

from dataclasses import dataclass

from disio_distributor.core.records import OutboxEntry
from disio_shared import messages


@dataclass(frozen=True, slots=True)
class ManagerAdmitted:
    """A manager let us in on a new session of its link."""

    link: str
    """Names the link for as long as the process lives; one manager = one link."""
    admitted: messages.Admitted


@dataclass(frozen=True, slots=True)
class ManagerLost:
    """A link's session ended; what we hold stays ours until the manager says otherwise."""

    link: str


@dataclass(frozen=True, slots=True)
class ManagerSaid:
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
    )


@dataclass(frozen=True, slots=True)
class ClientJoined:
    """A client was welcomed on a new session; identity and version are checked already."""

    session: str
    client: str
    hello: messages.Hello
    address: str
    """Network address, for per-network limits."""


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """A client's session ended. Its assignments stay leased to it for a grace time: it may come back."""

    session: str


@dataclass(frozen=True, slots=True)
class ClientSaid:
    """A message of a welcomed client."""

    session: str
    message: (
        messages.Ready | messages.Results | messages.Failed | messages.Checkpoint | messages.Progress | messages.Release
    )
    request: int = 0
    """Names the acknowledgement that the client waits for; 0 = none. Answered with ``Reply``."""


@dataclass(frozen=True, slots=True)
class DrainAsked:
    """The operator stops this distributor, or a manager drains it."""

    reason: str


@dataclass(frozen=True, slots=True)
class OutboxRead:
    """Entries of the outbox were read back from the cache (ReadOutbox)."""

    entries: list[OutboxEntry]
    missing: list[int]
    """Ids that were asked for and are not there (any more)."""


@dataclass(frozen=True, slots=True)
class SpaceSeen:
    """How full the cache is; told every second or two."""

    used: int
    """Bytes."""
    limit: int
    """Bytes it may take: what the operator allows, or what the disk has, if that is less."""


@dataclass(frozen=True, slots=True)
class Ticked:
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
