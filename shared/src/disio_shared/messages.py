"""Every message of the client link (Socket.IO) and of the manager link (ZeroMQ).

Rule: one tagged union per direction and link; unknown fields are ignored, unknown types are refused, values travel
as ``bytes`` in the form of ``disio_shared.values``. Batches are columns (parallel lists), not lists of objects.
docs/protocol.md tells when each one is sent; tests/contract/samples holds a golden sample of each.
"""

import msgspec

from disio_shared.codec import MAX_CLIENT_MESSAGE, MAX_LINK_MESSAGE, Codec
from disio_shared.ranges import Run

PROTOCOL_VERSION = 1
"""Both links speak it; a peer with another one is refused with ``version``."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """Base of all messages: a map with ``type`` = the class name in lower case."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what messages are made of: a map without a tag."""


# Client link, client to distributor


class Hello(Message, frozen=True, kw_only=True):
    """First message of a client; answered in the acknowledgement with Welcome, Refused or Redirect."""

    version: int
    kind: str
    """``web`` or ``cli``."""
    client_id: str = ""
    """Given by an earlier Welcome, together with ``secret``; empty for a new client."""
    secret: str = ""
    name: str = ""
    languages: list[str]
    """Of ``javascript``, ``wasm``, ``python``."""
    cores: int
    """Units it runs at a time."""
    memory_mb: int = 0
    """Memory one unit may use; 0 = unknown."""
    site: str = ""
    """The ``data-site`` of the embedding page."""
    software: str = ""
    """Name and version, for people."""
    holding: list[str] = []
    """Tokens of assignments it still works on after a lost connection; live ones are leased to it again."""


class Ready(Message, frozen=True, kw_only=True):
    """I can take one more batch. Stands until an Assign answers it; a repeat replaces it. Not acknowledged."""

    slots: int
    """Units that run at a time."""
    queued: int = 0
    """Units assigned and not yet started."""


class Results(Message, frozen=True, kw_only=True):
    """Finished units of one assignment batch; acknowledged with Stored once they are durable."""

    token: str
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]
    """Time each unit ran."""


class Failed(Message, frozen=True, kw_only=True):
    """Units of one batch whose code raised, timed out or broke a limit; acknowledged with Stored."""

    token: str
    indexes: list[int]
    errors: list[str]
    """What to show the submitter; at most 4,000 characters each."""
    kinds: list[str]
    """Of ``error``, ``timeout``, ``memory``, ``result``, ``crash``."""


class Checkpoint(Message, frozen=True, kw_only=True):
    """``save_state`` of a running unit; acknowledged with Stored."""

    token: str
    index: int
    state: bytes
    """A value."""


class Progress(Message, frozen=True, kw_only=True):
    """How far running units are, 0 to 1. Not acknowledged; extends the lease."""

    token: str
    indexes: list[int]
    fractions: list[float]


class Release(Message, frozen=True, kw_only=True):
    """Units given back unfinished (a clean leave); acknowledged with Stored; at once assignable again."""

    tokens: list[str]
    indexes: list[list[int]]
    """Per token; an empty list gives back all that is left of it."""


FromClient = Hello | Ready | Results | Failed | Checkpoint | Progress | Release

# Client link, distributor to client


class Welcome(Message, frozen=True, kw_only=True):
    """The client is in."""

    version: int
    client_id: str
    secret: str
    distributor: str
    """Name of the distributor, for people."""
    heartbeat_s: float
    """A client with running units sends Progress or Results at least this often."""
    max_result_bytes: int
    max_state_bytes: int
    siblings: list[str] = []
    """Base URLs of other distributors of the same managers, best first."""


class Refused(Message, frozen=True, kw_only=True):
    """The client (or distributor) is not let in; it may try again after ``retry_after_s``, never when negative."""

    code: str
    """Stable: ``version``, ``full``, ``draining``, ``token``, ``malformed``."""
    reason: str
    retry_after_s: float = -1.0


class Redirect(Message, frozen=True, kw_only=True):
    """Go to another distributor."""

    url: str
    reason: str


class Assign(Message, frozen=True, kw_only=True):
    """A batch of assignments of one task; answers a Ready."""

    token: str
    """Opaque; names this batch in all that is sent about it."""
    task: str
    task_name: str
    workunit: str
    """SHA-256 of the code; fetched once from ``/workunits/{sha256}`` and kept."""
    language: str
    indexes: list[int]
    payloads: list[bytes]
    """Values, parallel to ``indexes``."""
    states: dict[int, bytes] = {}
    """Index to what an earlier client saved."""
    unit_timeout_s: float
    memory_mb: int = 0
    """A unit's memory limit; 0 = the client's own."""


class Cancel(Message, frozen=True, kw_only=True):
    """Stop these units: drop what is queued, end what runs, send nothing about them. No token = the whole task."""

    task: str
    tokens: list[str] = []


class Idle(Message, frozen=True, kw_only=True):
    """Nothing to do right now, and why, in a sentence for the volunteer. Work follows by itself."""

    reason: str


class Pause(Message, frozen=True, kw_only=True):
    """Take no new units until Resume."""

    reason: str


class Resume(Message, frozen=True, kw_only=True):
    """Go on after a Pause."""


class Stored(Message, frozen=True, kw_only=True):
    """Acknowledgement: durable. Indexes that are no longer wanted are dropped, and that is fine."""

    accepted: int
    """How many counted."""
    dead: bool = False
    """The token names nothing that is still open: drop whatever is left of it."""


class Error(Message, frozen=True, kw_only=True):
    """The last message was refused; the connection may be closed after it."""

    code: str
    reason: str


ToClient = Welcome | Refused | Redirect | Assign | Cancel | Idle | Pause | Resume | Stored | Error

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

FROM_CLIENT: Codec[FromClient] = Codec(FromClient, MAX_CLIENT_MESSAGE)
TO_CLIENT: Codec[ToClient] = Codec(ToClient, MAX_CLIENT_MESSAGE)
FROM_DISTRIBUTOR: Codec[FromDistributor] = Codec(FromDistributor, MAX_LINK_MESSAGE)
TO_DISTRIBUTOR: Codec[ToDistributor] = Codec(ToDistributor, MAX_LINK_MESSAGE)
