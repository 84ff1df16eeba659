"""Assignment tokens: what was handed to whom, readable again by whoever has the key.

Rule: a token is verified from its own text alone, so it outlives a restart; nothing in it is believed before its
authentication code fits.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from disio_shared.ranges import Run

MAC_BYTES = 16
MAX_TOKEN_CHARS = 4_096
REPEAT = "~"
"""How the nonces of repeats begin, and no others."""


class Token(NamedTuple):
    """What a token says."""

    task: str
    client: str
    nonce: str
    """Makes two hand-outs of the same indexes different tokens."""
    runs: list[Run]

    @property
    def is_repeat(self) -> bool:
        """Whether its payloads had a result when they were handed out: what comes back is a vote."""
        return self.nonce.startswith(REPEAT)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[str, str, str, list[Run]])


def make_token(key: bytes, task: str, client: str, nonce: str, runs: Sequence[Run]) -> str:
    """Return the token of a batch, in URL-safe characters."""
    body = _encoder.encode((task, client, nonce, runs))
    return _text(_mac(key, body) + body)


def read_token(key: bytes, text: str) -> Token | None:
    """Return what a token says, or None when it was not made with ``key``."""
    if len(text) > MAX_TOKEN_CHARS:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, body = data[:MAC_BYTES], data[MAC_BYTES:]
    # Base64 has spare bits at its end: without the comparison one token would have several spellings.
    if not hmac.compare_digest(mac, _mac(key, body)) or _text(data) != text:
        return None
    return Token(*_decoder.decode(body))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:MAC_BYTES]
