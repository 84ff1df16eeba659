"""Speculative copies: clients with nothing else to do run again what is stuck with others.

Rule: a payload is copied once at a time, to another client, and only when nothing is ready for that one of a task whose
turn comes before; the first result wins.
"""

from collections import deque

from disio_distributor.core.assignments import Batch
from disio_distributor.core.blocks import TaskWork, Turn
from disio_distributor.core.parcels import assign_message, cut
from disio_distributor.core.roster import Capability, Session
from disio_distributor.core.state import State
from disio_shared.ranges import RangeSet, Run, indexes_of, runs_of

COPY = ("copy", "")
_LOOKS = 8
"""How often a task's batches are looked through, at most, in the time after which one is stuck."""
_OWED_S = 0.5
"""How often all tasks are looked through for some that are stuck while others go on: there may be thousands."""


class Copies:
    """Finds what is stuck and hands it out a second time."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._owed: list[TaskWork] = []
        self._owed_at = 0.0

    def serve_owed(self, session: Session, before: Turn, now: float) -> bool:
        """Give a client what is stuck of a task that would have its turn before; tell whether there was any.

        Otherwise one client that never answers could hold up a task for as long as others have work.
        """
        if now >= self._owed_at:
            self._owed_at = now + _OWED_S
            self._owed = [work for work in self._state.servable() if self._is_stuck(work, now)]
        works = [work for work in self._owed if work.turn < before and session.capability.runs(work.manifest)]
        for work in sorted(works, key=lambda each: each.turn):
            task = work.manifest.task
            free = session.slots - self._state.assignments.open_of(session.name, task)
            if free > 0 and self._copy(work, session, free, now):
                return True
        return False

    def _is_stuck(self, work: TaskWork, now: float) -> bool:
        """Tell whether nothing of a task is left but what others are stuck with."""
        if work.has_ready or len(work.copied) >= len(work.assigned):
            return False
        self._look(work, now)
        return bool(work.tail.stuck)

    def serve(self, session: Session, now: float) -> bool:
        """Give a client that has a free slot what others are stuck with; tell whether there was any."""
        free = session.slots - self._state.assignments.open_of(session.name)
        if free <= 0:
            return False
        works = self._tails(session.capability)
        due = [work for work in works if work.tail.stuck or now >= work.tail.look_at]
        for work in sorted(due, key=lambda each: each.turn):
            self._look(work, now)
            if work.tail.stuck and self._copy(work, session, free, now):
                return True
        self._look_again(works)
        return False

    def _copy(self, work: TaskWork, session: Session, count: int, now: float) -> bool:
        runs = self._take(work, session, count, now)
        if runs:
            self._give(work, session, runs, now)
        return bool(runs)

    def any_stuck(self, capability: Capability, now: float) -> bool:
        """Tell whether some client of a kind could be given a copy."""
        works = self._tails(capability)
        for work in works:
            self._look(work, now)
        return any(work.tail.stuck for work in works)

    def _tails(self, capability: Capability) -> list[TaskWork]:
        """Return the tasks of which something may be stuck."""
        works, least = self._state.turns.runnable(capability), self._state.settings.copy_samples
        return [work for work in works if work.pace.count >= least and len(work.copied) < len(work.assigned)]

    def _look(self, work: TaskWork, now: float) -> None:
        """Look through a task's batches for stuck ones, if any can be."""
        settings, tail = self._state.settings, work.tail
        if now < tail.look_at or work.pace.count < settings.copy_samples:
            return
        tail.after_s = max(settings.copy_min_s, settings.copy_factor * work.pace.p90())
        since = [(self._since(each), each) for each in self._state.assignments.of_task(work.manifest.task)]
        stuck = [(at, each) for at, each in since if now >= at + tail.after_s and self._single(work, each, 1)]
        tail.stuck = deque(each for _, each in sorted(stuck, key=lambda pair: pair[0]))
        coming = min((at for at, _ in since if now < at + tail.after_s), default=now)
        tail.look_at = max(coming + tail.after_s, now + tail.after_s / _LOOKS)

    def look_again(self, capability: Capability, sessions: list[Session]) -> None:
        """Come back for clients of a kind when the next batch may be stuck, if one of them has a free slot."""
        if any(each.slots > self._state.assignments.open_of(each.name) for each in sessions):
            self._look_again(self._tails(capability))

    def _look_again(self, works: list[TaskWork]) -> None:
        """Come back when the next batch may be stuck."""
        if works:
            self._state.deadlines.set(COPY, min([work.tail.look_at for work in works]))

    def _since(self, batch: Batch) -> float:
        """Return since when a batch has not moved; one that waits in its client's queue moves with those before it."""
        if batch.started:
            return batch.moved_at
        queue = self._state.assignments.of_session(batch.session)
        return max(each.moved_at for each in queue[: queue.index(batch) + 1])

    def _single(self, work: TaskWork, batch: Batch, count: int, without: str = "") -> list[Run]:
        """Return up to ``count`` payloads that only this batch holds, less those that a client failed."""
        found: list[Run] = []
        if batch.is_repeat:
            return found
        for run in batch.open.runs():
            for index in RangeSet([run]).difference(work.copied.within(*run)).indexes():
                if not (without and work.failed_by(index, without)):
                    found.append((index, index + 1))
                    if len(found) >= count:
                        return found
        return found

    def _take(self, work: TaskWork, session: Session, count: int, now: float) -> list[Run]:
        """Take up to ``count`` payloads that are stuck with other clients."""
        tail, own = work.tail, list[Batch]()
        runs: list[Run] = []
        count = min(count, self._state.settings.max_runs)
        while tail.stuck and len(runs) < count:
            batch = tail.stuck[0]
            moved = batch.token not in self._state.assignments.by_token or now < self._since(batch) + tail.after_s
            if moved or not self._single(work, batch, 1):
                tail.stuck.popleft()
                continue
            found = (
                [] if batch.client == session.client else self._single(work, batch, count - len(runs), session.client)
            )
            runs += found
            work.copy(found)
            if len(runs) < count:
                own.append(tail.stuck.popleft())
        tail.stuck.extendleft(reversed(own))
        return runs_of(indexes_of(runs))

    def _give(self, work: TaskWork, session: Session, runs: list[Run], now: float) -> None:
        state, task = self._state, work.manifest.task
        payloads = work.payloads_of(runs)
        runs, rest = cut(state.settings, work, runs, payloads)
        work.copied.remove_all(rest)
        payloads = payloads[: sum(stop - start for start, stop in runs)]
        batch = state.assign(session, work, runs, now)
        state.roster.answered(session)
        state.tallies_of.count(task, copies=len(payloads))
        state.tell(session.name, assign_message(work, batch.token, runs, payloads))
