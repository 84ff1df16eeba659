"""Identifiers, as distinct types, and how fresh ones are made.

Rule: an id is an opaque string; nothing parses one. Cores are handed ids, they never make them.
"""

import secrets
from typing import NewType

TaskId = NewType("TaskId", str)
BlockId = NewType("BlockId", str)
WorkunitHash = NewType("WorkunitHash", str)  # lower-case hexadecimal SHA-256 of the code
DistributorId = NewType("DistributorId", str)
ManagerId = NewType("ManagerId", str)
ClusterId = NewType("ClusterId", str)  # one database = one cluster, however many managers serve it
ClientId = NewType("ClientId", str)
SessionId = NewType("SessionId", str)  # one connection of a client or a distributor
BatchId = NewType("BatchId", str)

# Lower case without 0/o, 1/l/i and u: readable aloud, safe in URLs, file names and DNS labels.
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


def fresh_id(length: int = 12) -> str:
    """Return a random id of ``length`` characters (4.9 bits each)."""
    rest = secrets.randbelow(len(_ALPHABET) ** length)  # one draw: some ids are made for every request
    digits = []
    for _ in range(length):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def fresh_secret() -> str:
    """Return a URL-safe secret of 256 bits."""
    return secrets.token_urlsafe(32)
