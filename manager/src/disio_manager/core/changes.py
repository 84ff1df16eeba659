"""What the manager's core wants made durable.

Rule: committing a list of changes twice leaves the same rows as committing it once.
"""

import msgspec

from disio_manager.core.records import BlockRecord, DistributorRecord, SegmentHead, StretchRecord, TaskRecord
from disio_shared.ranges import Run


class PutTask(msgspec.Struct, frozen=True):
    """Insert or replace a task, less what its stretches tell.

    In a shared store it takes effect only while the task's state there is open if ``was`` is open, else exactly
    ``was``: who closes a task first wins, and the others hear of it with their next look. A task that begins to run
    (``was`` queued, now running) must be queued there: nobody asked for that, so it undoes nobody's pause. One that is
    done or failed now must not have more ``retries`` there: what it ended by was before the last of them. Where an end
    does not take effect and the task stays open, the commit raises ``OwnershipLost``.
    """

    record: TaskRecord
    was: str = ""
    """The state it had before; empty for a new task."""


class AddSegments(msgspec.Struct, frozen=True):
    """Keep the payloads that a new growing task comes with, before the task itself; a repeat changes nothing."""

    task: str
    number: int
    segments: list[tuple[SegmentHead, bytes]]


class PutStretch(msgspec.Struct, frozen=True):
    """Write an own stretch: frontier and counters, of a growing task its end too; with a new one it is made.

    ``OwnershipLost`` when this manager does not own it any more.

    An empty ``owner`` gives it up: whoever takes over from nobody (``take_over("")``) gets it with its blocks.
    """

    record: StretchRecord


class DeleteTask(msgspec.Struct, frozen=True):
    """Remove a task with its blocks, results and failures."""

    task: str


class PutBlock(msgspec.Struct, frozen=True):
    """Insert or replace a block."""

    record: BlockRecord


class DropBlock(msgspec.Struct, frozen=True):
    """Remove a block that is over."""

    block: str
    task: str


class AddResults(msgspec.Struct, frozen=True):
    """Insert canonical results; an index that has one keeps it.

    ``OwnershipLost`` when it does, and of the two one satisfies ``stop_when`` and the other does not: another manager
    took that one in, and what is counted here is not what is stored.
    """

    task: str
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]
    clients: list[str]
    by: list[int]
    distributor: str
    at: float
    matching: list[int] = []
    """The indexes whose result satisfies the task's ``stop_when``; of foreign ones empty, for the store judges them."""


class AddFailures(msgspec.Struct, frozen=True):
    """Insert quarantined payloads."""

    task: str
    indexes: list[int]
    errors: list[list[str]]
    at: float


class DropFailures(msgspec.Struct, frozen=True):
    """Remove quarantined payloads of some indexes of a task (retry, or a result came after all)."""

    task: str
    runs: list[Run]


class AddForeign(msgspec.Struct, frozen=True):
    """Results or failures of indexes that other managers look after.

    Of a task that is not open nothing is taken. Result rows first, then a Notice for the owner of each index.
    Failures get no rows: their Notice carries them. Which results satisfy ``stop_when`` the store finds out: the
    manager that they came to may not have heard of the task yet.
    """

    rows: AddResults | AddFailures


class DropNotices(msgspec.Struct, frozen=True):
    """Notices that are dealt with."""

    ids: list[str]


class NoteResults(msgspec.Struct, frozen=True):
    """Results of own payloads that another manager put into the store, and this one's memory knows now."""

    task: str
    runs: list[Run]


class AddVotes(msgspec.Struct, frozen=True):
    """Keep further results of payloads; one per index and client, at most ``MAX_VOTES`` per index.

    The store compares each with the canonical result (inserted before it, in the same group if need be) and keeps
    whether they agree; an agreeing value itself is not kept.
    """

    task: str
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]
    clients: list[str]
    by: list[int]
    distributor: str
    at: float


class AddTries(msgspec.Struct, frozen=True):
    """Keep what payloads went through before they were closed: a row a try, the same one once.

    The store keeps ``MAX_TRIES`` of a payload, ``MAX_TASK_TRIES`` and ``MAX_TASK_CHARS`` of a task, those that come
    first, and counts the others.
    """

    task: str
    indexes: list[int]
    clients: list[str]
    distributors: list[str]
    outcomes: list[str]
    """``done``, ``failed`` or ``lost``."""
    errors: list[str]
    logs: list[str]
    ended_at: list[float]


MAX_VOTES = 20
MAX_TRIES = 40
MAX_TASK_TRIES = 10_000
MAX_TASK_CHARS = 16 << 20
"""Of their errors and logs."""


class PutDistributor(msgspec.Struct, frozen=True):
    """Insert or replace a distributor."""

    record: DistributorRecord


class DropDistributor(msgspec.Struct, frozen=True):
    """Forget a distributor that has been away for long."""

    distributor: str


Change = (
    PutTask
    | AddSegments
    | PutStretch
    | DeleteTask
    | PutBlock
    | DropBlock
    | AddResults
    | AddFailures
    | DropFailures
    | AddForeign
    | DropNotices
    | NoteResults
    | AddVotes
    | AddTries
    | PutDistributor
    | DropDistributor
)
