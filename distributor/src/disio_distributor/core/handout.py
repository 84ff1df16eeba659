"""Handing work to clients: which task, how much of it, and what to do when nothing is ready.

Rule: one Ready earns exactly one Assign. Tasks are served by priority, then in proportion to their weights, counted
in seconds of work; copies and repeats are for clients that nothing ready is left for.
"""

from disio_distributor.core.batching import batch_size, fair_share
from disio_distributor.core.blocks import Group, TaskWork
from disio_distributor.core.copies import Copies
from disio_distributor.core.measuring import prior_of
from disio_distributor.core.parcels import assign_message, cut
from disio_distributor.core.reasons import reason
from disio_distributor.core.repeats import Repeats
from disio_distributor.core.roster import Capability, Session
from disio_distributor.core.state import RECHECK, State
from disio_distributor.core.wishes import wished
from disio_shared import messages
from disio_shared.ranges import Run, indexes_of, runs_of

UNKNOWN_UNIT_S = 1.0
"""What a unit is taken to cost, for sharing between tasks, before it was measured."""
TOO_LARGE = "result: the payload has {} bytes, more than fits in a message to a client"


class HandOut:
    """Serves clients that wait."""

    def __init__(self, state: State, repeats: Repeats) -> None:
        self._state, self._repeats = state, repeats
        self._copies = Copies(state)
        self._handed = 0

    def ready(self, session: Session, ready: messages.Ready, now: float) -> None:
        """Serve a Ready, or remember it and say why it waits."""
        state = self._state
        session.active_at = now
        state.roster.resized(session, min(max(1, ready.slots), state.settings.max_slots))
        state.roster.asked(session)
        if not self._serve(session, now):
            state.tell(session.name, messages.Idle(reason=reason(state, session)))

    def serve_waiting(self, now: float) -> None:
        """Serve whoever waits, as far as the work goes."""
        for capability, waiting in list(self._state.roster.waiting.items()):
            self._serve_kind(capability, list(waiting.values()), now)

    def serve_again(self, session: Session, now: float) -> None:
        """Serve a client that had enough and has less now."""
        if session.wants:
            self._serve(session, now)

    def _serve_kind(self, capability: Capability, waiting: list[Session], now: float) -> None:
        is_left = False
        for at, session in enumerate(waiting, 1):
            if self._serve(session, now):
                is_left = False  # as far as is known
                continue
            is_left = is_left or self._anything_for(capability, now)
            if not is_left:
                self._repeat(capability, waiting[at:], now)
                return

    def _anything_for(self, capability: Capability, now: float) -> bool:
        """Tell whether others of a kind may find something, repeats aside, where one of them did not."""
        return self._state.turns.any_ready(capability) or self._copies.any_stuck(capability, now)

    def _repeat(self, capability: Capability, waiting: list[Session], now: float) -> None:
        """Serve clients of one kind for which there are repeats at most: there may be thousands of them."""
        works = self._repeats.works_for(capability) if self._may_serve and waiting else []
        if works:
            self._copies.look_again(capability, waiting)
            for session in filter(self._state.has_place, waiting):
                self._repeats.serve(session, works, now)

    @property
    def _may_serve(self) -> bool:
        state = self._state
        return not state.draining and not state.standing.paused and state.space.leases

    def _serve(self, session: Session, now: float) -> bool:
        state = self._state
        if not self._may_serve or not state.has_place(session):
            return False
        work = self._first_for(session, now)
        if work is not None:
            return self._copies.serve_owed(session, work.turn, now) or self._assign(session, work, now)
        if self._copies.serve(session, now):
            return True
        return self._repeats.serve(session, self._repeats.works_for(session.capability), now)

    def _first_for(self, session: Session, now: float) -> TaskWork | None:
        """Return the task that a client gets of: the one that it came to help, else the one whose turn it is."""

        def suits(work: TaskWork) -> bool:
            return self._has_for(work, session, now) and self._size(work, session) > 0

        own = wished(self._state, session)
        return own if own is not None and suits(own) else self._state.turns.choose(session.capability, suits)

    def _has_for(self, work: TaskWork, session: Session, now: float) -> bool:
        if work.ready or any(self._may_retry(work, group, session, now) for group in work.retry):
            return True
        if self._state.deadlines.get(RECHECK) is None:
            self._state.deadlines.set(RECHECK, now + self._state.settings.recheck_s)
        return False

    def _may_retry(self, work: TaskWork, group: Group, session: Session, now: float) -> bool:
        """Tell whether a client may get what ``group`` failed: another one, or itself when no other is in sight."""
        if session.client not in group:
            return True
        since = now - self._state.settings.active_s
        return not any(
            other.client not in group and (other.wants or other.active_at >= since)
            for other in self._state.roster.capable(work.manifest)
        )

    def _assign(self, session: Session, work: TaskWork, now: float) -> bool:
        state, settings = self._state, self._state.settings
        pace = session.pace(work.manifest.task)
        size = self._size(work, session)
        clients, all_slots = state.roster.capable_slots(work.manifest)
        size = fair_share(size, work.ready_count, session.slots, clients, all_slots)
        runs = work.take(size, settings.max_runs, lambda group: self._may_retry(work, group, session, now))
        runs, payloads = self._fitting(work, runs)
        if not runs:
            return False
        batch = state.assign(session, work, runs, now)
        state.roster.answered(session)
        state.rate.begin(now)
        pace.batch = len(payloads)
        self._charge(work, session, len(payloads))
        state.tell(session.name, assign_message(work, batch.token, runs, payloads))
        return True

    def _size(self, work: TaskWork, session: Session) -> int:
        """Return how many payloads of a task a client may get; 0 when it has enough of it."""
        task, state = work.manifest.task, self._state
        held = state.assignments.open_of(session.name, task)
        return batch_size(state.settings, session.pace(task), session.slots, held, prior_of(work, session))

    def _charge(self, work: TaskWork, session: Session, count: int) -> None:
        """Move a task back in its line by what was handed out of it."""
        self._handed += 1
        unit_s = session.pace(work.manifest.task).unit_s or prior_of(work, session) or UNKNOWN_UNIT_S
        work.served += count * unit_s / max(work.manifest.weight, 1e-3)
        work.served_last = self._handed

    def _fitting(self, work: TaskWork, runs: list[Run]) -> tuple[list[Run], list[bytes]]:
        """Give back what does not fit in one message; fail what fits in none."""
        settings = self._state.settings
        payloads = work.payloads_of(runs)
        indexes = indexes_of(runs)
        huge = [
            index for index, value in zip(indexes, payloads, strict=True) if len(value) > settings.max_payload_bytes
        ]
        if huge:
            work.reopen(runs)
            self._quarantine(work, huge, payloads, indexes)
            return [], []
        runs, rest = cut(settings, work, runs, payloads)
        work.reopen(rest)
        return runs, payloads[: sum(stop - start for start, stop in runs)]

    def _quarantine(self, work: TaskWork, huge: list[int], payloads: list[bytes], indexes: list[int]) -> None:
        length = dict(zip(indexes, map(len, payloads), strict=True))
        texts = [[TOO_LARGE.format(length[index])] for index in huge]
        columns = messages.FailureColumns(task=work.manifest.task, indexes=huge, errors=texts)
        self._state.close(work, runs_of(huge), columns)
        self._state.work_appeared = True
