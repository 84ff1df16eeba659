"""Messages to managers as bytes, compressed where that pays.

Rule: only what is large, and whose beginning shrinks, is compressed; the manager accepts both.
"""

import zlib

from disio_shared import messages

PACK_FROM = 4 << 10
"""Bytes of a Deliver from which on it is compressed."""
LEVEL = 1
_PROBE = 4 << 10
_WORTH = 0.8
"""What a probe must shrink to."""


def frame_of(message: messages.FromDistributor) -> bytes:
    """Return the bytes of a message.

    Raises:
        LocalProtocolError: It is larger than the manager accepts.
    """
    data = messages.FROM_DISTRIBUTOR.encode(message)
    if not isinstance(message, messages.Deliver) or len(data) < PACK_FROM or not _shrinks(data):
        return data
    return messages.FROM_DISTRIBUTOR.encode(messages.Packed(size=len(data), data=zlib.compress(data, LEVEL)))


def _shrinks(data: bytes) -> bool:
    """Try a piece out of the middle, where the values are."""
    middle = max(0, len(data) // 2 - _PROBE // 2)
    probe = data[middle : middle + _PROBE]
    return len(zlib.compress(probe, LEVEL)) < _WORTH * len(probe)
