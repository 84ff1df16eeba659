"""The shapes of what commands print with ``--json``.

Rule: what a shape names is always there and of that kind; objects may have more.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from disio.fleet_shapes import BlockedClient as BlockedClient
from disio.fleet_shapes import BlockedClients as BlockedClients
from disio.fleet_shapes import OrderedDistributor as OrderedDistributor
from disio.fleet_shapes import SiteDays as SiteDays
from disio.fleet_shapes import Sites as Sites
from disio.fleet_shapes import Unblocked as Unblocked
from disio.machine_shapes import Bench as Bench
from disio.machine_shapes import Checked as Checked
from disio.machine_shapes import ConfigFile as ConfigFile
from disio.machine_shapes import Doctor as Doctor
from disio.machine_shapes import DoctorCheck as DoctorCheck
from disio.machine_shapes import Key as Key
from disio.machine_shapes import Keys as Keys
from disio.machine_shapes import Project as Project
from disio.machine_shapes import Setting as Setting
from disio.machine_shapes import Settings as Settings
from disio.machine_shapes import Shape as Shape
from disio.machine_shapes import Trial as Trial
from disio.machine_shapes import Trials as Trials
from disio.people_shapes import ApiToken as ApiToken
from disio.people_shapes import ApiTokens as ApiTokens
from disio.people_shapes import MadeToken as MadeToken
from disio.people_shapes import RemovedUser as RemovedUser
from disio.people_shapes import RevokedToken as RevokedToken
from disio.people_shapes import SignedOut as SignedOut
from disio.people_shapes import User as User
from disio.people_shapes import Users as Users
from disio.people_shapes import Who as Who

State = Literal["queued", "running", "paused", "done", "failed", "cancelled", "expired"]


class Workunit(Shape):
    """The code of a task."""

    language: str
    sha256: str
    bytes: int
    runtime: str


class Task(Shape):
    """A task. Times are seconds since 1970-01-01 UTC."""

    id: str
    number: int
    name: str
    tags: list[str]
    workunit: Workunit
    policy: dict[str, Any]
    state: State
    total: int
    done: int
    failed: int
    leased: int
    created_at: float
    finished_at: float | None
    rate: float
    """Payloads closed a second, lately."""
    eta_s: float | None


class TaskList(Shape):
    """``disio task list``, newest first."""

    items: list[Task]
    total: int | None
    """Tasks that match; null = some were left out, and nobody counted them."""


class Deleted(Shape):
    """A task that was deleted."""

    id: str
    number: int
    deleted: Literal[True]


class BulkRefusal(Shape):
    """Why one task stayed as it was."""

    task: str
    code: str
    reason: str


class BulkJob(Shape):
    """One verb on all tasks that fit ``--where``."""

    verb: Literal["pause", "resume", "cancel", "retry", "delete"]
    state: Literal["dry-run", "running", "done", "given-up"]
    matched: int
    done: int
    refused: int
    refusals: list[BulkRefusal]
    """The first 100."""
    trouble: str
    id: str | UnsetType = UNSET
    """Nothing was done without one."""


class Explanation(Shape):
    """Why a task is (not) progressing."""

    id: str
    state: State
    sentences: list[str]


class Extreme(Shape):
    """One of the largest or smallest numbers."""

    i: int
    value: float


class Histogram(Shape):
    """Bin ``n`` begins at ``start + n * width``; width 0: all numbers are the same."""

    start: float
    width: float
    counts: list[int]


class Numbers(Shape):
    """What is known of one field of results."""

    count: int
    sum: float | None
    mean: float | None
    min: float | None
    min_at: int | None
    max: float | None
    max_at: int | None
    histogram: Histogram | None
    top: list[Extreme]
    bottom: list[Extreme]


class Aggregates(Shape):
    """``disio task aggregates``."""

    id: str
    state: State
    done: int
    counted: int
    more_fields: bool
    fields: dict[str, Numbers]
    """By path; the empty one is the result itself."""


class Payload(Shape):
    """One payload's story."""

    i: int
    payload: Any
    state: str
    sentences: list[str]
    votes: list[dict[str, Any]]


class Submitted(Shape):
    """``disio submit``, at its end."""

    task: str | None
    """Null = nothing was missing."""
    state: str
    total: int
    already: int
    written: int
    failed: int
    failures: str | None
    """The file that names those that failed."""
    seconds: float


class Downloaded(Shape):
    """``disio results --out``."""

    task: str
    state: str
    format: str
    out: str
    rows: int
    """Results that are in it."""
    failed: int
    provenance: str
    """The file that tells where they come from."""


class Result(Shape):
    """One result, as ``disio results --format ndjson`` writes it."""

    i: int
    payload: Any
    result: Any
    client: str
    seconds: float


class Preview(Shape):
    """``disio payloads preview``."""

    count: int
    first: list[Any]
    last: list[Any]


class Appended(Shape):
    """``disio payloads append``."""

    id: str
    appended: int
    """Payloads that were given to the task."""
    total: int
    """Payloads that it has then."""


class Distributor(Shape):
    """One distributor."""

    id: str
    name: str
    url: str
    region: str
    software: str
    state: str
    clients: int
    slots: int
    kinds: dict[str, int]
    rate: float
    outbox: int
    last_seen: float


class Manager(Shape):
    """One manager."""

    id: str
    url: str
    alive: bool


class Fleet(Shape):
    """``disio fleet``."""

    clients: int
    slots: int
    rate: float
    kinds: dict[str, int]
    managers: list[Manager]
    distributors: list[Distributor]


class ConnectedClient(Shape):
    """A client, by what it says of itself."""

    id: str
    distributor: str
    kind: str
    slots: int
    languages: list[str]
    software: str
    age_s: float
    busy: int
    """Payloads it has been given and not answered."""


class Clients(Shape):
    """``disio fleet --clients``."""

    clients: list[ConnectedClient]
    total: int
    """Of all distributors online, by their last word."""
    missing: list[str]
    """Distributors that could not be asked."""


class Top(Shape):
    """``disio top``, once."""

    at: float
    fleet: Fleet
    tasks: list[Task]
    """The open ones, those at work first."""
    others: int
    """Open ones beyond these."""
    by_state: dict[str, int]


class WrongField(Shape):
    """One thing that is wrong in what was sent."""

    path: str
    message: str


class Problem(Shape):
    """What a command that fails says on stderr: a problem document (RFC 9457), in one line."""

    type: str
    title: str
    detail: str
    code: str
    errors: list[WrongField]
    exit_status: int
    status: int | UnsetType = UNSET
    """Of the manager's answer, if it was one that said no."""


SHAPES: dict[str, type[Shape]] = {
    "task list": TaskList,
    **{f"task {verb} --where": BulkJob for verb in ("pause", "resume", "cancel", "retry", "delete")},
    "task show": Task,
    "task watch": Task,
    "task wait": Task,
    "task pause": Task,
    "task resume": Task,
    "task cancel": Task,
    "task retry": Task,
    "task clone": Task,
    "task edit": Task,
    "task delete": Deleted,
    "task aggregates": Aggregates,
    "task explain": Explanation,
    "task explain --payload": Payload,
    "explain": Explanation,
    "explain --payload": Payload,
    "submit": Submitted,
    "results": Result,
    "results --out": Downloaded,
    "payloads preview": Preview,
    "payloads append": Appended,
    "payloads close": Task,
    **dict.fromkeys(("fleet drain", "fleet undrain", "fleet pause", "fleet stop"), OrderedDistributor),
    **dict.fromkeys(("fleet resume", "fleet cap"), OrderedDistributor),
    "fleet block": BlockedClient,
    "fleet unblock": Unblocked,
    "fleet blocked": BlockedClients,
    "fleet": Fleet,
    "fleet --clients": Clients,
    "sites": Sites,
    "sites SITE": SiteDays,
    "top": Top,
    "config show": Settings,
    "config get": Setting,
    "config set": Setting,
    "config path": ConfigFile,
    "keys show": Keys,
    "keys rotate": Key,
    "login": Who,
    "logout": SignedOut,
    "whoami": Who,
    "user add": User,
    "user list": Users,
    "user role": User,
    "user password": User,
    "user disable": User,
    "user enable": User,
    "user remove": RemovedUser,
    "token create": MadeToken,
    "token list": ApiTokens,
    "token revoke": RevokedToken,
    "init": Project,
    "test": Trials,
    "check": Checked,
    "doctor": Doctor,
    "problem": Problem,
    "bench": Bench,
}
"""By command. Those about tasks print one object a line for each task."""


def schema(command: str) -> dict[str, Any]:
    """Return the JSON Schema of what a command prints.

    Raises:
        KeyError: Nothing is promised of it.
    """
    return msgspec.json.schema(SHAPES[command])
