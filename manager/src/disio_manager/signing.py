"""Signatures of what webhooks are sent, after Standard Webhooks (standardwebhooks.com).

Rule: what is signed is id, time and body together, so none of them can be swapped.
"""

import base64
import hashlib
import hmac

from disio_shared.task_parts import SECRET_PREFIX


def key_of(secret: str) -> bytes:
    """Return the key of a secret like ``whsec_...``."""
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX))


def headers_of(key: bytes, delivery: str, at: float, body: bytes) -> dict[str, str]:
    """Return the headers of a delivery.

    Args:
        key: Both sides know it.
        delivery: Its id, the same for each try.
        at: Of this try, seconds since 1970-01-01 UTC.
        body: What is sent.
    """
    stamp = str(int(at))
    signed = b".".join((delivery.encode(), stamp.encode(), body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": delivery, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
