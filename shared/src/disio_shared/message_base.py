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
