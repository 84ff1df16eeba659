"""Blobs for tests, put into a store the way the manager does it."""

import hashlib
from collections.abc import AsyncIterator

from disio_manager.stores.base import BlobStore

PIECE = 300_000
"""Not a divisor of any size that a store works with."""


async def pieces(data: bytes, size: int = PIECE, *, fails: Exception | None = None) -> AsyncIterator[bytes]:
    """Yield data in pieces, then fail if that is asked for."""
    for at in range(0, len(data), size):
        yield data[at : at + size]
    if fails is not None:
        raise fails


async def upload(blobs: BlobStore, data: bytes, sha256: str = "") -> bool:
    """Upload a whole blob; return whether it was not there."""
    sha256 = sha256 or hashlib.sha256(data).hexdigest()
    assert await blobs.append(sha256, 0, pieces(data), is_last=True) == len(data)
    return await blobs.finish(sha256)
