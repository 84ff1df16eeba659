"""The messages of the client link (Socket.IO).

Rule: whoever changes one changes the golden samples and the TypeScript twin with it.
"""

from disio_shared.message_base import Error, Message, Refused, Terms

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
    """Of ``javascript``, ``wasm``, ``python``, and ``python-native:CLUSTER`` for each cluster it trusts with that
    (``disio_shared.abilities``)."""
    cores: int
    """Units it runs at a time."""
    memory_mb: int = 0
    """Memory one unit may use; 0 = unknown."""
    site: str = ""
    """The ``data-site`` of the embedding page."""
    origin: str = ""
    """Of a browser client the origin of the embedding page, as the browser told the consent frame."""
    software: str = ""
    """Name and version, for people."""
    prefers: str = ""
    """Id of the task that it wants to help first: it gets of that one whenever there is some; empty = any."""
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
    logged: list[int] = []
    """Indexes of the units that wrote to their log."""
    logs: list[str] = []
    """The end of what each of them wrote: at most 4,000 characters, and a note of what went before them."""


class Failed(Message, frozen=True, kw_only=True):
    """Units of one batch whose code raised, timed out or broke a limit; acknowledged with Stored."""

    token: str
    indexes: list[int]
    errors: list[str]
    """What to show the submitter; at most 4,000 characters each."""
    kinds: list[str]
    """Of ``error``, ``timeout``, ``memory``, ``result``, ``crash``."""
    logged: list[int] = []
    """As in Results, like ``logs``."""
    logs: list[str] = []


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
    """What the client must have announced to get this: see ``Hello.languages``."""
    indexes: list[int]
    payloads: list[bytes]
    """Values, parallel to ``indexes``."""
    states: dict[int, bytes] = {}
    """Index to what an earlier client saved."""
    unit_timeout_s: float
    memory_mb: int = 0
    """A unit's memory limit; 0 = the client's own."""
    terms: Terms = Terms()


class Cancel(Message, frozen=True, kw_only=True):
    """Stop these units: drop what is queued, end what runs, send nothing about them. No token = the whole task."""

    task: str
    tokens: list[str] = []
    indexes: list[list[int]] = []
    """Per token, which of its units; an empty list, or none at all, = every unit of the token."""


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


ToClient = Welcome | Refused | Redirect | Assign | Cancel | Idle | Pause | Resume | Stored | Error
