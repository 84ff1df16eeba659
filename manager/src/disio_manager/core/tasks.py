"""The open tasks: which of their payloads are open, in which block, and held by whom.

Rule: an index is open when it is in some block's ``remaining`` or not below the frontier; below it, whatever is in no
``remaining`` and not failed is done. So memory grows with live blocks, never with payloads.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from disio_manager.core.rates import Meter
from disio_manager.core.records import BlockRecord, LoadedTask, TaskRecord
from disio_shared.payloads import PayloadSpec
from disio_shared.ranges import RangeSet, Run


@dataclass(slots=True)
class Block:
    """A run of indexes that has open ones."""

    id: str
    task: str
    start: int
    stop: int
    remaining: RangeSet
    """Its open indexes, never empty while the block lives."""
    lease: int = 0
    holder: str = ""

    def closed(self) -> list[Run]:
        """Return the indexes of its span that are done or failed."""
        return RangeSet([(self.start, self.stop)]).difference(self.remaining.runs()).runs()

    def record(self) -> BlockRecord:
        """Return the row that a store keeps."""
        return BlockRecord(
            id=self.id, task=self.task, start=self.start, stop=self.stop, lease=self.lease, holder=self.holder
        )


@dataclass(slots=True)
class Closing:
    """What became of indexes that were reported closed."""

    accepted: list[Run]
    """Those that were open, sorted."""
    over: list[Block]
    """Blocks that have no open index left and are gone."""
    touched: list[Block]
    """Blocks that are still alive."""


class TaskEntry:
    """One open task."""

    def __init__(self, record: TaskRecord, spec: PayloadSpec, now: float) -> None:
        self.record = record
        self.spec = spec
        self.failed = RangeSet()
        self.blocks: dict[str, Block] = {}
        self.holders: dict[str, int] = {}
        """Distributor to the number of blocks it holds."""
        self.meter = Meter(now)
        self.served = 0.0
        """Leased payloads over weight: what fair sharing compares."""
        self.ready_open = 0
        """Open indexes in ready blocks."""
        self._starts: list[int] = []
        self._by_start: dict[int, Block] = {}
        self._ready: list[int] = []

    @classmethod
    def restore(cls, loaded: LoadedTask, now: float) -> "TaskEntry":
        """Build an entry from rows; counters are those of the rows."""
        entry = cls(msgspec.structs.replace(loaded.record), loaded.spec, now)
        entry.failed.add_all(loaded.failed)
        for row in loaded.blocks:
            remaining = RangeSet([(row.start, row.stop)])
            remaining.remove_all(loaded.closed.get(row.id, ()))
            if remaining:
                entry.add(Block(row.id, row.task, row.start, row.stop, remaining, row.lease, row.holder))
        return entry

    @property
    def id(self) -> str:
        """The task's id."""
        return self.record.id

    @property
    def open(self) -> int:
        """How many payloads are neither done nor failed."""
        return self.record.total - self.record.done - self.record.failed

    @property
    def unleased(self) -> int:
        """How many open payloads nobody holds."""
        return self.ready_open + self.record.total - self.record.frontier

    @property
    def leased(self) -> int:
        """How many open payloads are in a leased block."""
        return self.open - self.unleased

    def row(self) -> TaskRecord:
        """Return a copy of the record, for a store or a reader."""
        return msgspec.structs.replace(self.record)

    def add(self, block: Block) -> None:
        """Put a block in; its span overlaps no other's."""
        self.blocks[block.id] = block
        insort(self._starts, block.start)
        self._by_start[block.start] = block
        if block.holder:
            self._hold(block.holder, 1)
        else:
            self._make_ready(block)

    def drop(self, block: Block) -> None:
        """Take a block out."""
        del self.blocks[block.id], self._by_start[block.start]
        del self._starts[bisect_left(self._starts, block.start)]
        if block.holder:
            self._hold(block.holder, -1)
        else:
            self._unready(block)

    def lease(self, block: Block, holder: str, number: int) -> None:
        """Give a ready block to a distributor under a lease number."""
        self._unready(block)
        block.holder, block.lease = holder, number
        self._hold(holder, 1)

    def free(self, block: Block) -> None:
        """Make a leased block ready."""
        self._hold(block.holder, -1)
        block.holder = ""
        self._make_ready(block)

    def split(self, block: Block, at: int, fresh: str) -> Block:
        """Cut a ready block before index ``at``; return the new block that has the rest."""
        tail = RangeSet(block.remaining.remove(at, block.stop))
        self.ready_open -= len(tail)
        rest = Block(fresh, block.task, at, block.stop, tail)
        block.stop = at
        self.add(rest)
        return rest

    def first_ready(self) -> Block | None:
        """Return the ready block with the lowest start."""
        return self._by_start[self._ready[0]] if self._ready else None

    def block_at(self, index: int) -> Block | None:
        """Return the block whose span holds ``index``."""
        at = bisect_right(self._starts, index) - 1
        if at < 0:
            return None
        block = self._by_start[self._starts[at]]
        return block if index < block.stop else None

    def next_start(self, index: int) -> int:
        """Return the start of the first block above ``index``, or the frontier."""
        at = bisect_right(self._starts, index)
        return self._starts[at] if at < len(self._starts) else self.record.frontier

    def close(self, runs: Iterable[Run]) -> Closing:
        """Close those of ``runs`` (sorted) that are open in some block; counters are the caller's to raise."""
        closing = Closing([], [], [])
        for start, stop in runs:
            for block in self._overlapping(start, stop):
                self._close_in(block, start, stop, closing)
        return closing

    def reopen(self, block: Block, runs: Iterable[Run]) -> None:
        """Make closed indexes inside a block's span open again."""
        gained = block.remaining.add_all(runs)
        if not block.holder:
            self.ready_open += gained

    def held_by(self, distributor: str) -> list[Block]:
        """Return the blocks that a distributor holds, by start."""
        if distributor not in self.holders:
            return []
        return [self._by_start[at] for at in self._starts if self._by_start[at].holder == distributor]

    def _overlapping(self, start: int, stop: int) -> list[Block]:
        first = max(0, bisect_right(self._starts, start) - 1)
        last = bisect_left(self._starts, stop)
        return [self._by_start[at] for at in self._starts[first:last]]

    def _close_in(self, block: Block, start: int, stop: int, closing: Closing) -> None:
        taken = block.remaining.remove(start, stop)
        if taken:
            closing.accepted += taken
            if not block.holder:
                self.ready_open -= sum(b - a for a, b in taken)
        if not block.remaining:
            self.drop(block)
            closing.over.append(block)
        elif start < block.stop and (not closing.touched or closing.touched[-1] is not block):
            closing.touched.append(block)

    def _make_ready(self, block: Block) -> None:
        insort(self._ready, block.start)
        self.ready_open += len(block.remaining)

    def _unready(self, block: Block) -> None:
        del self._ready[bisect_left(self._ready, block.start)]
        self.ready_open -= len(block.remaining)

    def _hold(self, holder: str, change: int) -> None:
        held = self.holders.get(holder, 0) + change
        if held:
            self.holders[holder] = held
        else:
            self.holders.pop(holder, None)
