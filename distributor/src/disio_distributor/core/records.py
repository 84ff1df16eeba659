"""What a distributor remembers across a restart.

Rule: these are the rows that caches keep; assignments are not among them, their tokens speak for themselves.
"""

import msgspec

from disio_shared.messages import FailureColumns, Orders, PastTries, ResultColumns, TaskManifest, VoteColumns
from disio_shared.ranges import Run


class HeldTask(msgspec.Struct, kw_only=True):
    """A task this distributor has blocks or undelivered results of."""

    cluster: str
    manifest: TaskManifest
    paused: bool = False


class HeldBlock(msgspec.Struct, kw_only=True):
    """A block leased from a manager."""

    block: str
    lease: int
    cluster: str
    task: str
    start: int
    stop: int
    done: list[Run] = []
    """Closed when it was granted, or committed by a manager since."""
    payloads: list[bytes] = []
    """For tasks whose payloads are not generated."""
    manager: str = ""
    """Id of the manager that answers for it."""


class OutboxEntry(msgspec.Struct, kw_only=True):
    """Results, failures or votes of one client message that no manager has committed yet: exactly one of the three."""

    id: int
    """Grows by one; unique in this cache."""
    cluster: str
    results: ResultColumns | None = None
    failures: FailureColumns | None = None
    votes: VoteColumns | None = None
    tries: PastTries | None = None
    """What led to the results or failures, where there is anything to tell."""


class OutboxHead(msgspec.Struct, kw_only=True):
    """What the core always remembers of an outbox entry; the entry itself may be on the disk only."""

    id: int
    cluster: str
    manager: str
    """Id of the manager that answered for the block; its results go there first."""
    task: str
    kind: str
    """``results``, ``failures`` or ``votes``."""
    runs: list[Run]
    client: str
    """Who computed it."""
    bytes: int
    """What the entry takes, about."""


class Attempt(msgspec.Struct, kw_only=True):
    """One try of a payload that came to nothing."""

    task: str
    index: int
    client: str
    error: str
    number: int = 0
    """How many tries of this payload came to nothing before; with task and index it names the row."""
    outcome: str = "failed"
    """``failed`` (the code raised, timed out or broke a limit) or ``lost`` (the client vanished while it ran it)."""
    log: str = ""
    """What the unit wrote, as far as the client sent it."""
    distributor: str = ""
    """Where it was tried; empty: here."""
    ended_at: float = 0.0
    """Seconds since 1970-01-01 UTC; 0: not known."""


class KnownClient(msgspec.Struct, kw_only=True):
    """A client that was welcomed before."""

    id: str
    secret_hash: bytes
    """SHA-256 of the secret it was given."""
    kind: str
    last_seen: float
    """Seconds since 1970-01-01 UTC."""


class Snapshot(msgspec.Struct, kw_only=True):
    """Everything a cache holds, as given back at start."""

    distributor_id: str
    token_key: bytes
    """32 random bytes that authenticate assignment tokens; made once per cache."""
    tasks: list[HeldTask] = []
    blocks: list[HeldBlock] = []
    outbox: list[OutboxHead] = []
    """By id."""
    attempts: list[Attempt] = []
    checkpoints: dict[str, dict[int, bytes]] = {}
    """Task to index to saved state."""
    workunits: list[str] = []
    """Hashes of the code it holds."""
    cluster_keys: dict[str, bytes] = {}
    """Cluster to the key that all its distributors share, the first one told first."""
    orders: dict[str, Orders] = {}
    """Cluster to what its operators want of this distributor."""
