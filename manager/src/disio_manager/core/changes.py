"""What the manager's core wants made durable.

Rule: committing a list of changes twice leaves the same rows as committing it once.
"""

from dataclasses import dataclass

from disio_manager.core.records import BlockRecord, DistributorRecord, TaskRecord


@dataclass(frozen=True, slots=True)
class PutTask:
    """Insert or replace a task."""

    record: TaskRecord


@dataclass(frozen=True, slots=True)
class DeleteTask:
    """Remove a task with its blocks, results and failures."""

    task: str


@dataclass(frozen=True, slots=True)
class PutBlock:
    """Insert or replace a block."""

    record: BlockRecord


@dataclass(frozen=True, slots=True)
class DropBlock:
    """Remove a block that is over."""

    block: str
    task: str


@dataclass(frozen=True, slots=True)
class AddResults:
    """Insert canonical results; an index that has one keeps it."""

    task: str
    indexes: list[int]
    values: list[bytes]
    seconds: list[float]
    clients: list[str]
    by: list[int]
    distributor: str
    at: float


@dataclass(frozen=True, slots=True)
class AddFailures:
    """Insert quarantined payloads."""

    task: str
    indexes: list[int]
    errors: list[list[str]]
    at: float


@dataclass(frozen=True, slots=True)
class DropFailures:
    """Remove all quarantined payloads of a task (retry)."""

    task: str


@dataclass(frozen=True, slots=True)
class PutDistributor:
    """Insert or replace a distributor."""

    record: DistributorRecord


@dataclass(frozen=True, slots=True)
class DropDistributor:
    """Forget a distributor that has been away for long."""

    distributor: str


Change = (
    PutTask
    | DeleteTask
    | PutBlock
    | DropBlock
    | AddResults
    | AddFailures
    | DropFailures
    | PutDistributor
    | DropDistributor
)
