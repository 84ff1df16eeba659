"""A manager's store in memory, which survives crashes of its process.

Rule: rows are what a real store keeps, and a group of changes is applied as one transaction.
"""

from dataclasses import dataclass, field

import msgspec

from disio_manager.core import changes as ch
from disio_manager.core.records import BlockRecord, DistributorRecord, LoadedTask, StretchRecord, TaskRecord
from disio_shared.payloads import parse_spec
from disio_shared.ranges import RangeSet, runs_of
from disio_shared.taskdoc import OPEN_STATES

copied = msgspec.structs.replace


@dataclass
class ManagerDisk:
    """Rows."""

    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    blocks: dict[str, dict[str, BlockRecord]] = field(default_factory=dict)
    """By task and block."""
    results: dict[str, dict[int, bytes]] = field(default_factory=dict)
    failures: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    stretches: dict[str, StretchRecord] = field(default_factory=dict)
    """By task: one manager has the store to itself, so each task is one stretch."""
    distributors: dict[str, DistributorRecord] = field(default_factory=dict)

    def commit(self, changes: list[ch.Change]) -> None:
        """Apply changes."""
        for change in changes:
            self._apply(change)

    def is_open(self, task: str) -> bool:
        """Tell whether a task is there and not closed."""
        record = self.tasks.get(task)
        return record is not None and record.state in OPEN_STATES

    def is_closed_index(self, task: str, index: int) -> bool:
        """Tell whether an index has a result or a failure."""
        return index in self.results.get(task, ()) or index in self.failures.get(task, ())

    def frontier(self, task: str) -> int:
        """Return the index from which on payloads of a task were never in a block."""
        return self.stretches[task].frontier

    def _apply(self, change: ch.Change) -> None:
        match change:
            case ch.PutTask(record):
                self.tasks[record.id] = copied(record)
            case ch.PutStretch(record) if record.task in self.tasks:
                self.stretches[record.task] = copied(record)
            case ch.PutBlock(record):
                self.blocks.setdefault(record.task, {})[record.id] = copied(record)
            case ch.DropBlock(block, task):
                self.blocks.get(task, {}).pop(block, None)
            case ch.AddResults():
                results = self.results.setdefault(change.task, {})
                for index, value in zip(change.indexes, change.values, strict=True):
                    results.setdefault(index, value)
            case _:
                self._apply_rare(change)

    def _apply_rare(self, change: ch.Change) -> None:
        match change:
            case ch.DeleteTask(task):
                for rows in (self.tasks, self.blocks, self.results, self.failures, self.stretches):
                    rows.pop(task, None)
            case ch.AddFailures():
                failures = self.failures.setdefault(change.task, {})
                for index, errors in zip(change.indexes, change.errors, strict=True):
                    failures.setdefault(index, errors)
            case ch.DropFailures(task, runs):
                gone, failed = RangeSet(runs), self.failures.pop(task, {})
                kept = {index: errors for index, errors in failed.items() if index not in gone}
                self.failures |= {task: kept} if kept else {}
            case ch.PutDistributor(record):
                self.distributors[record.id] = copied(record)
            case ch.DropDistributor(distributor):
                self.distributors.pop(distributor, None)

    def load(self) -> list[LoadedTask]:
        """Return open tasks, counters counted from rows."""
        return [self.load_task(record.id) for record in self.tasks.values() if record.state in OPEN_STATES]

    def load_task(self, task: str) -> LoadedTask:
        """Return a task in any state."""
        record = self.tasks[task]
        done, failed = self.results.get(task, {}), self.failures.get(task, {})
        blocks = [copied(block) for block in self.blocks.get(task, {}).values()]
        closed = {
            block.id: runs_of([i for i in range(block.start, block.stop) if i in done or i in failed])
            for block in blocks
        }
        return LoadedTask(
            record=copied(record, done=len(done), failed=len(failed)),
            stretches=[copied(self.stretches[task], done=len(done), failed=len(failed))],
            spec=parse_spec(msgspec.json.decode(record.payloads)),
            blocks=blocks,
            closed=closed,
            failed=runs_of(failed),
        )
