"""A distributor's cache in memory, which survives crashes of its process.

Rule: rows are what a real cache keeps, and a group of changes is applied as one transaction.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from disio_distributor.core import changes as ch
from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, OutboxEntry, OutboxHead, Snapshot

copied = msgspec.structs.replace


@dataclass
class CacheDisk:
    """Rows."""

    id: str
    tasks: dict[str, HeldTask] = field(default_factory=dict)
    blocks: dict[str, HeldBlock] = field(default_factory=dict)
    outbox: dict[int, OutboxEntry] = field(default_factory=dict)
    heads: dict[int, OutboxHead] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    checkpoints: dict[str, dict[int, bytes]] = field(default_factory=dict)
    workunits: set[str] = field(default_factory=set)
    undelivered: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Task and index of what is in the outbox."""

    def commit(self, changes: list[ch.Change]) -> None:
        """Apply changes."""
        for change in changes:
            self._apply(change)

    def _apply(self, change: ch.Change) -> None:
        match change:
            case ch.PutTask(task):
                self.tasks[task.manifest.task] = copied(task)
            case ch.DropTask(task):
                self._drop_task(task)
            case ch.PutBlock(block):
                self._put_block(block)
            case ch.DropBlock(block):
                self.blocks.pop(block, None)
            case ch.AddOutbox(entry, head):
                self.outbox[entry.id], self.heads[entry.id] = entry, head
                self.undelivered.update(indexes_in(entry))
            case ch.DropOutbox(ids):
                for entry in [self.outbox.pop(each) for each in ids if each in self.outbox]:
                    self._deliver(entry)
            case _:
                self._apply_small(change)

    def _put_block(self, block: HeldBlock) -> None:
        known = self.blocks.get(block.block)
        kept = known.payloads if known is not None and not block.payloads else block.payloads
        self.blocks[block.block] = copied(block, payloads=kept)

    def _apply_small(self, change: ch.Change) -> None:
        match change:
            case ch.PutWorkunit():
                self.workunits.add(change.sha256)
            case ch.DropWorkunit(sha256):
                self.workunits.discard(sha256)
            case ch.AddAttempt(attempt):
                self.attempts.append(attempt)
            case ch.PutCheckpoint():
                self.checkpoints.setdefault(change.task, {})[change.index] = change.state
            case ch.DropPayloads(task, indexes):
                gone = set(indexes)
                self.attempts = [a for a in self.attempts if a.task != task or a.index not in gone]
                for index in gone:
                    self.checkpoints.get(task, {}).pop(index, None)

    def _deliver(self, entry: OutboxEntry) -> None:
        for payload in indexes_in(entry):
            if self.undelivered[payload] > 1:
                self.undelivered[payload] -= 1
            else:
                del self.undelivered[payload]

    def _drop_task(self, task: str) -> None:
        self.tasks.pop(task, None)
        self.checkpoints.pop(task, None)
        self.blocks = {key: block for key, block in self.blocks.items() if block.task != task}
        self.attempts = [attempt for attempt in self.attempts if attempt.task != task]

    def load(self) -> Snapshot:
        """Return everything."""
        return Snapshot(
            distributor_id=self.id,
            token_key=self.id.encode().ljust(32, b"k"),
            tasks=[copied(task) for task in self.tasks.values()],
            blocks=[copied(block) for block in self.blocks.values()],
            outbox=[self.heads[key] for key in sorted(self.outbox)],
            attempts=list(self.attempts),
            checkpoints={task: dict(states) for task, states in self.checkpoints.items()},
            workunits=sorted(self.workunits),
        )

    def blocks_at(self, task: str, index: int) -> list[HeldBlock]:
        """Return the held blocks that an index lies in."""
        return [each for each in self.blocks.values() if each.task == task and each.start <= index < each.stop]


def indexes_in(entry: OutboxEntry) -> Iterator[tuple[str, int]]:
    """Yield task and index of all results and failures that an entry holds; votes close nothing."""
    part = entry.results or entry.failures
    if part is not None:
        yield from ((part.task, index) for index in part.indexes)
