"""What the rest of the manager may read of the core, as values.

Rule: reading changes nothing. A view is made when it is asked for and is never updated afterwards.

The coordinator offers (``now`` in seconds on the shell's steady clock)::

    coordinator.task_view(task_id, now) -> TaskView | None      None: closed or unknown, ask the store
    coordinator.task_views(now) -> list[TaskView]               every open task, newest first
    coordinator.fleet() -> list[DistributorRecord]              every distributor ever seen, online ones first
    coordinator.stats(now) -> FleetStats
    coordinator.explain(task_id, now) -> list[str]              sentences: why a task is (not) progressing
    coordinator.payload_view(task_id, index, now) -> PayloadView
    coordinator.open_tasks() -> list[str]                       what ``look`` wants to be told
    coordinator.strangers() -> list[str]                        owners of stretches that are no live manager
    coordinator.distributor_of(session) -> str | None
"""

import msgspec

from disio_manager.core.records import TaskRecord


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """One open task with its live numbers."""

    record: TaskRecord
    """A copy; ``state`` is that of this moment, ``done`` and ``failed`` count what is durable: they never go back."""
    leased: int
    """Open payloads in blocks that a distributor holds."""
    ready: int
    """Open payloads that nobody holds, those never in a block included."""
    blocks: int
    """Blocks alive, leased or ready."""
    distributors: int
    """Distributors that hold a block of it."""
    rate: float
    """Payloads closed per second, lately."""
    eta_s: float | None
    """Seconds to go at that rate; None when nothing moves."""


class PayloadView(msgspec.Struct, frozen=True, kw_only=True):
    """Where one payload of an open task stands."""

    state: str
    """``leased`` and ``ready`` in a block, ``waiting`` for one, ``closed`` (the store has its row), ``elsewhere``."""
    block: str = ""
    lease: int = 0
    holder: str = ""
    """Distributor id."""
    holder_name: str = ""
    lease_ends_s: float | None = None
    """Seconds until the block's lease ends without a sign of life."""
    manager: str = ""
    """Id of the manager that looks after it."""
    sentences: list[str] = []


class FleetStats(msgspec.Struct, frozen=True, kw_only=True):
    """The whole cluster in a few numbers."""

    rate: float
    """Payloads closed per second, all tasks together."""
    clients: int
    slots: int
    distributors: int
    """Online or draining."""
    kinds: dict[str, int]
    """Clients by kind."""
    queue: int
    """Payloads that are neither done nor failed, of tasks that are not paused."""
    tasks: dict[str, int]
    """Open tasks by state (``queued running paused``); closed ones are counted by the store."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What this manager alone has, so that those of several managers can be added up."""

    kinds: dict[str, int]
    """Clients of distributors that are online here, by kind."""
    slots: int
    queue: dict[str, tuple[int, int]]
    """Of tasks that are not paused: open payloads this manager looks after, and those that no manager does yet."""
