"""A manager in the simulation: the real core over a store in memory that survives crashes of the process.

Rule: what is not committed when the process dies is gone; commands go out only after the commit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from disio_manager.core import changes as ch
from disio_manager.core import commands as cmd
from disio_manager.core import events as ev
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.records import BlockRecord, DistributorRecord, LoadedTask, TaskRecord
from disio_manager.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.errors import DisioError
from disio_shared.payloads import parse_spec
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import OPEN_STATES
from tests.simulation.clockwork import Alarm, Clockwork

FRESH_IDS = 8


@dataclass
class ManagerDisk:
    """Rows as a real store keeps them."""

    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    blocks: dict[str, BlockRecord] = field(default_factory=dict)
    results: dict[str, dict[int, bytes]] = field(default_factory=dict)
    failures: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    distributors: dict[str, DistributorRecord] = field(default_factory=dict)
    doubled: int = 0
    """Results that came for an index that had one."""

    def commit(self, changes: list[ch.Change]) -> None:
        """Apply changes as one transaction."""
        for change in changes:
            self._apply(change)

    def _apply(self, change: ch.Change) -> None:
        match change:
            case ch.PutTask(record):
                self.tasks[record.id] = msgspec.structs.replace(record)
            case ch.DeleteTask(task):
                self._delete(task)
            case ch.PutBlock(record):
                self.blocks[record.id] = msgspec.structs.replace(record)
            case ch.DropBlock(block):
                self.blocks.pop(block, None)
            case ch.AddResults():
                rows = self.results.setdefault(change.task, {})
                self.doubled += sum(index in rows for index in change.indexes)
                for index, value in zip(change.indexes, change.values, strict=True):
                    rows.setdefault(index, value)
            case _:
                self._apply_rare(change)

    def _apply_rare(self, change: ch.Change) -> None:
        match change:
            case ch.AddFailures():
                gone = self.failures.setdefault(change.task, {})
                for index, errors in zip(change.indexes, change.errors, strict=True):
                    gone.setdefault(index, errors)
            case ch.DropFailures(task):
                self.failures.pop(task, None)
            case ch.PutDistributor(record):
                self.distributors[record.id] = msgspec.structs.replace(record)
            case ch.DropDistributor(distributor):
                self.distributors.pop(distributor, None)

    def _delete(self, task: str) -> None:
        self.tasks.pop(task, None)
        self.results.pop(task, None)
        self.failures.pop(task, None)
        self.blocks = {key: block for key, block in self.blocks.items() if block.task != task}

    def load(self) -> list[LoadedTask]:
        """Return open tasks, counters counted from rows."""
        return [self._loaded(record) for record in self.tasks.values() if record.state in OPEN_STATES]

    def _loaded(self, record: TaskRecord) -> LoadedTask:
        done, failed = self.results.get(record.id, {}), self.failures.get(record.id, {})
        blocks = [msgspec.structs.replace(block) for block in self.blocks.values() if block.task == record.id]
        closed = {}
        for block in blocks:
            inside = RangeSet([(i, i + 1) for i in (*done, *failed) if block.start <= i < block.stop])
            closed[block.id] = inside.runs()
        return LoadedTask(
            record=msgspec.structs.replace(record, done=len(done), failed=len(failed)),
            spec=parse_spec(msgspec.json.decode(record.payloads)),
            blocks=blocks,
            closed=closed,
            failed=RangeSet([(index, index + 1) for index in failed]).runs(),
        )


class ManagerNode:
    """A manager process that can crash and come back.

    Args:
        send: Puts a message for a session on the network.
    """

    def __init__(self, clock: Clockwork, send: Callable[[str, messages.ToDistributor], None]) -> None:
        self.clock, self.disk = clock, ManagerDisk()
        self._send, self._ids = send, 0
        self.trouble = 0.0
        """How likely a commit fails."""
        self._alarm = Alarm(clock, lambda: self.handle(ev.Ticked(clock.wall, self.fresh())))
        self.core: Coordinator | None = None
        self.acked_cancels: dict[str, float] = {}
        self.start()

    @property
    def is_up(self) -> bool:
        """Tell whether the process runs."""
        return self.core is not None

    def start(self) -> None:
        """Start the process from what is on disk."""
        settings = CoreSettings(cluster="c", manager="m")
        known = [msgspec.structs.replace(record) for record in self.disk.distributors.values()]
        self.core = Coordinator.restore(self.disk.load(), known, settings, self.clock.now, self.clock.wall)
        self.clock.tell("manager up")
        self._alarm.set(self.core.next_deadline())

    def crash(self) -> None:
        """kill -9."""
        self.core = None
        self.clock.tell("manager killed")

    def handle(self, event: ev.Event) -> bool:
        """Decide, save, then send; return whether the event was taken. The process may die at any point of it."""
        if self.core is None:
            return False
        try:
            decision = self.core.handle(event, self.clock.now)
        except DisioError as refusal:
            self.clock.tell(f"manager refused {type(event).__name__}: {refusal}")
            return False
        if decision.changes and self.clock.chance(self.trouble):
            self._fail(decision.changes)
            return False
        self.disk.commit(decision.changes)
        for command in decision.commands:
            if isinstance(command, cmd.Send):
                self._send(command.session, command.message)
        self._alarm.set(self.core.next_deadline())
        return True

    def _fail(self, changes: list[ch.Change]) -> None:
        """Let a commit fail, written or not: the core is thrown away and loaded again, nothing is sent."""
        if self.clock.chance(0.5):
            self.disk.commit(changes)
        self.clock.tell("manager commit failed")
        self.start()

    def fresh(self) -> tuple[str, ...]:
        """Return ids for new blocks."""
        self._ids += FRESH_IDS
        return tuple(f"b{self._ids - k}" for k in range(FRESH_IDS))

    def say(self, session: str, message: messages.FromDistributor) -> None:
        """Take a message of a distributor's session, as the link does."""
        if isinstance(message, messages.Join):
            self.handle(ev.DistributorJoined(session, message, self.clock.wall))
        elif isinstance(message, messages.FetchWorkunit):
            code = messages.WorkunitCode(workunit=message.workunit, language="javascript", code=b"x")
            self._send(session, code)
        else:
            fresh = self.fresh() if isinstance(message, messages.Ask) else ()
            self.handle(ev.MessageArrived(session, message, self.clock.wall, fresh))
