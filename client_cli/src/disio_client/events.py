"""What the session is told, and what it wants done.

Rule: an event is a fact in the past tense, a command is an order; both are plain values and hold no handle.
"""

from dataclasses import dataclass, field

from disio_shared.messages import FromClient, Terms, ToClient

# Events: the connection


@dataclass(frozen=True, slots=True)
class Connected:
    """A socket to a distributor is open; nothing was said on it yet."""

    client_id: str = ""
    """What this distributor called the client before; empty = not met yet."""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The socket is gone; what was not acknowledged on it counts as not received."""


@dataclass(frozen=True, slots=True)
class Received:
    """The distributor sent a message by itself."""

    message: ToClient


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The answer to the ``SendAcked`` of this number came in."""

    number: int
    answer: ToClient


# Events: code


@dataclass(frozen=True, slots=True)
class CodeReady:
    """The code of this hash is here and its hash is right."""

    workunit: str


@dataclass(frozen=True, slots=True)
class CodeMissing:
    """The code of this hash could not be had."""

    workunit: str
    reason: str
    is_final: bool
    """Another try cannot help (not found, wrong hash, too large)."""
    language: str = ""
    """What is missing are the files of this language, without which none of its units can run."""


# Events: slots


@dataclass(frozen=True, slots=True)
class SlotUp:
    """A slot has an engine and runs nothing."""

    slot: int


@dataclass(frozen=True, slots=True)
class SlotLost:
    """A slot's engine cannot be started; what it was given was not run to its end."""

    slot: int
    reason: str


@dataclass(frozen=True, slots=True)
class UnitsDone:
    """Units of a run ended with a value."""

    slot: int
    run: int
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]


@dataclass(frozen=True, slots=True)
class UnitsFailed:
    """Units of a run ended without a value."""

    slot: int
    run: int
    indexes: list[int]
    errors: list[str]
    kinds: list[str]


@dataclass(frozen=True, slots=True)
class StateSaved:
    """A running unit called ``save_state``."""

    slot: int
    run: int
    index: int
    state: bytes


@dataclass(frozen=True, slots=True)
class UnitProgressed:
    """A running unit told how far it is, 0 to 1."""

    slot: int
    run: int
    index: int
    fraction: float


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Every unit of the run was answered; the slot is free."""

    slot: int
    run: int


# Events: the person, the clock


@dataclass(frozen=True, slots=True)
class LeaveAsked:
    """Stop in good order: no new units, running ones get ``patience_s`` seconds."""

    patience_s: float


@dataclass(frozen=True, slots=True)
class Tick:
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


@dataclass(frozen=True, slots=True)
class IdentityGiven:
    """The distributor named this client."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class IdentityForgotten:
    """The distributor does not know this client any more."""


Change = IdentityGiven | IdentityForgotten

# Commands


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message that is not acknowledged."""

    message: FromClient


@dataclass(frozen=True, slots=True)
class SendAcked:
    """Send a message and report its acknowledgement under this number."""

    number: int
    message: FromClient


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Drop the socket, if any, and connect again."""

    url: str = ""
    """Another distributor; empty = the same."""
    after_s: float = -1.0
    """Seconds to wait first; negative = the usual backoff."""


@dataclass(frozen=True, slots=True)
class FetchCode:
    """Get the code of this hash, and what its language needs; keep it until ``ReleaseCode``."""

    workunit: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseCode:
    """Nothing at hand needs this code any more."""

    workunit: str


@dataclass(frozen=True, slots=True)
class StartRun:
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
    states: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopSlot:
    """End what the slot runs; a fresh engine follows as ``SlotUp``."""

    slot: int


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the volunteer; ``topic`` is stable, so that repeats can be held back."""

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The distributor let the client in."""

    distributor: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The distributor refused this client for good."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """Nothing is owed to anybody: the process may end."""


Command = Send | SendAcked | Reconnect | FetchCode | ReleaseCode | StartRun | StopSlot | Say | Welcomed | GiveUp | Left
