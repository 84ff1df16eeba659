"""Bytes to messages and back: MessagePack of msgspec unions, with a size limit.

Rule: whatever does not decode raises ``MalformedMessage`` or ``OversizeMessage`` and nothing else.
"""

from typing import Any, Generic, TypeVar

import msgspec

from disio_shared.errors import LocalProtocolError, MalformedMessage, OversizeMessage

MAX_CLIENT_MESSAGE = 16 << 20
"""Bytes: the largest message between a distributor and a client, either way."""
MAX_PAYLOAD_BYTES = 14 << 20
"""The largest payload on a wire: with a saved state and the rest of its Assign it fits in a client's message."""
MAX_LINK_MESSAGE = 64 << 20
"""Bytes: the largest message between a manager and a distributor, either way."""

MessageT = TypeVar("MessageT")


class Codec(Generic[MessageT]):
    """Encodes and decodes one union of messages."""

    def __init__(self, union: Any, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[MessageT] = msgspec.msgpack.Decoder(union)

    def encode(self, message: MessageT) -> bytes:
        """Return the message's bytes.

        Raises:
            LocalProtocolError: It is larger than the peer accepts, or not encodable.
        """
        try:
            data = self._encoder.encode(message)
        except (TypeError, ValueError, OverflowError) as error:
            raise LocalProtocolError(f"cannot encode {type(message).__name__}: {error}") from error
        if len(data) > self.max_bytes:
            raise LocalProtocolError(f"{type(message).__name__} of {len(data)} bytes is over {self.max_bytes} bytes")
        return data

    def decode(self, data: bytes | bytearray | memoryview) -> MessageT:
        """Return the message in ``data``.

        Raises:
            OversizeMessage: More than ``max_bytes``.
            MalformedMessage: Not MessagePack, an unknown type, or a field of the wrong type.
        """
        if len(data) > self.max_bytes:
            raise OversizeMessage(len(data), self.max_bytes)
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedMessage(str(error)) from error
