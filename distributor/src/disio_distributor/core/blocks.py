"""Held work: which indexes of a task's blocks are ready, assigned or closed.

Rule: every index of a held block is exactly one of ready (fresh or to be tried again), assigned (to one client, or to
two of them), closed. All of it is kept as runs, so a block of a million indexes costs what its fragments cost.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from disio_distributor.core.assignments import Tail
from disio_distributor.core.pace import TaskPace
from disio_distributor.core.records import Attempt, HeldBlock
from disio_distributor.core.votes import Votes
from disio_shared import payload_parsing, payloads
from disio_shared.messages import TaskManifest
from disio_shared.payloads import PayloadSpec
from disio_shared.ranges import RangeSet, Run, indexes_of

Group = frozenset[str]
"""Clients that failed a payload; none, when clients were lost with it only."""
LOST: Group = frozenset()
Turn = tuple[int, float, int, str]
FAILED = "failed"
"""Outcome of a try whose code raised, timed out or broke a limit."""


MAX_ANSWERED = 10_000
"""Runs of answered payloads that are remembered of a task; of more the first are forgotten."""
OBJECT_BYTES = 64
"""What a payload takes in memory besides its content, about."""


class Load:
    """What a cluster's blocks hold."""

    def __init__(self) -> None:
        self.open = 0
        """Payloads that are not closed."""
        self.bytes = 0
        """What payloads take that are not generated."""


class Block:
    """A held block; ``committed`` is what a manager has of it."""

    __slots__ = ("bytes", "committed", "record")

    def __init__(self, record: HeldBlock) -> None:
        self.record = record
        self.bytes = sum(map(len, record.payloads)) + OBJECT_BYTES * len(record.payloads)
        self.committed = RangeSet()
        for start, stop in record.done:
            self.committed.add(max(start, record.start), min(stop, record.stop))

    @property
    def is_over(self) -> bool:
        """Whether a manager has all of it."""
        return len(self.committed) >= self.record.stop - self.record.start

    def as_record(self) -> HeldBlock:
        """Return the row that a cache keeps, less the payloads, which it has since the block was granted."""
        return msgspec.structs.replace(self.record, done=self.committed.runs(), payloads=[])


class TaskWork:
    """One task's blocks and the state of their indexes."""

    def __init__(
        self,
        cluster: str,
        manifest: TaskManifest,
        load: Load,
        paused: bool = False,
        woke: Callable[["TaskWork"], None] | None = None,
    ) -> None:
        self.cluster, self.paused, self.load, self._woke = cluster, paused, load, woke
        self.manifest = manifest
        self.spec = _spec_of(manifest)
        self.blocks: list[Block] = []
        self.ready = RangeSet()
        """Open, held by nobody, never failed or lost."""
        self.retry: dict[Group, RangeSet] = {}
        """Open, held by nobody, failed by these clients, or lost before."""
        self.assigned = RangeSet()
        self.copied = RangeSet()
        """Assigned to two clients."""
        self.pending = RangeSet()
        """In the outbox, whether or not its block is still held."""
        self.answered = RangeSet()
        """Managers took results in, as far as this run was told; where those lie scattered not all is remembered."""
        self.attempts: dict[int, list[Attempt]] = {}
        self.checkpoints: dict[int, bytes] = {}
        self.votes: Votes | None = None
        """Who has computed what of ``pending``, when it was needed lately."""
        self.pace = TaskPace()
        self.tail = Tail()
        self.served = 0.0
        """Seconds of work handed out, divided by the task's weight."""
        self.served_last = 0
        """The number of its last hand-out."""
        self.idle_rounds = 0
        self.unservable_rounds = 0

    @property
    def turn(self) -> Turn:
        """Its place among the tasks: by priority, then by what it was served, then whoever waits longest."""
        return -self.manifest.priority, self.served, self.served_last, self.manifest.task

    @property
    def has_ready(self) -> bool:
        """Whether anything could be handed out."""
        return bool(self.ready or self.retry)

    @property
    def ready_count(self) -> int:
        """How many payloads could be handed out."""
        return len(self.ready) + sum(len(group) for group in self.retry.values())

    @property
    def open_count(self) -> int:
        """How many payloads are not closed."""
        return self.ready_count + len(self.assigned)

    def is_open(self, index: int) -> bool:
        """Tell whether a result for ``index`` would count."""
        return index in self.assigned or index in self.ready or index in self.retry.get(self._group(index), ())

    # Blocks

    def block(self, block: str) -> Block | None:
        """Return a held block by its id."""
        return next((each for each in self.blocks if each.record.block == block), None)

    def add_block(self, record: HeldBlock) -> Block:
        """Hold a block that overlaps none held; what is not done or in the outbox becomes ready."""
        block = Block(record)
        self.answered.remove(record.start, record.stop)  # what a manager says of it now is newer
        at = bisect_right(self.blocks, record.start, key=lambda each: each.record.start)
        self.blocks.insert(at, block)
        fresh = RangeSet([(record.start, record.stop)])
        fresh.remove_all(block.committed.runs())
        fresh.remove_all(self.pending.runs())
        self.load.open += len(fresh)
        self.load.bytes += block.bytes
        self._make_ready(fresh.runs())
        return block

    def remove_block(self, block: Block) -> list[Run]:
        """Let go of a block; return the runs of it that were assigned."""
        self.blocks.remove(block)
        whole = [(block.record.start, block.record.stop)]
        assigned = self.assigned.remove_all(whole)
        self.copied.remove_all(whole)
        self.load.open -= _size(assigned) + _size(self._unready(whole))
        self.load.bytes -= block.bytes
        return assigned

    def overlapping(self, start: int, stop: int) -> list[Block]:
        """Return the held blocks that share an index with the run."""
        return [each for each in self.blocks if each.record.start < stop and start < each.record.stop]

    def took_in(self, runs: Iterable[Run]) -> None:
        """Note that managers have results."""
        self.answered.add_all(runs)
        surplus = self.answered.run_count - MAX_ANSWERED
        if surplus > 0:
            self.answered.take(len(self.answered), surplus)

    def judged(self, runs: Iterable[Run]) -> RangeSet:
        """Return for which of ``runs`` it is known here whether a result would count."""
        runs = list(runs)
        found = RangeSet(part for _, parts in self.blocks_of(runs) for part in parts)
        for run in runs:
            found.add_all(self.pending.within(*run))
            found.add_all(self.answered.within(*run))
        return found

    def blocks_of(self, runs: Iterable[Run]) -> list[tuple[Block, list[Run]]]:
        """Return the blocks that ``runs`` touch, each with its part of them."""
        parts: dict[int, list[Run]] = {}
        for start, stop in runs:
            at = max(0, bisect_right(self.blocks, start, key=lambda each: each.record.start) - 1)
            while at < len(self.blocks) and self.blocks[at].record.start < stop:
                record = self.blocks[at].record
                part = (max(start, record.start), min(stop, record.stop))
                if part[0] < part[1]:
                    parts.setdefault(at, []).append(part)
                at += 1
        return [(self.blocks[at], found) for at, found in parts.items()]

    # Indexes

    def take(self, count: int, max_runs: int, may_retry: Callable[[Group], bool]) -> list[Run]:
        """Assign up to ``count`` ready payloads, failed ones first, lost ones last; return them sorted.

        What clients were lost with waits behind the others, so that a wave of clients that vanish is not counted
        against the same few payloads.
        """
        taken: list[Run] = []
        for group in [each for each in self.retry if each and may_retry(each)]:
            taken += self._take_retried(group, count - _size(taken), max_runs - len(taken))
        taken += self.ready.take(count - _size(taken), max(0, max_runs - len(taken)))
        if LOST in self.retry:
            taken += self._take_retried(LOST, count - _size(taken), max_runs - len(taken))
        self.assigned.add_all(taken)
        return sorted(taken)

    def claim(self, runs: Sequence[Run]) -> list[Run]:
        """Assign those of ``runs`` that are ready and never failed; return them."""
        claimed = self.ready.remove_all(runs)
        if LOST in self.retry:
            claimed += self.retry[LOST].remove_all(runs)
            self._tidy_retried(LOST)
        self.assigned.add_all(claimed)
        return sorted(claimed)

    def is_unharmed(self, index: int) -> bool:
        """Tell whether a payload is ready and never failed."""
        return index in self.ready or index in self.retry.get(LOST, ())

    def copy(self, runs: Iterable[Run]) -> None:
        """Assign assigned payloads to a second client."""
        self.copied.add_all(runs)

    def reopen(self, runs: Sequence[Run]) -> None:
        """Let go of assigned payloads: they are ready again, unless a second client has them."""
        shared = self.copied.remove_all(runs) if self.copied else []
        if shared:
            self.tail.look_at = 0.0
            runs = RangeSet(runs).difference(shared).runs()
        self._make_ready(self.assigned.remove_all(runs))

    def note(self, attempt: Attempt) -> int:
        """Note what a try of an open payload came to; return how many tries came to the same."""
        run = (attempt.index, attempt.index + 1)
        waited = self._unready([run])
        tries = self.attempts.setdefault(attempt.index, [])
        tries.append(attempt)
        self._make_ready(waited)
        return sum(each.outcome == attempt.outcome for each in tries)

    def close(self, runs: Sequence[Run]) -> list[Run]:
        """Close open payloads and count them as in the outbox; return those that were open."""
        closed = self.assigned.remove_all(runs)
        self.copied.remove_all(runs)
        if _size(closed) < _size(runs):
            closed += self._unready(runs)
        self.load.open -= _size(closed)
        self.pending.add_all(closed)
        return closed

    def forget(self, runs: Iterable[Run]) -> tuple[list[int], int]:
        """Drop attempts and saved states of ``runs``; return the indexes that had some, and the bytes of the states."""
        if not self.attempts and not self.checkpoints:
            return [], 0
        indexes = {at for run in runs for at in (*_keys_in(self.attempts, *run), *_keys_in(self.checkpoints, *run))}
        freed = 0
        for index in indexes:
            self.attempts.pop(index, None)
            freed += len(self.checkpoints.pop(index, b""))
        return sorted(indexes), freed

    def payloads_of(self, runs: Sequence[Run]) -> list[bytes]:
        """Return the payloads of ``runs``, all of held blocks."""
        if self.spec is not None:
            return payloads.payloads_at(self.spec, indexes_of(runs))
        values: list[bytes] = []
        for run in runs:
            for block, parts in self.blocks_of([run]):
                first = block.record.start
                for start, stop in parts:
                    values += block.record.payloads[start - first : stop - first]
        return values

    def _group(self, index: int) -> Group:
        return frozenset(attempt.client for attempt in self.attempts.get(index, ()) if attempt.outcome == FAILED)

    def failed_by(self, index: int, client: str) -> bool:
        """Tell whether a client failed a payload."""
        return client in self._group(index)

    def _take_retried(self, group: Group, count: int, max_runs: int) -> list[Run]:
        taken = self.retry[group].take(count, max(0, max_runs))
        self._tidy_retried(group)
        return taken

    def _tidy_retried(self, group: Group) -> None:
        if not self.retry[group]:
            del self.retry[group]

    def _make_ready(self, runs: Iterable[Run]) -> None:
        had_ready = self.has_ready
        self._put_ready(runs)
        if not had_ready and self._woke is not None and self.has_ready:
            self._woke(self)

    def _put_ready(self, runs: Iterable[Run]) -> None:
        if not self.attempts:
            self.ready.add_all(runs)
            return
        for start, stop in runs:
            fresh = RangeSet([(start, stop)])
            for index in _keys_in(self.attempts, start, stop):
                fresh.remove(index, index + 1)
                self.retry.setdefault(self._group(index), RangeSet()).add(index, index + 1)
            self.ready.add_all(fresh.runs())

    def _unready(self, runs: Sequence[Run]) -> list[Run]:
        """Take runs out of what is ready; return the parts that were, those to be retried one by one."""
        taken = self.ready.remove_all(runs)
        if self.retry:
            for start, stop in runs:
                taken += [(at, at + 1) for at in _keys_in(self.attempts, start, stop) if self._unretry(at)]
        return taken

    def _unretry(self, index: int) -> bool:
        group = self._group(index)
        waiting = self.retry.get(group)
        if waiting is None or not waiting.remove(index, index + 1):
            return False
        self._tidy_retried(group)
        return True


def _keys_in(by_index: Mapping[int, object], start: int, stop: int) -> list[int]:
    """Return the keys from ``start`` to ``stop``, walking over the shorter of the two."""
    if stop - start < len(by_index):
        return [index for index in range(start, stop) if index in by_index]
    return sorted(index for index in by_index if start <= index < stop)


def _size(runs: Iterable[Run]) -> int:
    return sum(stop - start for start, stop in runs)


def _spec_of(manifest: TaskManifest) -> PayloadSpec | None:
    return payload_parsing.parse_spec(msgspec.json.decode(manifest.payloads)) if manifest.payloads else None
