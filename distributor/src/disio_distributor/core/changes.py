"""What the distributor's core wants made durable.

Rule: committing a list of changes twice leaves the same rows as committing it once.
"""

from dataclasses import dataclass

from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, OutboxEntry, OutboxHead


@dataclass(frozen=True, slots=True)
class PutTask:
    """Insert or replace a task."""

    task: HeldTask


@dataclass(frozen=True, slots=True)
class DropTask:
    """Remove a task with its blocks, attempts and checkpoints (its outbox entries stay)."""

    task: str


@dataclass(frozen=True, slots=True)
class PutBlock:
    """Insert or replace a block; one without payloads keeps those that are stored of it."""

    block: HeldBlock


@dataclass(frozen=True, slots=True)
class DropBlock:
    """Remove a block."""

    block: str
    task: str


@dataclass(frozen=True, slots=True)
class PutWorkunit:
    """Keep code."""

    sha256: str
    language: str
    code: bytes


@dataclass(frozen=True, slots=True)
class DropWorkunit:
    """Forget code that no task needs any more."""

    sha256: str


@dataclass(frozen=True, slots=True)
class AddOutbox:
    """Keep results, failures or votes until a manager has committed them."""

    entry: OutboxEntry
    head: OutboxHead


@dataclass(frozen=True, slots=True)
class DropOutbox:
    """A manager has committed these entries."""

    ids: list[int]


@dataclass(frozen=True, slots=True)
class AddAttempt:
    """Remember a failed try."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class PutCheckpoint:
    """Keep the newest saved state of a payload."""

    task: str
    index: int
    state: bytes


@dataclass(frozen=True, slots=True)
class DropPayloads:
    """Forget attempts and checkpoints of payloads that are closed."""

    task: str
    indexes: list[int]


Change = (
    PutTask
    | DropTask
    | PutBlock
    | DropBlock
    | PutWorkunit
    | DropWorkunit
    | AddOutbox
    | DropOutbox
    | AddAttempt
    | PutCheckpoint
    | DropPayloads
)
