"""Facts that come in to the manager's core, past tense.

Rule: an event carries everything that is needed to decide, wall time and fresh ids included; the core asks nobody.
"""

from typing import Any

import msgspec

from disio_manager.core.orders import FleetOrders
from disio_manager.core.records import Growth, LoadedTask, Look, Peer, SegmentHead, StretchRecord, TaskRecord
from disio_shared import messages
from disio_shared.payloads import PayloadSpec
from disio_shared.ranges import Run


class TaskCreated(msgspec.Struct, frozen=True):
    """A submitter created a task; its work unit is stored already."""

    record: TaskRecord
    spec: PayloadSpec
    first: list[tuple[SegmentHead, bytes]] = []
    """Of a growing task the segments that come with it, from 0 on."""


class TaskCommanded(msgspec.Struct, frozen=True):
    """Somebody used a verb on a task. The core raises TaskNotFound or IllegalVerb."""

    task: str
    verb: str
    """``pause resume cancel retry delete``."""
    at: float
    """Wall time, seconds since 1970."""
    stored: LoadedTask | None = None
    """``await store.load_task(task)``, needed for tasks that the core no longer holds because they are closed.

    Nothing may be decided between that and this event: a task that was deleted meanwhile would come back.
    """
    only: tuple[Run, ...] = ()
    """Retry: of the failed payloads those in these runs of indexes; none = all."""


class TaskEdited(msgspec.Struct, frozen=True):
    """Somebody changed fields of a task: ``name``, ``tags``, and of the policy priority, weight, limits, deadline."""

    task: str
    changes: dict[str, Any]
    """Flat (``{"priority": 5}``) or with ``policy`` as an object in it. The core raises InvalidDocument."""
    stored: LoadedTask | None = None
    """As in TaskCommanded: a closed task's name and tags can be changed too."""


class HooksChanged(msgspec.Struct, frozen=True):
    """Something happened that webhooks are to be told, or one of them was told. The core raises TaskNotFound."""

    task: str
    at: float
    happened: str = ""
    over: tuple[str, ...] = ()
    """Ids of ``TaskRecord.due`` that need no more telling."""
    stored: LoadedTask | None = None
    """As in TaskCommanded."""


class TaskGrown(msgspec.Struct, frozen=True):
    """The log of a growing task was read, from what the core knew of it on."""

    growth: Growth
    at: float


class DistributorJoined(msgspec.Struct, frozen=True):
    """A distributor said Join on a new session; version and token are checked already."""

    session: str
    join: messages.Join
    at: float


class DistributorLeft(msgspec.Struct, frozen=True):
    """A session ended. Leases stay until their deadline: the distributor works on."""

    session: str
    at: float


class MessageArrived(msgspec.Struct, frozen=True):
    """Ask, Deliver, Return or Status of an admitted session."""

    session: str
    message: messages.Ask | messages.Deliver | messages.Return | messages.Status
    at: float
    fresh: tuple[str, ...] = ()
    """Ids for blocks that may be made (Ask)."""


class FleetOrdered(msgspec.Struct, frozen=True):
    """What operators want of the fleet is this now, and durable; the distributors are told by the link."""

    orders: FleetOrders


class Ticked(msgspec.Struct, frozen=True):
    """A deadline has come."""

    at: float
    fresh: tuple[str, ...] = ()


class StretchClaimed(msgspec.Struct, frozen=True):
    """A Claim was tried; the core sees by the owners whether it was its own that got in."""

    task: str
    stretches: list[StretchRecord]
    """Every stretch of the task now; empty when the store did not answer or the task is gone."""
    at: float


class StretchesTaken(msgspec.Struct, frozen=True):
    """This manager took over what a manager that is gone looked after."""

    tasks: list[LoadedTask]
    """The tasks concerned; stretches, blocks, closed and failed indexes are those just taken, nothing else."""
    at: float


class ClusterSeen(msgspec.Struct, frozen=True):
    """This manager looked at what the others did."""

    peers: tuple[Peer, ...]
    """The other live managers."""
    look: Look
    fresh_tasks: list[LoadedTask]
    """Open tasks that the core did not know, as ``load`` returns them."""
    at: float


Event = (
    TaskCreated
    | TaskCommanded
    | TaskEdited
    | HooksChanged
    | TaskGrown
    | DistributorJoined
    | DistributorLeft
    | MessageArrived
    | FleetOrdered
    | StretchClaimed
    | StretchesTaken
    | ClusterSeen
    | Ticked
)
