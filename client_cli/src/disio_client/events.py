"""What the session is told, and what it wants done.

Rule: an event is a fact in the past tense, a command is an order; both are plain values and hold no handle.
"""

import msgspec

from disio_shared.messages import FromClient, Terms, ToClient

# Events: the connection


class Connected(msgspec.Struct, frozen=True):
    """A socket to a distributor is open; nothing was said on it yet."""

    client_id: str = ""
    """What this distributor called the client before; empty = not met yet."""
    secret: str = ""


class Disconnected(msgspec.Struct, frozen=True):
    """The socket is gone; what was not acknowledged on it counts as not received."""


class Received(msgspec.Struct, frozen=True):
    """The distributor sent a message by itself."""

    message: ToClient


class Acknowledged(msgspec.Struct, frozen=True):
    """The answer to the ``SendAcked`` of this number came in."""

    number: int
    answer: ToClient


# Events: code


class CodeReady(msgspec.Struct, frozen=True):
    """The code of this hash is here and its hash is right."""

    workunit: str


class CodeMissing(msgspec.Struct, frozen=True):
    """The code of this hash could not be had."""

    workunit: str
    reason: str
    is_final: bool
    """Another try cannot help (not found, wrong hash, too large)."""
    language: str = ""
    """What is missing are the files of this language, without which none of its units can run."""


# Events: slots


class SlotUp(msgspec.Struct, frozen=True):
    """A slot has an engine and runs nothing."""

    slot: int


class SlotLost(msgspec.Struct, frozen=True):
    """A slot's engine cannot be started; what it was given was not run to its end."""

    slot: int
    reason: str


class UnitsDone(msgspec.Struct, frozen=True):
    """Units of a run ended with a value."""

    slot: int
    run: int
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]
    logs: dict[int, str] = {}
    """What units wrote, by index."""


class UnitsFailed(msgspec.Struct, frozen=True):
    """Units of a run ended without a value."""

    slot: int
    run: int
    indexes: list[int]
    errors: list[str]
    kinds: list[str]
    logs: dict[int, str] = {}


class StateSaved(msgspec.Struct, frozen=True):
    """A running unit called ``save_state``."""

    slot: int
    run: int
    index: int
    state: bytes


class UnitProgressed(msgspec.Struct, frozen=True):
    """A running unit told how far it is, 0 to 1."""

    slot: int
    run: int
    index: int
    fraction: float


class RunFinished(msgspec.Struct, frozen=True):
    """Every unit of the run was answered; the slot is free."""

    slot: int
    run: int


# Events: the person, the clock


class LeaveAsked(msgspec.Struct, frozen=True):
    """Stop in good order: no new units, running ones get ``patience_s`` seconds."""

    patience_s: float


class Tick(msgspec.Struct, frozen=True):
    """``next_deadline`` has come."""


Event = (
    Connected
    | Disconnected
    | Received
    | Acknowledged
    | CodeReady
    | CodeMissing
    | SlotUp
    | SlotLost
    | UnitsDone
    | UnitsFailed
    | StateSaved
    | UnitProgressed
    | RunFinished
    | LeaveAsked
    | Tick
)

# Changes: what must be on disk before the commands are performed


class IdentityGiven(msgspec.Struct, frozen=True):
    """The distributor named this client."""

    client_id: str
    secret: str


class IdentityForgotten(msgspec.Struct, frozen=True):
    """The distributor does not know this client any more."""


Change = IdentityGiven | IdentityForgotten

# Commands


class Send(msgspec.Struct, frozen=True):
    """Send a message that is not acknowledged."""

    message: FromClient


class SendAcked(msgspec.Struct, frozen=True):
    """Send a message and report its acknowledgement under this number."""

    number: int
    message: FromClient


class Reconnect(msgspec.Struct, frozen=True):
    """Drop the socket, if any, and connect again."""

    url: str = ""
    """Another distributor; empty = the same."""
    after_s: float = -1.0
    """Seconds to wait first; negative = the usual backoff."""


class FetchCode(msgspec.Struct, frozen=True):
    """Get the code of this hash, and what its language needs; keep it until ``ReleaseCode``."""

    workunit: str
    language: str = ""


class ReleaseCode(msgspec.Struct, frozen=True):
    """Nothing at hand needs this code any more."""

    workunit: str


class StartRun(msgspec.Struct, frozen=True):
    """Run these units on a slot that is free."""

    slot: int
    run: int
    """Grows with every run of this process; names the run in what comes back."""
    token: str
    task: str
    workunit: str
    language: str
    indexes: list[int]
    payloads: list[bytes]
    unit_timeout_s: float
    memory_mb: int
    terms: Terms
    states: dict[int, bytes] = msgspec.field(default_factory=dict)


class StopSlot(msgspec.Struct, frozen=True):
    """End what the slot runs; a fresh engine follows as ``SlotUp``."""

    slot: int


class Say(msgspec.Struct, frozen=True):
    """Tell the volunteer; ``topic`` is stable, so that repeats can be held back."""

    topic: str
    text: str


class Welcomed(msgspec.Struct, frozen=True):
    """The distributor let the client in."""

    distributor: str


class GiveUp(msgspec.Struct, frozen=True):
    """The distributor refused this client for good."""

    code: str
    reason: str


class Left(msgspec.Struct, frozen=True):
    """Nothing is owed to anybody: the process may end."""


Command = Send | SendAcked | Reconnect | FetchCode | ReleaseCode | StartRun | StopSlot | Say | Welcomed | GiveUp | Left
