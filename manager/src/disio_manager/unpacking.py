"""Compressed messages of distributors.

Rule: never more bytes are made than the message announced, and never more than the link carries uncompressed.
"""

import asyncio
import zlib

from disio_shared import messages
from disio_shared.codec import MAX_LINK_MESSAGE
from disio_shared.errors import MalformedMessage

IN_PLACE_BYTES = 256 << 10
"""Larger ones are unpacked in a thread, so that others are served meanwhile."""


async def unpacked(packed: messages.Packed) -> messages.FromDistributor:
    """Return the message inside.

    Raises:
        MalformedMessage: Not zlib, not of the size it announced, over the limit, or packed twice.
    """
    if not 0 < packed.size <= MAX_LINK_MESSAGE:
        raise MalformedMessage(f"packed: a size of {packed.size} bytes")
    if packed.size <= IN_PLACE_BYTES:
        data = _inflated(packed)
    else:
        data = await asyncio.to_thread(_inflated, packed)
    message = messages.FROM_DISTRIBUTOR.decode(data)
    if isinstance(message, messages.Packed):
        raise MalformedMessage("packed twice")
    return message


def _inflated(packed: messages.Packed) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed.data, packed.size + 1)
    except zlib.error as error:
        raise MalformedMessage(f"packed: {error}") from error
    if len(data) != packed.size or not stream.eof or stream.unused_data:
        raise MalformedMessage("packed: not of the size it announced")
    return data
