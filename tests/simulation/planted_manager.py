"""Bugs on purpose in the manager's core, one at a time, to see that the simulation notices.

Rule: a planted bug replaces one method or function of the real code and nothing else.
"""

from typing import Any

from disio_manager.core import changes, growing, intake, retrying, splitting, verbs
from disio_manager.core.book import Book
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.leases import LeaseTable
from disio_manager.core.tasks import Closing, TaskEntry
from tests.simulation.planting import Bug, Plant


def manager_commits_without_results(plant: Plant) -> None:
    """A batch is answered with Committed, but its results are not in the decision."""
    handle = Coordinator.handle

    def forgets(self: Coordinator, event: Any, now: float) -> Any:
        decision = handle(self, event, now)
        decision.changes = [c for c in decision.changes if not isinstance(c, changes.AddResults)]
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


def blocks_overlap(plant: Plant) -> None:
    """The frontier lags behind what was handed out."""
    lease_block = Book.lease_block

    def lags(self: Book, entry: TaskEntry, block: Any, *rest: Any) -> None:
        lease_block(self, entry, block, *rest)
        stretch = entry.stretches.own[0]
        if block.stop == stretch.frontier and block.stop - block.start > 2:
            entry.stretches.cut(stretch, stretch.frontier - 1)

    plant(Book, "lease_block", lags)


def restart_forgets_what_is_done(plant: Plant) -> None:
    """A manager that starts takes every index of its blocks for open."""
    restore = TaskEntry.restore.__func__  # type: ignore[attr-defined]

    def forgets(cls: type[TaskEntry], loaded: Any, me: str, now: float) -> TaskEntry:
        loaded.closed = {}
        entry: TaskEntry = restore(cls, loaded, me, now)
        return entry

    plant(TaskEntry, "restore", classmethod(forgets))


def tasks_end_one_payload_early(plant: Plant) -> None:
    """A task counts as complete while one payload is open."""
    plant(
        TaskEntry, "open", property(lambda self: max(0, self.record.total - self.record.done - self.record.failed - 1))
    )


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


def leases_go_by_the_wall_clock(plant: Plant) -> None:
    """When somebody sets the clock, leases end at once, or in a year."""
    extend, handle, offset = LeaseTable.extend, Coordinator.handle, {"s": 0.0}

    def notes(self: Coordinator, event: Any, now: float) -> Any:
        at = getattr(event, "at", None)
        offset["s"] = self._book.offset if at is None else at - now
        return handle(self, event, now)

    plant(Coordinator, "handle", notes)
    plant(LeaseTable, "extend", lambda self, task, block, now: extend(self, task, block, now + offset["s"] - 1.7e9))


def deadlines_are_ignored(plant: Plant) -> None:
    """A task goes on after its deadline."""
    plant(Book, "first_expiry", lambda self: None)
    plant(Book, "expired", lambda self, wall: [])


def deleted_tasks_come_back(plant: Plant) -> None:
    """Results that come late for a deleted task are counted all the same."""
    delete, forget = verbs._delete, Book.forget

    def keeps(book: Book, record: Any, out: Any) -> None:
        plant(Book, "forget", lambda self, entry: None)
        delete(book, record, out)
        plant(Book, "forget", forget)

    plant(verbs, "_delete", keeps)


def task_failures_are_not_counted(plant: Plant) -> None:
    """A task goes on however many of its payloads fail."""

    def goes_on(self: Book, entry: TaskEntry, wall: float, out: Any) -> bool:
        if entry.open:
            return False
        self.end_task(entry, "fail" if entry.record.failed else "complete", wall, out)
        return True

    plant(Book, "settle", goes_on)


def retries_forget_payloads(plant: Plant) -> None:
    """What failed last is not queued again with the others."""
    spans_of = splitting.retry_spans

    def forgets(*task: Any) -> Any:
        inside, spans = spans_of(*task)
        return inside, spans[:-1]

    plant(retrying, "retry_spans", forgets)


def searches_end_with_the_next_event(plant: Plant) -> None:
    """A task that has found enough is ended after the results are stored, not with them."""
    settle = Book.settle

    def later(self: Book, entry: TaskEntry, wall: float, out: Any) -> bool:
        if entry.has_found_enough and entry.open:
            self.unsettled.add(entry.id)
            return False
        return settle(self, entry, wall, out)

    plant(Book, "settle", later)


def finds_are_not_stored(plant: Plant) -> None:
    """What is found is counted, and not in the decision."""
    results = intake._results

    def forgets(part: Any, known: Any, at: float, found: Any = ()) -> Any:
        return results(part, known, at)

    plant(intake, "_results", forgets)


def restart_forgets_what_was_found(plant: Plant) -> None:
    """A manager that starts begins the search anew."""
    restore = TaskEntry.restore.__func__  # type: ignore[attr-defined]

    def forgets(cls: type[TaskEntry], loaded: Any, me: str, now: float) -> TaskEntry:
        for stretch in loaded.stretches:
            stretch.matched = 0
        entry: TaskEntry = restore(cls, loaded, me, now)
        return entry

    plant(TaskEntry, "restore", classmethod(forgets))


def growing_tasks_end_with_what_they_have(plant: Plant) -> None:
    """A task that may get more payloads is complete when those it has are closed."""
    plant(
        TaskEntry,
        "is_complete",
        property(lambda self: self.open == 0 and self.stretches.agree(self.record.retries)),
    )


def growth_is_taken_in_again(plant: Plant) -> None:
    """A task becomes longer whenever its log is told of, known or not."""
    take = growing.take_growth

    def doubles(book: Book, entry: TaskEntry, growth: Any, at: float, out: Any) -> None:
        before = entry.record.total
        take(book, entry, growth, at, out)
        if entry.id in book.tasks and entry.record.total > before:
            entry.grow(1)

    plant(growing, "take_growth", doubles)


BUGS: list[Bug] = [
    manager_commits_without_results,
    repeats_count_again,
    block_leases_never_end,
    blocks_overlap,
    restart_forgets_what_is_done,
    tasks_end_one_payload_early,
    almost_empty_blocks_are_dropped,
    leases_go_by_the_wall_clock,
    deadlines_are_ignored,
    deleted_tasks_come_back,
    task_failures_are_not_counted,
    retries_forget_payloads,
    searches_end_with_the_next_event,
    finds_are_not_stored,
    restart_forgets_what_was_found,
    growing_tasks_end_with_what_they_have,
    growth_is_taken_in_again,
]
