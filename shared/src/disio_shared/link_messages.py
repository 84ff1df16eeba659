"""The messages of the manager link (ZeroMQ).

Rule: batches are columns (parallel lists), not lists of objects.
"""

from disio_shared.message_base import Error, Message, Part, Refused
from disio_shared.ranges import Run

# Manager link, distributor to manager


class BlockRef(Part, frozen=True, kw_only=True):
    """A block under one lease; a later lease of the same block has a higher number."""

    block: str
    lease: int


class Join(Message, frozen=True, kw_only=True):
    """First message on the link, and after every reconnect; answered with Admitted or Refused."""

    version: int
    distributor: str
    """Stable id, kept in the distributor's cache."""
    name: str
    url: str
    """Where clients reach it."""
    region: str = ""
    max_clients: int
    join_token: str = ""
    software: str = ""
    held: list[BlockRef] = []
    """Blocks it still holds; answered in Admitted.revoked where they are no longer its own."""


class Ask(Message, frozen=True, kw_only=True):
    """I want work; answered with Grant at once, or when there is some."""

    request: int
    """Grows with every Ask of this session; a newer one replaces an older."""
    payloads: int
    """How many payloads it wants at most."""
    languages: list[str]
    """What its clients can run together."""
    kinds: list[str]
    """Kinds of its clients."""
    memory_mb: int = 0
    """The largest memory any client offers; 0 = unknown."""
    tasks: list[str] = []
    """Tasks whose manifest it has."""


class ResultColumns(Part, frozen=True, kw_only=True):
    """Canonical results of one task."""

    task: str
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]
    clients: list[str]
    """The distinct clients of this part."""
    by: list[int]
    """Per index, which of ``clients`` computed it."""


class FailureColumns(Part, frozen=True, kw_only=True):
    """Quarantined payloads of one task: they failed ``max_failures`` times."""

    task: str
    indexes: list[int]
    errors: list[list[str]]
    """Per index, the error texts, oldest first."""


class Deliver(Message, frozen=True, kw_only=True):
    """Results and failures from the outbox; answered with Committed. Sent again until it is."""

    batch: str
    results: list[ResultColumns] = []
    failures: list[FailureColumns] = []


class Return(Message, frozen=True, kw_only=True):
    """Blocks given back; results delivered before stay."""

    blocks: list[BlockRef]


class FetchWorkunit(Message, frozen=True, kw_only=True):
    """Send me this code; answered with WorkunitCode."""

    workunit: str


class Status(Message, frozen=True, kw_only=True):
    """Heartbeat of a distributor: extends the leases of the blocks it names, feeds the fleet view."""

    clients: int
    slots: int
    """Units its clients run at a time."""
    kinds: dict[str, int] = {}
    """Clients per kind."""
    rate: float = 0.0
    """Results a second, lately."""
    outbox: int = 0
    """Results not yet committed by a manager."""
    held: list[BlockRef] = []


FromDistributor = Join | Ask | Deliver | Return | FetchWorkunit | Status

# Manager link, manager to distributor


class Admitted(Message, frozen=True, kw_only=True):
    """The distributor is in."""

    version: int
    cluster: str
    manager: str
    status_s: float
    """How often it wants Status."""
    lease_s: float
    """How long a block's lease lasts without Status."""
    revoked: list[BlockRef] = []
    siblings: list[str] = []


class TaskManifest(Part, frozen=True, kw_only=True):
    """What a distributor must know of a task."""

    task: str
    name: str
    workunit: str
    language: str
    payloads: bytes
    """The payload spec as JSON text when payloads can be generated from it, else empty: they come with each block."""
    priority: int = 0
    weight: float = 1.0
    unit_timeout_s: float = 60.0
    max_failures: int = 3
    memory_mb: int = 0
    kinds: list[str] = []
    when_exhausted: str = "repeat"


class BlockGrant(Part, frozen=True, kw_only=True):
    """A leased block: indexes ``start`` to ``stop`` less ``done``."""

    block: str
    lease: int
    task: str
    start: int
    stop: int
    done: list[Run] = []
    payloads: list[bytes] = []
    """For tasks whose payloads are not generated: one value per index from ``start`` to ``stop``."""


class Grant(Message, frozen=True, kw_only=True):
    """Answer to Ask."""

    request: int
    tasks: list[TaskManifest] = []
    """Of the granted tasks, those that Ask did not name."""
    blocks: list[BlockGrant] = []
    waiting: str = ""
    """When there are no blocks: why, in a sentence. The next Grant comes by itself."""


class Committed(Message, frozen=True, kw_only=True):
    """The batch is durable here; forget it."""

    batch: str


class WorkunitCode(Message, frozen=True, kw_only=True):
    """Answer to FetchWorkunit; ``code`` is empty when there is none."""

    workunit: str
    language: str
    code: bytes


class TaskState(Message, frozen=True, kw_only=True):
    """A task whose blocks you hold changed: ``running`` go on, ``paused`` hand out no more, any other: drop it."""

    task: str
    state: str


class Revoke(Message, frozen=True, kw_only=True):
    """These blocks are no longer yours (lease over, or all done elsewhere): hand out no more of them."""

    blocks: list[BlockRef]


class Drain(Message, frozen=True, kw_only=True):
    """Move your clients away and give your blocks back."""

    reason: str


class Siblings(Message, frozen=True, kw_only=True):
    """The other distributors, best first."""

    urls: list[str]


ToDistributor = Admitted | Refused | Grant | Committed | WorkunitCode | TaskState | Revoke | Drain | Siblings | Error
