"""What the manager remembers of tasks, blocks and distributors.

Rule: these are the rows that stores keep; everything else a core holds can be worked out from them again.
"""

import msgspec

from disio_shared.messages import Terms
from disio_shared.payloads import PayloadSpec
from disio_shared.ranges import Run
from disio_shared.task_parts import Aggregates, Webhook
from disio_shared.taskdoc import Policy


class Due(msgspec.Struct, frozen=True):
    """Something that a webhook has not been told yet."""

    id: str
    """Its own, the same for each try."""
    event: str
    at: float
    url: str
    place: int = 0
    """Of the webhook among the task's, when this was noted."""


class PartRetry(msgspec.Struct, frozen=True, array_like=True):
    """A retry of some failed payloads alone."""

    number: int
    """``TaskRecord.retries`` with it."""
    runs: list[Run]
    """Of their indexes."""


class TaskRecord(msgspec.Struct, kw_only=True):
    """One task."""

    id: str
    number: int
    """Sequence of creation in this cluster, from 1; given by the store."""
    owner: str = ""
    """Who created it: a user, or ``token:ID``; empty: the machine's own token, or an earlier version of disio."""
    name: str
    tags: list[str]
    description: str = ""
    public: bool = False
    webhooks: list[Webhook] = []
    """With their secrets."""
    aggregates: Aggregates | None = None
    document_sha256: str = ""
    """Of the canonical document that made it; of tasks made by an earlier version empty."""
    workunit: str
    """SHA-256 of the code."""
    language: str
    runtime: str = "sandbox"
    """``native``: in a process of machines whose owners trust this cluster with that."""
    terms: Terms = Terms()
    workunit_bytes: int
    payloads: bytes
    """The ``payloads`` field of the task document as JSON text."""
    blob: str = ""
    """SHA-256 of the archive that the payloads are read from, or empty."""
    form: str = ""
    """``open`` (people give them) or ``task`` (they are results of another one): its payloads come by and by and lie in
    segments; ``total`` is then what its stretch reaches to."""
    source: str = ""
    """The task whose results are its payloads, or empty."""
    growing: bool = False
    """More payloads may come."""
    policy: Policy
    total: int
    state: str
    """``queued running paused done failed cancelled expired``; running = a payload was handed out."""
    created_at: float
    """Seconds since 1970-01-01 UTC, like every ``_at``."""
    finished_at: float | None = None
    done: int = 0
    """Of the whole task, as far as this manager knows; what other managers did is known within a second."""
    failed: int = 0
    matched: int = 0
    """Of the results those that satisfy ``policy.stop_when``, as far as this manager knows."""
    ended_by: str = ""
    """``stop_when``: it is done because enough results satisfy that, though payloads may be open."""
    retries: int = 0
    """Times its failed payloads were queued again."""
    part_retries: list[PartRetry] = []
    """Those of the last ones that were not about all of them, for owners of stretches that have not done so yet."""
    version: int = 0
    """Grows with every change that is not progress; with ``changed_by`` it tells which of two is the newer."""
    changed_by: str = ""
    """Id of the manager that made the change."""
    lost: int = 0
    """Payloads whose client vanished, and below failed tries and speculative copies: not exact over crashes."""
    tries_failed: int = 0
    copies: int = 0
    due: list[Due] = []
    """What its webhooks are still to be told."""


class SegmentHead(msgspec.Struct, frozen=True):
    """Payloads of a growing task that came together."""

    start: int
    count: int
    size: int
    """Bytes of their values."""


class Growth(msgspec.Struct, frozen=True):
    """The log of a growing task from some payload on."""

    task: str
    segments: list[SegmentHead]
    """By start."""
    end: int | None
    """How many payloads the task has when no more may come."""


class StretchRecord(msgspec.Struct, kw_only=True):
    """A contiguous run of a task's indexes that one manager looks after.

    Stretches of a task never overlap and are claimed in index order, so the end of the last one is where the next one
    begins. Only the owner writes its row. A manager that has its database to itself owns one stretch per task, all
    of it.
    """

    task: str
    start: int
    stop: int
    owner: str
    """Manager id."""
    frontier: int
    """Indexes from ``start`` to it are in a block, done or failed; those from it to ``stop`` were never in a block."""
    done: int = 0
    failed: int = 0
    matched: int = 0
    """Of the ``done`` ones those whose result satisfies the task's ``stop_when``."""
    leased: int = 0
    """Open payloads in leased blocks, for the views of other managers."""
    retries: int = 0
    """``TaskRecord.retries`` up to which the owner has queued its failed payloads again."""


class BlockRecord(msgspec.Struct, kw_only=True):
    """A contiguous run of indexes of one stretch, below its frontier, with open ones; dropped when all are closed."""

    id: str
    task: str
    start: int
    stop: int
    lease: int = 0
    """Number of times it was leased."""
    holder: str = ""
    """Distributor id, or empty when it is ready to be leased."""


class LoadedTask(msgspec.Struct, kw_only=True):
    """A task as a store gives it back to one manager."""

    record: TaskRecord
    """Its counters: counted from rows in the manager's own stretches, plus what others wrote of theirs."""
    spec: PayloadSpec
    stretches: list[StretchRecord]
    """All of the task, by start; those of the manager have counters counted from rows."""
    blocks: list[BlockRecord]
    """Of the manager's own stretches, like ``closed`` and ``failed``."""
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
    """``online``, ``offline``, ``draining`` or ``paused``."""
    clients: int = 0
    slots: int = 0
    kinds: dict[str, int] = {}
    rate: float = 0.0
    outbox: int = 0
    blocks: int = 0
    last_seen: float = 0.0
    durability: str = "full"
    """``full``, or why results it acknowledged may be lost."""
    space: float = 0.0
    """Share of its cache that is used, 0 to 1."""
    turned_away: int = 0
    """Clients it had no place for since it started."""
    manager: str = ""
    """Id of the manager it was last online at."""
    trouble: str = ""
    """Why it was refused when it last tried to join; empty when it was let in."""


class Notice(msgspec.Struct, kw_only=True):
    """What another manager took in for one of our stretches, and our memory does not know yet."""

    id: str
    task: str
    done: list[Run] = []
    """Their rows are in the store."""
    matched: list[int] = []
    """Those of ``done`` whose row satisfies the task's ``stop_when``."""
    failed: list[int] = []
    """Of these there are no rows yet: they may have been opened again meanwhile, which only the owner knows."""
    errors: list[list[str]] = []
    """Per failed index, the error texts."""


class Peer(msgspec.Struct, kw_only=True):
    """Another live manager of the cluster."""

    id: str
    url: str


class SharedTask(msgspec.Struct, kw_only=True):
    """A task as it stands in a store that several managers serve."""

    record: TaskRecord
    """Without ``payloads``."""
    stretches: list[StretchRecord]


class Look(msgspec.Struct, kw_only=True):
    """What a manager sees when it looks at what the others did."""

    tasks: list[SharedTask]
    """Every open task, and of those asked for by name the closed ones too."""
    gone: list[str]
    """Tasks asked for by name that are deleted."""
    notices: list[Notice]
    distributors: list[DistributorRecord]
    """Those last online at another manager."""
    grown: list[Growth] = []
    """What the logs of growing tasks hold beyond their stretches."""
