"""The engine messages as frames: 4 bytes little-endian length, then one MessagePack map.

Rule: a frame that does not decode or is too large means the engine is broken, never that the client is.
"""

import struct

import msgspec

from disio_shared.messages import Terms

MAX_FRAME = 64 << 20
"""Bytes of one frame."""
LENGTH = struct.Struct("<I")


class _Frame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """Base of all engine messages."""


class Load(_Frame, frozen=True, kw_only=True):
    """Keep this code for runs to come."""

    workunit: str
    language: str
    code: bytes


class Kit(_Frame, frozen=True, kw_only=True):
    """Keep these files: runs of this language need them beside their code. Sent before the first Load of it."""

    language: str
    files: dict[str, bytes]


class Run(_Frame, frozen=True, kw_only=True):
    """Run these units in order."""

    token: str
    task: str
    workunit: str
    indexes: list[int]
    payloads: list[bytes]
    states: dict[int, bytes]
    unit_timeout_s: float
    memory_mb: int
    """What one unit may use; 0 = the engine's own limit."""
    terms: Terms
    single: bool
    """Announce each unit by Started."""


class Ready(_Frame, frozen=True, kw_only=True):
    """First frame of an engine."""

    runtime: str


class Realms(_Frame, frozen=True, kw_only=True):
    """The realms of languages that are slow to start, by language: those that run and those kept for later."""

    languages: list[str]


class Loaded(_Frame, frozen=True, kw_only=True):
    """The code of a run is loaded; from here on a unit's time counts."""

    token: str


class Started(_Frame, frozen=True, kw_only=True):
    """A unit of a single run begins."""

    token: str
    index: int


class Done(_Frame, frozen=True, kw_only=True):
    """Units that ended with a value."""

    token: str
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]


class Failed(_Frame, frozen=True, kw_only=True):
    """Units that ended without one."""

    token: str
    indexes: list[int]
    errors: list[str]
    kinds: list[str]


class Checkpoint(_Frame, frozen=True, kw_only=True):
    """A unit saved its state."""

    token: str
    index: int
    state: bytes


class Progress(_Frame, frozen=True, kw_only=True):
    """A unit told how far it is."""

    token: str
    index: int
    fraction: float


class Log(_Frame, frozen=True, kw_only=True):
    """A unit wrote a line."""

    token: str
    index: int
    text: str


class Finished(_Frame, frozen=True, kw_only=True):
    """Every unit of the run was answered."""

    token: str


ToEngine = Kit | Load | Run
FromEngine = Ready | Realms | Loaded | Started | Done | Failed | Checkpoint | Progress | Log | Finished
SIGNS_OF_LIFE = Loaded | Started | Done | Failed
"""What tells that the code of a run is loaded; a unit's time is counted from each of them."""

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)


def encode(message: ToEngine) -> bytes:
    """Return the frame of a message."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def decode(body: bytes) -> FromEngine:
    """Return the message in a frame's body.

    Raises:
        ValueError: It is none, or its columns differ in length.
    """
    message = _decoder.decode(body)
    if isinstance(message, Done) and not len(message.indexes) == len(message.values) == len(message.seconds):
        raise ValueError("columns of a done frame differ in length")
    if isinstance(message, Failed) and not len(message.indexes) == len(message.errors) == len(message.kinds):
        raise ValueError("columns of a failed frame differ in length")
    return message
