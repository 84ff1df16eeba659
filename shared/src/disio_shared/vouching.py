"""How a dashboard vouches for the address of a browser: with the manager's own token, which it does not show.

Rule: what is sent is good for this one address and leads to no secret.
"""

import hashlib
import hmac

ADDRESS_HEADER, PROOF_HEADER = "X-Disio-Address", "X-Disio-Address-Proof"


def address_proof(admin_token: str, address: str) -> str:
    """Return what only somebody who has the token can say of an address (HMAC-SHA256, hexadecimal)."""
    return hmac.new(admin_token.encode(), f"disio address\n{address}".encode(), hashlib.sha256).hexdigest()
