"""Bugs on purpose in the distributor's core, one at a time, to see that the simulation notices.

Rule: a planted bug replaces one method or function of the real code and nothing else.
"""

from types import SimpleNamespace
from typing import Any

import msgspec

from disio_distributor.core import changes, commands, handout, parcels, repeats, tries
from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.copies import Copies
from disio_distributor.core.delivery import Delivery
from disio_distributor.core.demand import Demand
from disio_distributor.core.dispatcher import Dispatcher
from disio_distributor.core.draining import Drain
from disio_distributor.core.managers import Managers
from disio_distributor.core.outbox import Outbox
from disio_distributor.core.reports import Reports
from disio_distributor.core.roster import Capability
from disio_distributor.core.state import State
from disio_shared.messages import ResultColumns, TaskState
from tests.simulation.planting import Bug, Plant


def distributor_acknowledges_before_saving(plant: Plant) -> None:
    """Results are acknowledged, but never reach the cache."""
    save = State.save

    def forgets(self: State, change: Any) -> None:
        if not isinstance(change, changes.AddOutbox):
            save(self, change)

    plant(State, "save", forgets)


def assignment_leases_never_end(plant: Plant) -> None:
    """A client that is gone keeps its payloads."""
    plant(Dispatcher, "_expire", lambda self, token, now: None)


def lost_counts_as_failed(plant: Plant) -> None:
    """A client that goes away is held against the payload."""

    def blames(self: Dispatcher, token: str, now: float) -> None:
        state = self._state
        batch = state.assignments.by_token[token]
        indexes = list(batch.open.indexes())
        state.release(batch, batch.open.runs())
        if not batch.is_repeat:
            tries.failed(state, state.tasks[batch.task], batch.client, indexes, ["lost"] * len(indexes))

    plant(Dispatcher, "_expire", blames)


def one_commit_stands_for_all(plant: Plant) -> None:
    """A Committed is taken as the answer to every batch under way."""
    committed = Outbox.committed

    def forgets(self: Outbox, batch: str) -> Any:
        batches = list(self.flights) if batch in self.flights else []
        return [item for each in batches for item in committed(self, each)]

    plant(Outbox, "committed", forgets)


def released_payloads_are_lost(plant: Plant) -> None:
    """What a leaving client gives back is not handed out again."""

    def forgets(self: State, batch: Any, runs: Any) -> int:
        taken = batch.open.remove_all(runs)
        if not batch.open:
            self.assignments.remove(batch)
        return sum(stop - start for start, stop in taken)

    plant(State, "release", forgets)


def payloads_stay_ready_when_they_are_handed_out(plant: Plant) -> None:
    """The same payloads go to everybody, the same client included."""
    take = TaskWork.take

    def leaves(self: TaskWork, *wanted: Any) -> Any:
        runs = take(self, *wanted)
        self.ready.add_all(runs)
        return runs

    plant(TaskWork, "take", leaves)


def failures_are_never_enough(plant: Plant) -> None:
    """A payload that cannot succeed is tried for ever."""
    note = TaskWork.note

    def forgives(self: TaskWork, attempt: Any) -> int:
        note(self, attempt)
        return 0

    plant(TaskWork, "note", forgives)


def deliveries_are_not_repeated(plant: Plant) -> None:
    """What a manager never got is taken for sent."""
    plant(Delivery, "lost", lambda self, link: None)
    plant(Delivery, "resend", lambda self, batch, now: None)


def asks_are_not_repeated(plant: Plant) -> None:
    """An Ask that was lost is taken for standing."""
    plant(Demand, "repeat", lambda self, name, now: None)
    plant(Demand, "forget", lambda self, link: None)


def cancelled_tasks_are_handed_out(plant: Plant) -> None:
    """A distributor that is told that a task is over goes on with it."""
    task_state = Managers.task_state

    def ignores(self: Managers, cluster: str, said: TaskState) -> None:
        if said.state in ("running", "queued", "paused"):
            task_state(self, cluster, said)

    plant(Managers, "task_state", ignores)


def paused_tasks_are_handed_out(plant: Plant) -> None:
    """A distributor that is told to pause a task goes on with it."""
    task_state = Managers.task_state

    def ignores(self: Managers, cluster: str, said: TaskState) -> None:
        if said.state != "paused":
            task_state(self, cluster, said)

    plant(Managers, "task_state", ignores)


def revoked_blocks_are_served(plant: Plant) -> None:
    """A distributor keeps blocks that were taken away from it."""
    plant(Managers, "revoke", lambda self, cluster, refs: None)


def abilities_are_ignored(plant: Plant) -> None:
    """Everybody gets everything."""
    plant(Capability, "missing", lambda self, manifest: "")


def states_are_mixed_up(plant: Plant) -> None:
    """A payload comes with the state that was saved of another one."""
    message = parcels.assign_message

    def mixes(work: TaskWork, *rest: Any) -> Any:
        said = message(work, *rest)
        states = list(work.checkpoints.values())
        return msgspec.structs.replace(said, states={said.indexes[0]: states[-1]}) if states else said

    plant(handout, "assign_message", mixes)


def newer_states_are_not_kept(plant: Plant) -> None:
    """Every state is acknowledged, but the first one is what the next client gets."""
    checkpoint = Reports._checkpoint

    def keeps_first(self: Reports, session: Any, claim: Any, said: Any, request: int) -> None:
        first = claim.work.checkpoints.get(said.index)
        checkpoint(self, session, claim, said, request)
        if first is not None:
            claim.work.checkpoints[said.index] = first

    plant(Reports, "_checkpoint", keeps_first)


def restarts_forget_states(plant: Plant) -> None:
    """A distributor that starts anew does not look at saved states."""
    restore = State._restore_payloads

    def forgets(self: State, snapshot: Any) -> None:
        snapshot.checkpoints = {}
        restore(self, snapshot)

    plant(State, "_restore_payloads", forgets)


def drains_lose_the_outbox(plant: Plant) -> None:
    """What is not delivered when a drain ends is thrown away."""
    review = Drain.review

    def throws(self: Drain, now: float, timed_out: bool) -> None:
        review(self, now, timed_out)
        if any(isinstance(each, commands.Drained) for each in self._state.decision.commands):
            self._state.save(changes.DropOutbox(list(range(self._state.outbox.next_id))))

    plant(Drain, "review", throws)


def copies_go_to_the_same_client(plant: Plant) -> None:
    """A client that is stuck with a payload is given a copy of it."""
    take = Copies._take

    def takes_own(self: Copies, work: TaskWork, session: Any, count: int, now: float) -> Any:
        return take(self, work, SimpleNamespace(client=""), count, now)  # type: ignore[arg-type]

    plant(Copies, "_take", takes_own)


def votes_count_as_results(plant: Plant) -> None:
    """What a repeat brings goes to the manager as a result."""
    plant(repeats, "VoteColumns", ResultColumns)


def entries_that_are_read_back_are_sent_twice(plant: Plant) -> None:
    """What the cache gives back is taken for a new entry of the outbox."""
    was_read = Outbox.was_read

    def takes_twice(self: Outbox, entries: Any, missing: Any) -> Any:
        lost = was_read(self, entries, missing)
        for entry in entries:
            heads = [item.head for waiting in self._waiting.values() for item in waiting.values()]
            for head in [head for head in heads if head.id == entry.id]:
                self.add(entry, msgspec.structs.replace(head, id=self.fresh_id()))
        return lost

    plant(Outbox, "was_read", takes_twice)


def results_wait_for_dead_managers(plant: Plant) -> None:
    """Results go to the manager of their block, and when that is dead to nobody."""
    plant(State, "is_given_up", lambda self, cluster, manager, now: not manager)


BUGS: list[Bug] = [
    distributor_acknowledges_before_saving,
    assignment_leases_never_end,
    lost_counts_as_failed,
    one_commit_stands_for_all,
    released_payloads_are_lost,
    payloads_stay_ready_when_they_are_handed_out,
    failures_are_never_enough,
    deliveries_are_not_repeated,
    asks_are_not_repeated,
    cancelled_tasks_are_handed_out,
    paused_tasks_are_handed_out,
    revoked_blocks_are_served,
    abilities_are_ignored,
    states_are_mixed_up,
    newer_states_are_not_kept,
    restarts_forget_states,
    drains_lose_the_outbox,
    copies_go_to_the_same_client,
    votes_count_as_results,
    entries_that_are_read_back_are_sent_twice,
    results_wait_for_dead_managers,
]
