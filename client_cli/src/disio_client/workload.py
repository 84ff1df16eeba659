"""The units at hand: which batch they came in, which slot runs them, how many a slot gets at a time.

Rule: a unit of a held token is in exactly one place: waiting, in one run, or answered. Pure: time is an argument.
"""

from collections import deque
from dataclasses import dataclass, field

from disio_client.events import StartRun
from disio_shared.messages import Assign, Progress

CHUNK_S = 0.5
"""Seconds of work handed to a slot at a time, once a task's speed is known."""
MIN_BEAT_S = 2.0
"""Seconds between two Progress messages of a token that has news."""
MAX_SPEEDS = 200
"""Tasks whose speed is remembered; the longest unused is forgotten."""


@dataclass(slots=True)
class Batch:
    """One Assign, as far as it is unfinished."""

    assign: Assign
    waiting: list[tuple[int, bytes]]
    """Index and payload of units not handed to a slot, last first."""
    running: int = 0
    """Units in runs, not yet answered."""
    states: dict[int, bytes] = field(default_factory=dict)
    fractions: dict[int, float] = field(default_factory=dict)
    """Told by running units since the last Progress."""
    beat_at: float = 0.0
    """When the distributor last heard that the token is alive."""

    @property
    def is_finished(self) -> bool:
        return not self.waiting and not self.running

    def beat_due(self, period_s: float) -> float:
        """Return when the distributor is to hear of it, at least once in a period."""
        return self.beat_at + (min(MIN_BEAT_S, period_s) if self.fractions else period_s)

    def beat(self, now: float) -> Progress:
        """Return what the distributor is to hear now."""
        news, self.fractions, self.beat_at = self.fractions, {}, now
        return Progress(token=self.assign.token, indexes=list(news), fractions=list(news.values()))


@dataclass(slots=True)
class Run:
    """What a slot was given."""

    number: int
    token: str
    task: str
    started_at: float
    count: int
    open: dict[int, bytes]
    """Index and payload of units not yet answered."""
    dropped: set[int] = field(default_factory=set)
    """Cancelled units that the slot was given and has not answered."""
    order: deque[int] = field(default_factory=deque)
    """What the slot has not answered, in the order in which it runs; the first one runs now."""

    @property
    def is_doomed(self) -> bool:
        """Tell whether the slot runs a cancelled unit now."""
        while self.order and self.order[0] not in self.open and self.order[0] not in self.dropped:
            self.order.popleft()
        return bool(self.order) and self.order[0] in self.dropped


class Workload:
    """Batches in the order they came, slots, and the measured speed of each task."""

    def __init__(self, slots: int) -> None:
        self.batches: dict[str, Batch] = {}
        self.slots: dict[int, Run | None] = {}
        self._count = slots
        self._last_run = 0
        self._unit_s: dict[str, float] = {}
        self.last_batch = 0
        """Units of the newest Assign."""

    # What there is

    def waiting(self) -> int:
        """Return the units not handed to a slot."""
        return sum(len(batch.waiting) for batch in self.batches.values())

    def unstarted(self) -> int:
        """Return the units assigned and not yet started, also those behind another one in a slot."""
        behind = sum(max(0, len(run.open) - 1) for run in self.slots.values() if run is not None)
        return self.waiting() + behind

    def running_slots(self) -> list[int]:
        """Return the slots that run something."""
        return [slot for slot, run in self.slots.items() if run is not None]

    def needed_codes(self) -> set[str]:
        """Return the code that unfinished batches need."""
        return {batch.assign.workunit for batch in self.batches.values()}

    def run_of(self, slot: int, number: int) -> Run | None:
        """Return the slot's run when it is still this one."""
        run = self.slots.get(slot)
        return run if run is not None and run.number == number else None

    # In and out

    def add(self, assign: Assign, now: float) -> None:
        """Take a batch in."""
        pairs = list(zip(assign.indexes, assign.payloads, strict=True))
        pairs.reverse()
        self.batches[assign.token] = Batch(assign=assign, waiting=pairs, states=dict(assign.states), beat_at=now)
        self.last_batch = len(pairs)

    def start(self, slot: int, ready_codes: set[str], now: float) -> StartRun | None:
        """Give the free slot its next run, oldest batch first."""
        for token, batch in self.batches.items():
            if batch.waiting and batch.assign.workunit in ready_codes:
                return self._start(slot, token, batch, now)
        return None

    def _start(self, slot: int, token: str, batch: Batch, now: float) -> StartRun:
        count = min(self._chunk(batch.assign.task), len(batch.waiting))
        taken = batch.waiting[-count:]
        taken.reverse()
        del batch.waiting[-count:]
        batch.running += count
        self._last_run += 1
        order = deque(index for index, _ in taken)
        self.slots[slot] = Run(self._last_run, token, batch.assign.task, now, count, dict(taken), order=order)
        assign = batch.assign
        return StartRun(
            slot=slot,
            run=self._last_run,
            token=token,
            task=assign.task,
            workunit=assign.workunit,
            language=assign.language,
            indexes=[index for index, _ in taken],
            payloads=[payload for _, payload in taken],
            unit_timeout_s=assign.unit_timeout_s,
            memory_mb=assign.memory_mb,
            terms=assign.terms,
            states={index: batch.states[index] for index, _ in taken if index in batch.states},
        )

    def _chunk(self, task: str) -> int:
        """Return how many units one run takes: half an even share, so that all slots end together."""
        unit_s = self._unit_s.get(task)
        if unit_s is None:
            return 1
        share = -(-self.waiting() // (2 * self._count))
        return max(1, min(share, int(CHUNK_S / max(unit_s, 1e-6))))

    def answer(self, run: Run, indexes: list[int]) -> list[int]:
        """Strike answered units off a run; return the positions in ``indexes`` that were open."""
        kept = [at for at, index in enumerate(indexes) if run.open.pop(index, None) is not None]
        run.dropped.difference_update(indexes)
        batch = self.batches.get(run.token)
        if batch is None:
            return kept
        batch.running -= len(kept)
        if batch.states or batch.fractions:
            for index in indexes:
                batch.states.pop(index, None)
                batch.fractions.pop(index, None)
        return kept

    def finish(self, slot: int, now: float) -> None:
        """Free the slot and learn the task's speed from its run; units left open wait again."""
        run = self.slots[slot]
        self.slots[slot] = None
        if run is None:
            return
        answered = run.count - len(run.open)
        if answered:
            self._learn(run.task, (now - run.started_at) / answered)
        self._put_back(run)

    def lose(self, slot: int) -> None:
        """Take the slot out of use; its open units wait again, in front."""
        run = self.slots.pop(slot, None)
        if run is not None:
            self._put_back(run)

    def _put_back(self, run: Run) -> None:
        batch = self.batches.get(run.token)
        if batch is None or not run.open:
            return
        batch.waiting.extend(reversed(run.open.items()))
        batch.running -= len(run.open)

    def _learn(self, task: str, unit_s: float) -> None:
        known = self._unit_s.pop(task, unit_s)
        self._unit_s[task] = 0.5 * known + 0.5 * unit_s
        if len(self._unit_s) > MAX_SPEEDS:
            del self._unit_s[next(iter(self._unit_s))]

    def drop(self, token: str) -> list[int]:
        """Forget a batch; return the slots that run units of it and must be stopped."""
        self.batches.pop(token, None)
        stopped = [slot for slot, run in self.slots.items() if run is not None and run.token == token]
        for slot in stopped:
            del self.slots[slot]
        return stopped

    def drop_units(self, token: str, indexes: set[int]) -> None:
        """Forget units of a batch; a slot that runs one of them now is among ``take_doomed``."""
        batch = self.batches.get(token)
        if batch is None:
            return
        batch.waiting = [pair for pair in batch.waiting if pair[0] not in indexes]
        for run in self.slots.values():
            if run is not None and run.token == token:
                hit = indexes & run.open.keys()
                run.dropped |= hit
                batch.running -= len(hit)
                for index in hit:
                    del run.open[index]
        for index in indexes:
            batch.states.pop(index, None)
            batch.fractions.pop(index, None)

    def take_doomed(self) -> list[int]:
        """Take slots out of use that run a cancelled unit now, and return them; what else they have waits again."""
        doomed = [slot for slot, run in self.slots.items() if run is not None and run.dropped and run.is_doomed]
        for slot in doomed:
            self.lose(slot)
        return doomed

    def take_batches_of(self, workunit: str, language: str) -> dict[str, list[int]]:
        """Take out every batch of this code, or in this language; return the indexes that were waiting, by token."""
        given = [(token, batch.assign) for token, batch in self.batches.items()]
        tokens = [token for token, assign in given if workunit == assign.workunit or language == assign.language]
        return {token: [index for index, _ in reversed(self.batches.pop(token).waiting)] for token in tokens}

    def take_waiting(self) -> dict[str, list[int]]:
        """Take every waiting unit out; return the indexes by token."""
        taken = {}
        for token, batch in self.batches.items():
            if batch.waiting:
                taken[token] = [index for index, _ in reversed(batch.waiting)]
                batch.waiting.clear()
        return taken

    def take_running(self) -> tuple[dict[str, list[int]], list[int]]:
        """Take every running unit out; return the indexes by token, and the slots that must be stopped."""
        taken: dict[str, list[int]] = {}
        stopped = []
        for slot, run in list(self.slots.items()):
            if run is not None and run.open:
                taken.setdefault(run.token, []).extend(run.open)
                self.batches[run.token].running -= len(run.open)
                stopped.append(slot)
                del self.slots[slot]
        return taken, stopped
