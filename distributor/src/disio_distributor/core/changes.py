"""What the distributor's core wants made durable.

Rule: committing a list of changes twice leaves the same rows as committing it once.
"""

import msgspec

from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, OutboxEntry, OutboxHead
from disio_shared.messages import Orders


class PutTask(msgspec.Struct, frozen=True):
    """Insert or replace a task."""

    task: HeldTask


class DropTask(msgspec.Struct, frozen=True):
    """Remove a task with its blocks, attempts and checkpoints (its outbox entries stay)."""

    task: str


class PutBlock(msgspec.Struct, frozen=True):
    """Insert or replace a block; one without payloads keeps those that are stored of it."""

    block: HeldBlock


class DropBlock(msgspec.Struct, frozen=True):
    """Remove a block."""

    block: str
    task: str


class PutWorkunit(msgspec.Struct, frozen=True):
    """Keep code."""

    sha256: str
    language: str
    code: bytes


class DropWorkunit(msgspec.Struct, frozen=True):
    """Forget code that no task needs any more."""

    sha256: str


class AddOutbox(msgspec.Struct, frozen=True):
    """Keep results, failures or votes until a manager has committed them."""

    entry: OutboxEntry
    head: OutboxHead


class DropOutbox(msgspec.Struct, frozen=True):
    """A manager has committed these entries."""

    ids: list[int]


class AddAttempt(msgspec.Struct, frozen=True):
    """Remember a failed try."""

    attempt: Attempt


class PutCheckpoint(msgspec.Struct, frozen=True):
    """Keep the newest saved state of a payload."""

    task: str
    index: int
    state: bytes


class DropPayloads(msgspec.Struct, frozen=True):
    """Forget attempts and checkpoints of payloads that are closed."""

    task: str
    indexes: list[int]


class PutOrders(msgspec.Struct, frozen=True):
    """Keep what the operators of a cluster want, in place of what they wanted before."""

    cluster: str
    orders: Orders


class PutClusterKey(msgspec.Struct, frozen=True):
    """Keep the key of a cluster, in place of the one before."""

    cluster: str
    key: bytes


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
    | PutOrders
    | PutClusterKey
)
