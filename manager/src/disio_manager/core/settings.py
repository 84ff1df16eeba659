"""Numbers that the manager's core works by.

Rule: they are given once, at restore; nothing else in the core is tunable.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSettings:
    """Limits and durations; every ``_s`` is in seconds."""

    cluster: str = ""
    """Id of the database, told to distributors."""
    manager: str = ""
    """Id of this manager, told to distributors; owner of its stretches."""
    token_key: bytes = field(default=b"", repr=False)
    """What distributors make assignment tokens and client secrets with; empty = each has a key of its own."""
    is_shared: bool = False
    """Several managers may serve the store: stretches are claimed. Else each task is one stretch of this manager."""
    claim_part: int = 4
    """A claim takes this part (1/n) of what nobody looks after yet, divided by the number of managers."""
    yield_s: float = 10.0
    """A stretch that no distributor here can work on is given up after this time, if there are other managers."""
    min_claim: int = 256
    """Payloads of the smallest claim, when there are so many left."""
    claim_pause_s: float = 1.0
    """A claim that came to nothing is tried again after this time."""
    lease_s: float = 60.0
    """How long a block's lease lasts without a sign of life."""
    lag_s: float = 3.0
    """So long after a task was paused or resumed at another manager this one may not know of it."""
    status_s: float = 10.0
    """How often a distributor is to send Status."""
    max_block: int = 10_000
    """Payloads of one block."""
    min_block: int = 16
    """No block is cut smaller than this for the sake of ``grant_parts``."""
    grant_parts: int = 32
    """What is asked for comes in about so many blocks, so that some of them can go to another distributor later."""
    max_block_bytes: int = 8 << 20
    """Bytes of payloads that one block carries when they are not generated."""
    max_grant_blocks: int = 64
    """Blocks in one Grant."""
    max_grant_bytes: int = 32 << 20
    """Bytes of payloads in one Grant; half of what the link carries in a message."""
    max_result_bytes: int = 8 << 20
    """Bytes of one result; a larger one is recorded as a failed payload, since databases keep at most 16 MB a row."""
    max_distributors: int = 0
    """Distributors that may be online at a time; 0 = any number."""
    max_fleet: int = 10_000
    """Distributors remembered; beyond it the one away for longest is forgotten."""
    max_siblings: int = 100
    """Other distributors named to each."""
