"""Handing work to clients: which task, how much of it, and what to say when there is nothing.

Rule: one Ready earns exactly one Assign. Tasks are served by priority, then in proportion to their weights, counted
in seconds of work.
"""

from itertools import accumulate

from disio_distributor.core.batching import batch_size, fair_share
from disio_distributor.core.blocks import Group, TaskWork
from disio_distributor.core.roster import Session
from disio_distributor.core.state import RECHECK, State
from disio_shared import messages
from disio_shared.ranges import Run, indexes_of, runs_of

UNKNOWN_UNIT_S = 1.0
"""What a unit is taken to cost, for sharing between tasks, before it was measured."""
TOO_LARGE = "result: the payload has {} bytes, more than fits in a message to a client"


class HandOut:
    """Serves clients that wait."""

    def __init__(self, state: State) -> None:
        self._state = state

    def ready(self, session: Session, ready: messages.Ready, now: float) -> None:
        """Serve a Ready, or remember it and say why it waits."""
        state = self._state
        session.active_at = now
        state.roster.resized(session, min(max(1, ready.slots), state.settings.max_slots))
        state.roster.asked(session)
        if not self._serve(session, now):
            state.tell(session.name, messages.Idle(reason=self.reason(session)))

    def serve_waiting(self, now: float) -> None:
        """Serve whoever waits, as far as the work goes."""
        state = self._state
        for capability, waiting in list(state.roster.waiting.items()):
            if not any(self._is_on(work) and capability.runs(work.manifest) for work in state.tasks.values()):
                continue
            for session in list(waiting.values()):
                if not self._serve(session, now) and not self._anything_fresh(session):
                    break

    def serve_again(self, session: Session, now: float) -> None:
        """Serve a client that had enough and has less now."""
        if session.wants:
            self._serve(session, now)

    def reason(self, session: Session) -> str:
        """Return in a sentence why a client gets nothing now."""
        state = self._state
        if state.draining:
            return "this distributor is going away"
        if not state.space.leases:
            return state.space.reason()
        held = [work for work in state.tasks.values() if work.open_count]
        if not held:
            return self._nothing_held()
        fitting = [work for work in held if session.capability.runs(work.manifest)]
        if not fitting:
            needs = sorted({session.capability.missing(work.manifest) for work in held})
            return f"no task runs here: needs {' or '.join(needs)}"
        if all(work.paused for work in fitting):
            return "paused"
        if not any(work.manifest.workunit in state.workunits for work in fitting):
            return "fetching the code of the next task"
        return "the last payloads are with other clients"

    def _nothing_held(self) -> str:
        state = self._state
        if not state.links:
            return "no manager reachable"
        return next((each.waiting for each in state.clusters.values() if each.waiting), "the managers are being asked")

    def _is_on(self, work: TaskWork) -> bool:
        return bool((work.ready or work.retry) and not work.paused and work.manifest.workunit in self._state.workunits)

    def _anything_fresh(self, session: Session) -> bool:
        """Tell whether others of this capability may find work that this session did not."""
        works = self._state.tasks.values()
        return any(self._is_on(work) and session.capability.runs(work.manifest) for work in works)

    def _serve(self, session: Session, now: float) -> bool:
        state = self._state
        if state.draining or not state.space.leases:
            return False
        work = self._choose(session, now)
        return work is not None and self._assign(session, work, now)

    def _choose(self, session: Session, now: float) -> TaskWork | None:
        candidates = [
            work
            for work in self._state.tasks.values()
            if self._is_on(work) and session.capability.runs(work.manifest) and self._has_for(work, session, now)
        ]
        return min(candidates, key=lambda work: (-work.manifest.priority, work.served), default=None)

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
        task = work.manifest.task
        pace = session.pace(task)
        size = batch_size(settings, pace, session.slots, state.assignments.open_of(session.name, task))
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
        unit_s = UNKNOWN_UNIT_S if pace.unit_s is None else pace.unit_s
        work.served += len(payloads) * unit_s / max(work.manifest.weight, 1e-3)
        state.tell(session.name, _message(work, batch.token, runs, payloads))
        return True

    def _fitting(self, work: TaskWork, runs: list[Run]) -> tuple[list[Run], list[bytes]]:
        """Give back what does not fit in one message; fail what fits in none."""
        settings = self._state.settings
        payloads = work.payloads_of(runs)
        sizes = list(map(len, payloads))
        if work.checkpoints:
            sizes = [
                size + len(work.checkpoints.get(index, b""))
                for size, index in zip(sizes, indexes_of(runs), strict=True)
            ]
        if sum(sizes) <= settings.max_batch_bytes:
            return runs, payloads
        indexes = indexes_of(runs)
        huge = [index for index, size in zip(indexes, payloads, strict=True) if len(size) > settings.max_payload_bytes]
        if huge:
            work.reopen(runs)
            self._quarantine(work, huge, payloads, indexes)
            return [], []
        keep = max(1, sum(total <= settings.max_batch_bytes for total in accumulate(sizes)))
        work.reopen(runs_of(indexes[keep:]))
        return runs_of(indexes[:keep]), payloads[:keep]

    def _quarantine(self, work: TaskWork, huge: list[int], payloads: list[bytes], indexes: list[int]) -> None:
        length = dict(zip(indexes, map(len, payloads), strict=True))
        texts = [[TOO_LARGE.format(length[index])] for index in huge]
        columns = messages.FailureColumns(task=work.manifest.task, indexes=huge, errors=texts)
        self._state.close(work, runs_of(huge), columns)
        self._state.work_appeared = True


def _message(work: TaskWork, token: str, runs: list[Run], payloads: list[bytes]) -> messages.Assign:
    manifest, indexes = work.manifest, indexes_of(runs)
    states = work.checkpoints and {at: work.checkpoints[at] for at in indexes if at in work.checkpoints}
    return messages.Assign(
        token=token,
        task=manifest.task,
        task_name=manifest.name,
        workunit=manifest.workunit,
        language=manifest.language,
        indexes=indexes,
        payloads=payloads,
        states=states,
        unit_timeout_s=manifest.unit_timeout_s,
        memory_mb=manifest.memory_mb,
    )
