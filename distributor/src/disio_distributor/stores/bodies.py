"""Entries of the outbox as bytes: what caches keep, and read back.

Rule: whoever reads can tell by the first byte whether a body is compressed, so old bodies stay readable.
"""

import zlib
from collections.abc import Iterable

import msgspec

from disio_distributor.core.records import OutboxEntry, OutboxHead

COMPRESS_FROM = 1 << 10
"""Bytes from which on a body is compressed, if that makes it smaller."""
LEVEL = 1
_ZLIB = b"\x78"
"""First byte of every zlib stream; a MessagePack map never begins with it."""
_encode = msgspec.msgpack.Encoder().encode
_entries = msgspec.msgpack.Decoder(OutboxEntry)
_heads = msgspec.msgpack.Decoder(OutboxHead)


def packed(entry: OutboxEntry) -> bytes:
    """Return an entry's body."""
    body = _encode(entry)
    if len(body) < COMPRESS_FROM:
        return body
    small = zlib.compress(body, LEVEL)
    return small if len(small) < len(body) else body


def unpack(body: bytes) -> OutboxEntry:
    """Return the entry of a body.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, zlib.error: It is damaged.
    """
    return _entries.decode(zlib.decompress(body) if body[:1] == _ZLIB else body)


def unpacked(bodies: Iterable[bytes]) -> list[OutboxEntry]:
    """Return the entries of these bodies, by id; damaged ones are left out, so that they count as missing."""
    found: list[OutboxEntry] = []
    for body in bodies:
        try:
            found.append(unpack(body))
        except (msgspec.DecodeError, UnicodeDecodeError, zlib.error):
            continue
    return sorted(found, key=lambda entry: entry.id)


def head_bytes(head: OutboxHead) -> bytes:
    """Return a head as bytes."""
    return _encode(head)


def heads_of(bodies: Iterable[bytes]) -> list[OutboxHead]:
    """Return heads, by id."""
    return sorted(map(_heads.decode, bodies), key=lambda head: head.id)
