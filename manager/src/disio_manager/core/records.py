"""What the manager remembers of tasks, blocks and distributors.

Rule: these are the rows that stores keep; everything else a core holds can be worked out from them again.
"""

import msgspec

from disio_shared.payloads import PayloadSpec
from disio_shared.ranges import Run
from disio_shared.taskdoc import Policy


class TaskRecord(msgspec.Struct, kw_only=True):
    """One task."""

    id: str
    number: int
    """Sequence of creation in this cluster, from 1; given by the store."""
    name: str
    tags: list[str]
    workunit: str
    """SHA-256 of the code."""
    language: str
    workunit_bytes: int
    payloads: bytes
    """The ``payloads`` field of the task document as JSON text."""
    policy: Policy
    total: int
    state: str
    """``queued running paused done failed cancelled expired``; running = a payload was handed out."""
    created_at: float
    """Seconds since 1970-01-01 UTC, like every ``_at``."""
    finished_at: float | None = None
    frontier: int = 0
    """Indexes below it are in a block, done or failed; those from it on were never in a block."""
    done: int = 0
    failed: int = 0
    retries: int = 0
    """Times its failed payloads were queued again."""


class BlockRecord(msgspec.Struct, kw_only=True):
    """A contiguous run of indexes below the frontier that has open ones; dropped when all are done or failed."""

    id: str
    task: str
    start: int
    stop: int
    lease: int = 0
    """Number of times it was leased."""
    holder: str = ""
    """Distributor id, or empty when it is ready to be leased."""


class LoadedTask(msgspec.Struct, kw_only=True):
    """A task as a store gives it back."""

    record: TaskRecord
    spec: PayloadSpec
    blocks: list[BlockRecord]
    closed: dict[str, list[Run]]
    """Block id to the indexes in it that have a result or a failure."""
    failed: list[Run] = []
    """Indexes that are quarantined."""


class DistributorRecord(msgspec.Struct, kw_only=True):
    """One distributor as the fleet view shows it."""

    id: str
    name: str
    url: str
    region: str = ""
    software: str = ""
    max_clients: int = 0
    state: str = "offline"
    """``online``, ``offline`` or ``draining``."""
    clients: int = 0
    slots: int = 0
    kinds: dict[str, int] = {}
    rate: float = 0.0
    outbox: int = 0
    blocks: int = 0
    last_seen: float = 0.0
