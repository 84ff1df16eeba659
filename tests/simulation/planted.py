"""Bugs on purpose: each breaks one promise of the cores, one at a time, to see that the simulation notices.

Rule: a planted bug replaces one method of the real code and nothing else; who plants it takes it out again.
"""

from collections.abc import Callable
from typing import Any

from disio_distributor.core import changes as distributor_changes
from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.demand import Demand
from disio_distributor.core.dispatcher import Dispatcher
from disio_distributor.core.managers import Managers
from disio_distributor.core.outbox import Outbox
from disio_distributor.core.records import Attempt
from disio_distributor.core.state import State
from disio_manager.core import changes as manager_changes
from disio_manager.core.book import Book
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.leases import LeaseTable
from disio_manager.core.tasks import Closing, TaskEntry
from disio_shared.messages import FailureColumns

Plant = Callable[[type, str, Any], None]
"""``monkeypatch.setattr``."""
Bug = Callable[[Plant], None]


def distributor_acknowledges_before_saving(plant: Plant) -> None:
    """Results are acknowledged, but never reach the cache."""
    save = State.save

    def forgets(self: State, change: Any) -> None:
        if not isinstance(change, distributor_changes.AddOutbox):
            save(self, change)

    plant(State, "save", forgets)


def manager_commits_without_results(plant: Plant) -> None:
    """A batch is answered with Committed, but its results are not in the decision."""
    handle = Coordinator.handle

    def forgets(self: Coordinator, event: Any, now: float) -> Any:
        decision = handle(self, event, now)
        decision.changes = [c for c in decision.changes if not isinstance(c, manager_changes.AddResults)]
        return decision

    plant(Coordinator, "handle", forgets)


def repeats_count_again(plant: Plant) -> None:
    """A result counts although its index is closed."""
    close = TaskEntry.close

    def takes_all(self: TaskEntry, runs: Any) -> Closing:
        wanted = list(runs)
        closing = close(self, wanted)
        closing.accepted = wanted
        return closing

    plant(TaskEntry, "close", takes_all)


def block_leases_never_end(plant: Plant) -> None:
    """A distributor that is gone keeps its blocks."""
    plant(LeaseTable, "first", lambda self: None)
    plant(LeaseTable, "take_due", lambda self, now: [])


def assignment_leases_never_end(plant: Plant) -> None:
    """A client that is gone keeps its payloads."""
    plant(Dispatcher, "_expire", lambda self, token, now: None)


def lost_counts_as_failed(plant: Plant) -> None:
    """A client that goes away is held against the payload."""

    def blames(self: Dispatcher, token: str, now: float) -> None:
        state = self._state
        batch = state.assignments.by_token[token]
        work = state.tasks[batch.task]
        indexes = list(batch.open.indexes())
        state.release(batch, batch.open.runs())
        for index in indexes:
            number = len(work.attempts.get(index, ()))
            work.fail(_attempt(batch.task, index, batch.client, number))
        tired = [i for i in indexes if len(work.attempts.get(i, ())) >= work.manifest.max_failures]
        if tired:
            texts = [["lost"] for _ in tired]
            runs = [(index, index + 1) for index in tired]
            state.close(work, runs, _failures(batch.task, tired, texts))

    plant(Dispatcher, "_expire", blames)


def _attempt(task: str, index: int, client: str, number: int) -> Attempt:
    return Attempt(task=task, index=index, client=client, error="lost", number=number)


def _failures(task: str, indexes: list[int], errors: list[list[str]]) -> FailureColumns:
    return FailureColumns(task=task, indexes=indexes, errors=errors)


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

    def leaves(self: TaskWork, count: int, max_runs: int, may_retry: Any) -> Any:
        runs = take(self, count, max_runs, may_retry)
        self.ready.add_all(runs)
        return runs

    plant(TaskWork, "take", leaves)


def blocks_overlap(plant: Plant) -> None:
    """The frontier lags behind what was handed out."""
    lease_block = Book.lease_block

    def lags(self: Book, entry: TaskEntry, block: Any, *rest: Any) -> None:
        lease_block(self, entry, block, *rest)
        if block.stop == entry.record.frontier and block.stop - block.start > 2:
            entry.record.frontier -= 1

    plant(Book, "lease_block", lags)


def restart_forgets_what_is_done(plant: Plant) -> None:
    """A manager that starts takes every index of its blocks for open."""
    restore = TaskEntry.restore.__func__  # type: ignore[attr-defined]

    def forgets(cls: type[TaskEntry], loaded: Any, now: float) -> TaskEntry:
        loaded.closed = {}
        entry: TaskEntry = restore(cls, loaded, now)
        return entry

    plant(TaskEntry, "restore", classmethod(forgets))


def tasks_end_one_payload_early(plant: Plant) -> None:
    """A task counts as complete while one payload is open."""
    plant(
        TaskEntry, "open", property(lambda self: max(0, self.record.total - self.record.done - self.record.failed - 1))
    )


def failures_are_never_enough(plant: Plant) -> None:
    """A payload that cannot succeed is tried for ever."""
    fail = TaskWork.fail

    def forgives(self: TaskWork, attempt: Any) -> int:
        fail(self, attempt)
        return 0

    plant(TaskWork, "fail", forgives)


def deliveries_are_not_repeated(plant: Plant) -> None:
    """What a manager never got is taken for sent."""
    lost = Managers.lost

    def forgets(self: Managers, name: str) -> None:
        flights = dict(self._state.outbox.flights)
        lost(self, name)
        for batch, flight in flights.items():
            flight.link = "gone"
            self._state.outbox.flights[batch] = flight

    plant(Managers, "lost", forgets)
    plant(Managers, "resend", lambda self, batch, now: None)


def almost_empty_blocks_are_dropped(plant: Plant) -> None:
    """A block goes with its last open payload still in it."""
    close_in = TaskEntry._close_in

    def hasty(self: TaskEntry, block: Any, start: int, stop: int, closing: Closing) -> None:
        close_in(self, block, start, stop, closing)
        if block.id in self.blocks and len(block.remaining) == 1:
            self.drop(block)
            closing.over.append(block)
            if closing.touched and closing.touched[-1] is block:
                closing.touched.pop()

    plant(TaskEntry, "_close_in", hasty)


def asks_are_not_repeated(plant: Plant) -> None:
    """An Ask that was lost is taken for standing."""
    plant(Demand, "repeat", lambda self, name, now: None)
    plant(Demand, "forget", lambda self, cluster, name: None)


BUGS: list[Bug] = [
    distributor_acknowledges_before_saving,
    manager_commits_without_results,
    repeats_count_again,
    block_leases_never_end,
    assignment_leases_never_end,
    lost_counts_as_failed,
    one_commit_stands_for_all,
    released_payloads_are_lost,
    payloads_stay_ready_when_they_are_handed_out,
    blocks_overlap,
    restart_forgets_what_is_done,
    tasks_end_one_payload_early,
    failures_are_never_enough,
    deliveries_are_not_repeated,
    almost_empty_blocks_are_dropped,
    asks_are_not_repeated,
]
