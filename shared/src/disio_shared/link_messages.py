"""The messages of the manager link (ZeroMQ).

Rule: batches are columns (parallel lists), not lists of objects.
"""

from disio_shared.fleet_messages import Orders, Sites
from disio_shared.message_base import Error, Message, Part, Refused, Terms
from disio_shared.ranges import Run
from disio_shared.try_messages import FetchStory, PastTries, Story, TryColumns

# Manager link, distributor to manager


class BlockRef(Part, frozen=True, kw_only=True):
    """A block under one lease; a later lease of the same block has a higher number."""

    block: str
    lease: int
    manager: str = ""
    """Id of the manager that answers for it, as far as the distributor knows (``Admitted.manager``)."""


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
    speaks: list[str] = []
    """What it can be asked beside its work: ``clients`` (ListClients), ``matching`` (its ``kind``, ``state`` and
    ``text``), ``story`` (FetchStory), ``orders`` (Orders)."""
    held: list[BlockRef] = []
    """All blocks of the cluster that it still holds, whichever manager granted them; answered in Admitted.revoked where
    they are no longer its own. A block that is not among them it has lost, or never had, and is handed out again."""


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
    only: list[str] = []
    """Answers an Offer: of these tasks alone, granted at once or not at all; the Ask that stands goes on standing."""


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


class VoteColumns(Part, frozen=True, kw_only=True):
    """Further results of payloads that have one already (``when_exhausted: repeat``): evidence, never canonical."""

    task: str
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]
    clients: list[str]
    """The distinct clients of this part."""
    by: list[int]
    """Per index, which of ``clients`` computed it."""


class TaskTally(Part, frozen=True, kw_only=True):
    """What happened to hand-outs of one task at one distributor since ``Status.since``; counts only ever grow."""

    task: str
    lost: int = 0
    """Payloads whose client went away or fell silent while it may have run them."""
    failed: int = 0
    """Tries that failed, quarantined payloads' among them."""
    copies: int = 0
    """Speculative copies handed out for stragglers."""


class Deliver(Message, frozen=True, kw_only=True):
    """Results and failures from the outbox; answered with Committed. Sent again until it is."""

    batch: str
    results: list[ResultColumns] = []
    failures: list[FailureColumns] = []
    votes: list[VoteColumns] = []
    tries: list[PastTries] = []
    """Of payloads in ``results`` and ``failures``."""
    since: float = 0.0
    """As in Status."""
    tallies: list[TaskTally] = []
    """Of tasks in it that have any: the last Deliver of a task ends it, and no Status counts after that."""


class Packed(Message, frozen=True, kw_only=True):
    """Any other message of this direction, compressed (zlib); only the link knows of it, cores never see it."""

    size: int
    """Bytes after unpacking; more than the link's limit is refused before anything is unpacked."""
    data: bytes


class Return(Message, frozen=True, kw_only=True):
    """Blocks given back; results delivered before stay."""

    blocks: list[BlockRef]
    tries: list[TryColumns] = []
    """What is known of open payloads in them, at most 1,000 tries: whoever gets them next counts on."""


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
    """Blocks this manager answers for, and those whose manager is not connected."""
    paused: list[str] = []
    """Tasks with held blocks that it takes for paused; where the manager knows better it sends TaskState again."""
    durability: str = "full"
    """``full``, or in a sentence why results that were acknowledged may be lost."""
    space: float = 0.0
    """Share of the cache's space that is used, 0 to 1; from 0.8 on it hands out no more work."""
    turned_away: int = 0
    """Clients refused or redirected for want of places since ``since``."""
    since: float = 0.0
    """When the distributor's process began to count, seconds since 1970; a new value starts all tallies anew."""
    tallies: list[TaskTally] = []


class ClientRows(Message, frozen=True, kw_only=True):
    """Answer to ListClients: clients by id, one row each; nothing of who or where they are beyond what they say."""

    request: int
    ids: list[str] = []
    kinds: list[str] = []
    slots: list[int] = []
    """Units each runs at a time."""
    languages: list[list[str]] = []
    sites: list[str] = []
    software: list[str] = []
    ages_s: list[float] = []
    """Seconds since each connected."""
    busy: list[int] = []
    """Payloads that each has been given and not answered."""
    is_end: bool = True
    """None comes after these."""
    total: int = -1
    """Clients that match, shown or not; -1 = not counted."""
    platforms: list[str] = []
    """Family of browser and system, such as ``Firefox, Linux``; of an older distributor no row has one."""
    units: list[int] = []
    """Results of each since it connected."""
    failures: list[int] = []
    """Tries of each that failed since then."""
    rates: list[float] = []
    """Results a second of each, lately."""


FromDistributor = Join | Ask | Deliver | Return | FetchWorkunit | Status | ClientRows | Story | Sites | Packed

# Manager link, manager to distributor


class Admitted(Message, frozen=True, kw_only=True):
    """The distributor is in."""

    version: int
    cluster: str
    manager: str
    """Its id, the same over restarts on one data directory."""
    status_s: float
    """How often it wants Status."""
    lease_s: float
    """How long a block's lease lasts without Status."""
    revoked: list[BlockRef] = []
    siblings: list[str] = []
    managers: list[str] = []
    """REST URLs of the other live managers of the cluster."""
    hears: list[str] = []
    """What it takes beside what every manager does: ``sites`` (Sites)."""
    token_key: bytes = b""
    """The cluster's key (32 bytes): assignment tokens and client secrets made with it hold at every distributor of the
    cluster. Empty: each distributor uses a key of its own."""


class TaskManifest(Part, frozen=True, kw_only=True):
    """What a distributor must know of a task."""

    task: str
    name: str
    workunit: str
    language: str
    """What a client must have announced to run it: see ``Hello.languages``."""
    payloads: bytes
    """The payload spec as JSON text when payloads can be generated from it, else empty: they come with each block."""
    priority: int = 0
    weight: float = 1.0
    unit_timeout_s: float = 60.0
    max_failures: int = 3
    memory_mb: int = 0
    kinds: list[str] = []
    when_exhausted: str = "repeat"
    max_redundancy: int = 5
    max_lost: int = 20
    terms: Terms = Terms()


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
    tries: TryColumns | None = None
    """Tries of its payloads at other distributors, or at this one before it gave them back."""


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


class Managers(Message, frozen=True, kw_only=True):
    """REST URLs of the other live managers of this cluster: hold a link to each."""

    urls: list[str]


class Adopted(Message, frozen=True, kw_only=True):
    """This manager answers for these blocks now; the one that granted them is gone."""

    blocks: list[BlockRef]


class Offer(Message, frozen=True, kw_only=True):
    """Payloads of these tasks wait and you hold none of them: Ask with ``only`` if your clients can run them."""

    tasks: list[str]


class ListClients(Message, frozen=True, kw_only=True):
    """Tell me of your clients; answered with ClientRows. Only for who ``speaks`` it."""

    request: int
    """Of this session, its own."""
    after: str = ""
    """Only clients whose id is above."""
    limit: int
    """Rows at most, 0 (only count) to 1,000."""
    kind: str = ""
    """Only of this kind; these three for who speaks ``matching``."""
    state: str = ""
    """``busy``: only those that hold payloads; ``idle``: only those that hold none."""
    text: str = ""
    """Only those with this in their id, site, software or platform, whatever the case."""


ToDistributor = (
    Admitted
    | Refused
    | Grant
    | Committed
    | WorkunitCode
    | TaskState
    | Revoke
    | Drain
    | Siblings
    | Managers
    | Adopted
    | Offer
    | ListClients
    | FetchStory
    | Orders
    | Error
)
