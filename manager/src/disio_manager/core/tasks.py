"""The open tasks: which of their payloads are open, in which block, and held by whom.

Rule: an index of an own stretch is open when it is in some block's ``remaining`` or not below the frontier; below it,
whatever is in no ``remaining`` and not failed is done. So memory grows with live blocks, never with payloads.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from disio_manager.core.changes import PutStretch
from disio_manager.core.rates import Meter
from disio_manager.core.records import BlockRecord, LoadedTask, StretchRecord, TaskRecord
from disio_manager.core.stretches import Stretches
from disio_shared.payloads import PayloadSpec
from disio_shared.ranges import RangeSet, Run

NOTHING = (0, 0, 0)


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
    """One open task, as far as this manager looks after it.

    Args:
        me: Id of this manager.
    """

    def __init__(self, record: TaskRecord, spec: PayloadSpec, me: str, now: float) -> None:
        self.record = record
        """``done`` and ``failed`` are of the whole task: own ones exactly, those of other managers as last seen."""
        self.spec = spec
        self.needs = record.language
        """What a client must announce to run it; the book, which knows the cluster, says more of native Python."""
        self.stretches = Stretches(me)
        self.claim: StretchRecord | None = None
        """What this manager tries to claim right now."""
        self.failed = RangeSet()
        """Of own stretches."""
        self.blocks: dict[str, Block] = {}
        self.holders: dict[str, int] = {}
        """Distributor to the number of blocks it holds."""
        self.barred: frozenset[str] = frozenset()
        """Distributors whose operators want them to leave it alone."""
        self.meter = Meter(now)
        self.served = 0.0
        """Leased payloads over weight: what fair sharing compares."""
        self.ready_open = 0
        """Open indexes in ready blocks."""
        self.spent: list[str] = []
        """Blocks that were loaded and have nothing open: their rows are to go."""
        self.unsaved = NOTHING
        """What ``done``, ``failed`` and ``matched`` grew by since it was last known that all is durable."""
        self._starts: list[int] = []
        self._by_start: dict[int, Block] = {}
        self._ready: list[int] = []

    @classmethod
    def restore(cls, loaded: LoadedTask, me: str, now: float) -> "TaskEntry":
        """Build an entry from rows; counters are those of the rows."""
        entry = cls(msgspec.structs.replace(loaded.record), loaded.spec, me, now)
        entry.take(loaded)
        return entry

    def take(self, loaded: LoadedTask) -> list[Block]:
        """Take in stretches with their blocks and failures; return the blocks that are new here."""
        fresh = {stretch.start for stretch in self.stretches.learn(loaded.stretches)}
        taken = []
        for row in loaded.blocks:
            stretch = self.stretches.at(row.start)
            if stretch is None or stretch.start not in fresh or row.id in self.blocks:
                continue
            remaining = RangeSet([(row.start, row.stop)])
            remaining.remove_all(loaded.closed.get(row.id, ()))
            if remaining:
                block = Block(row.id, row.task, row.start, row.stop, remaining, row.lease, row.holder)
                self.add(block)
                taken.append(block)
            else:
                self.spent.append(row.id)
        for start, stop in loaded.failed:
            stretch = self.stretches.at(start)
            if stretch is not None and stretch.start in fresh:
                self.failed.add(start, stop)
        self.recount()
        return taken

    def give_up(self) -> list[PutStretch]:
        """Leave every own stretch, with its blocks, to whoever takes it; return the rows that say so."""
        self.blocks, self.holders, self.failed = {}, {}, RangeSet()
        self._starts, self._by_start, self._ready = [], {}, []
        self.ready_open = 0
        return self.stretches.give_up()

    def recount(self) -> int:
        """Work the whole task's counters out of its stretches; return by how many more payloads are closed."""
        before = self.record.done + self.record.failed
        if self.record.form:
            self.record.total = self.stretches.end
        self.record.done, self.record.failed, self.record.matched = self.stretches.totals()
        return self.record.done + self.record.failed - before

    def count(self, runs: list[Run], done: int = 0, failed: int = 0) -> int:
        """Count payloads of own stretches (+1, 0 or -1 each) and return how many ``runs`` hold."""
        number = sum(stop - start for start, stop in runs)
        self.stretches.count(runs, done, failed)
        self.record.done += done * number
        self.record.failed += failed * number
        self._note_unsaved(done * number, failed * number, 0)
        return number

    def count_matched(self, indexes: list[int]) -> None:
        """Count results of own payloads that satisfy ``stop_when``."""
        self.stretches.count_matched(indexes)
        self.record.matched += len(indexes)
        self._note_unsaved(0, 0, len(indexes))

    def _note_unsaved(self, done: int, failed: int, matched: int) -> None:
        before = self.unsaved
        self.unsaved = (before[0] + done, before[1] + failed, before[2] + matched)

    def grow(self, count: int) -> None:
        """Have more payloads."""
        self.stretches.grow(count)
        self.record.total += count

    def progress(self) -> list[PutStretch]:
        """Return what is to be written of stretches that changed."""
        return self.stretches.take_changes(self.leased_here)

    @property
    def id(self) -> str:
        """The task's id."""
        return self.record.id

    @property
    def open(self) -> int:
        """How many payloads are neither done nor failed."""
        return self.record.total - self.record.done - self.record.failed

    @property
    def is_complete(self) -> bool:
        """Tell whether every payload is done or failed, none may come, and nobody has failed ones to queue again."""
        return self.open == 0 and not self.record.growing and self.stretches.agree(self.record.retries)

    @property
    def has_found_enough(self) -> bool:
        """Tell whether as many results satisfy ``stop_when`` as are searched for."""
        stop = self.record.policy.stop_when
        return stop is not None and self.record.matched >= stop.count

    @property
    def has_failed_enough(self) -> bool:
        """Tell whether as many payloads failed as make the whole task fail."""
        most = self.record.policy.max_task_failures
        if most is None or self.record.failed < most:
            return False
        return self.stretches.failed_since(self.record.retries) >= most

    @property
    def unclaimed(self) -> int:
        """How many payloads no manager looks after yet."""
        return max(0, self.record.total - self.stretches.end)

    @property
    def unleased(self) -> int:
        """How many open payloads of own stretches nobody holds."""
        return self.ready_open + self.stretches.uncut

    @property
    def leased_here(self) -> int:
        """How many open payloads of own stretches are in a leased block."""
        return self.stretches.own_open - self.unleased

    @property
    def leased(self) -> int:
        """How many open payloads are in a leased block, those of other managers included."""
        return self.leased_here + self.stretches.leased_elsewhere

    def row(self) -> TaskRecord:
        """Return a copy of the record, for a store or a reader."""
        return msgspec.structs.replace(self.record)

    def durable_row(self) -> TaskRecord:
        """Return a copy of the record with progress that a crash cannot take back."""
        row = self.row()
        done, failed, matched = self.unsaved
        row.done, row.failed, row.matched = row.done - done, row.failed - failed, row.matched - matched
        return row

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

    def next_start(self, index: int, limit: int) -> int:
        """Return the start of the first block above ``index``, at most ``limit``."""
        at = bisect_right(self._starts, index)
        return min(limit, self._starts[at]) if at < len(self._starts) else limit

    def close(self, runs: Iterable[Run]) -> Closing:
        """Close those of ``runs`` (sorted, own) that are open in some block; counters are the caller's to raise."""
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
