"""The shape of every answer in JSON.

Rule: an answer is one of these, so what the OpenAPI document says is what is sent. Times are seconds since
1970-01-01 UTC. Payloads and results are JSON values; raw bytes show as ``{"$base64": "..."}``.
"""

from typing import Any, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, Raw, UnsetType

from disio_manager.aggregates import Numbers
from disio_shared.canonical import StoredDocument
from disio_shared.taskdoc import Language, Policy, TaskStateName


class Shape(msgspec.Struct, kw_only=True, frozen=True):
    """Base of answers."""


def json_answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return an answer in JSON."""
    body = msgspec.json.encode(data)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


class FieldError(Shape, kw_only=True, frozen=True):
    """One thing wrong: where, and what."""

    path: str
    message: str


class Problem(Shape, kw_only=True, frozen=True):
    """An error, as RFC 9457 wants it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError]
    request_id: str
    """As in the header ``X-Request-Id``, and in the manager's log."""
    total: int | UnsetType = UNSET
    """Of ``growth-refused``: the number that the next payload has."""


class WorkunitShown(Shape, kw_only=True, frozen=True):
    """The code of a task."""

    language: str
    sha256: str
    bytes: int
    runtime: str
    output: str
    clock: str


class TaskItem(Shape, kw_only=True, frozen=True):
    """A task as lists and the live feed show it."""

    id: str
    number: int
    owner: str
    """Who created it: a user, or ``token:ID``; empty: the machine's own token."""
    name: str
    tags: list[str]
    description: str
    public: bool
    workunit: WorkunitShown
    policy: Policy
    state: TaskStateName
    total: int
    done: int
    failed: int
    leased: int
    """Payloads that distributors hold."""
    lost: int
    tries_failed: int
    copies: int
    matched: int
    """Results that satisfy ``policy.stop_when``."""
    growing: bool
    """More payloads may come."""
    ended_by: Literal["", "stop_when"]
    """``stop_when``: it is done because of that, and payloads that were open stay without a result."""
    created_at: float
    finished_at: float | None
    rate: float
    """Payloads closed a second, lately."""
    eta_s: float | None
    """Seconds to go at that rate."""
    version: int
    """Grows with each change that is no progress."""
    document_sha256: str
    """Of the canonical document that made it."""


class Task(TaskItem, kw_only=True, frozen=True):
    """A task by itself."""

    invalid: int
    """Further results that differ from the first."""
    untold: int
    """What its webhooks have not taken yet."""
    payloads: Raw | UnsetType = UNSET
    """The spec, as the document gave it; a large one only for who asks for it."""
    payloads_omitted: int | UnsetType = UNSET
    """Bytes of a spec that is left out."""


class TaskAggregates(Shape, kw_only=True, frozen=True):
    """Numbers about a task's results."""

    id: str
    state: TaskStateName
    done: int
    counted: int
    """Results that are in the numbers; fewer than ``done`` while the manager still reads: ask again."""
    more_fields: bool
    """There are more numeric fields than the 32 that are kept: name those that are wanted in the document."""
    fields: dict[str, Numbers]
    """By path, dotted; the empty one is the result itself."""


class PublicProgress(Shape, kw_only=True, frozen=True):
    """How far a public task is."""

    id: str
    name: str
    state: TaskStateName
    total: int
    done: int
    failed: int
    rate: float
    eta_s: float | None
    finished_at: float | None


class PublicStatus(Shape, kw_only=True, frozen=True):
    """What a platform computes for everybody to see."""

    tasks: list[PublicProgress]
    """Public tasks that are computed, newest first."""
    more: int
    """How many more of those there are."""
    rate: float
    """Results a second of all tasks, lately."""
    clients: int
    """Connected now."""


class TaskList(Shape, kw_only=True, frozen=True):
    """One page of tasks, newest first."""

    items: list[TaskItem]
    next_cursor: str | None
    total: int
    """Tasks that match, on all pages."""


class Grown(Shape, kw_only=True, frozen=True):
    """A task that has more payloads now."""

    id: str
    total: int
    """The next payload has this number."""


class Explanation(Shape, kw_only=True, frozen=True):
    """Why a task is (not) progressing."""

    id: str
    state: TaskStateName
    sentences: list[str]


class ResultItem(Shape, kw_only=True, frozen=True):
    """One canonical result."""

    i: int
    """Index of the payload."""
    name: str | UnsetType = UNSET
    """Of the file that is the payload."""
    payload: Raw
    result: Raw | UnsetType = UNSET
    client: str | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    errors: list[str] | UnsetType = UNSET
    """Of a payload that failed, in place of the result, its client and its seconds."""


class ResultList(Shape, kw_only=True, frozen=True):
    """Results in index order, or a page of them in the order of finishing."""

    items: list[ResultItem]
    next_cursor: str | UnsetType = UNSET
    """This and the next: in the order of finishing only."""
    state: TaskStateName | UnsetType = UNSET
    """Of the task, before the rows were read: of one that is over, a page without items is the last."""


class ResultsNews(Shape, kw_only=True, frozen=True):
    """How far the results of a task are."""

    task: str
    done: int
    failed: int
    cursor: str
    """After everything so far: for ``GET /tasks/{id}/results?order=finished``."""


class FailureItem(Shape, kw_only=True, frozen=True):
    """One quarantined payload."""

    i: int
    name: str | UnsetType = UNSET
    payload: Raw
    errors: list[str]


class FailureList(Shape, kw_only=True, frozen=True):
    """Quarantined payloads in index order."""

    items: list[FailureItem]


class BlockShown(Shape, kw_only=True, frozen=True):
    """The block that a payload is in."""

    id: str
    lease: int
    holder: str
    holder_name: str
    lease_ends_s: float | None


class TryShown(Shape, kw_only=True, frozen=True):
    """A hand-out of a payload: one that is over as it is kept, or as the distributor tells that holds the payload."""

    client: str
    distributor: str
    """Its id."""
    outcome: str
    """``done``, ``failed`` or ``lost``; or ``has it``, and ``checks`` when there is a result already."""
    error: str
    age_s: float | None
    """Seconds since it was handed out, as far as the distributor knows."""
    ended_at: float | None
    """When it was over, seconds since 1970."""
    log: str
    """The end of what the unit wrote to its log."""


class TriesShown(Shape, kw_only=True, frozen=True):
    """How many past tries of a task are kept."""

    kept: int
    left_out: int
    """Because a task keeps 10,000 of them, and 16 MiB of errors and logs."""


class VoteShown(Shape, kw_only=True, frozen=True):
    """A further result of a payload."""

    client: str
    distributor: str
    agrees: bool
    seconds: float
    result: Raw | UnsetType = UNSET
    """Of one that does not agree."""


class PayloadStory(Shape, kw_only=True, frozen=True):
    """One payload: its input, where it stands, what came of it."""

    i: int
    name: str | UnsetType = UNSET
    payload: Raw
    state: Literal["done", "failed", "leased", "ready", "waiting", "elsewhere"]
    sentences: list[str]
    result: Raw | UnsetType = UNSET
    client: str | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    errors: list[str] | UnsetType = UNSET
    manager: str | UnsetType = UNSET
    block: BlockShown | UnsetType = UNSET
    tries: list[TryShown] | UnsetType = UNSET
    """Those that are kept, by when they ended; then, of a payload that a distributor holds and if it has answered,
    those it knows of, and who has it."""
    tries_left_out: int | UnsetType = UNSET
    """Ended ones that are not kept, because 40 of this payload are."""
    task_tries: TriesShown | UnsetType = UNSET
    """Of its whole task, when some were left out because of that."""
    saved_bytes: int | UnsetType = UNSET
    """Of the state that a client saved of it, with ``tries``."""
    votes: list[VoteShown]


class Preview(Shape, kw_only=True, frozen=True):
    """What a payload spec makes."""

    count: int
    first: list[Raw]
    last: list[Raw]


class WorkunitStored(Shape, kw_only=True, frozen=True):
    """Code that is kept."""

    sha256: str
    language: Language
    bytes: int


class CodeProblem(Shape, kw_only=True, frozen=True):
    """Where code is wrong; lines and columns are counted from 1."""

    line: int
    column: int
    message: str


class CodeChecked(Shape, kw_only=True, frozen=True):
    """What a check of code found."""

    is_checked: bool
    """False: the code is too long for this check."""
    problems: list[CodeProblem]


class BlobStored(Shape, kw_only=True, frozen=True):
    """Bytes that are kept."""

    sha256: str
    bytes: int


class BlobBegun(Shape, kw_only=True, frozen=True):
    """An upload that is to go on."""

    sha256: str
    offset: int
    """Bytes that came."""


Document = StoredDocument
"""Of ``GET /tasks/{id}/document``; its bytes are ``canonical.canonical``'s."""
