"""The two bases of all messages, and the messages that both links have.

Rule: messages are frozen, and every field is on the wire whether it has its default or not.
"""

import msgspec

PROTOCOL_VERSION = 1
"""Both links speak it; a peer with another one is refused with ``version``."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """Base of all messages: a map with ``type`` = the class name in lower case."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what messages are made of: a map without a tag."""


class Terms(Part, frozen=True, kw_only=True):
    """What the units of one task may do, beside their time and memory; the unit runtime keeps to it."""

    output: str = "bytes"
    """What a WebAssembly unit writes to its standard output: ``bytes``, ``text`` or ``json``."""
    clock: str = "fixed"
    """``real``: WebAssembly units see the time; ``fixed``: each sees the same steps of 1 ms a look, from 1970 on."""
    max_result_bytes: int = 0
    """Largest result of a unit; 0 = the client's own limit."""
    max_log_bytes: int = 0
    """Log that a unit may write; 0 = the client's own limit."""


class Refused(Message, frozen=True, kw_only=True):
    """The client (or distributor) is not let in; it may try again after ``retry_after_s``, never when negative."""

    code: str
    """Stable: ``version``, ``full``, ``draining``, ``token``, ``malformed``."""
    reason: str
    retry_after_s: float = -1.0


class Error(Message, frozen=True, kw_only=True):
    """The last message was refused; the connection may be closed after it."""

    code: str
    reason: str
