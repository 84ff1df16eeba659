"""The manager's core: every fact that comes in passes through ``Coordinator.handle``.

Rule: pure. Given the same events at the same times it decides the same, and an event it refuses changes nothing.
"""

from collections import Counter

import msgspec

from disio_manager.core import (
    events,
    explaining,
    granting,
    growing,
    hooks,
    intake,
    joining,
    ordering,
    retrying,
    sharing,
    verbs,
)
from disio_manager.core.book import Book, Out
from disio_manager.core.changes import Change, PutStretch
from disio_manager.core.commands import Command, Send
from disio_manager.core.counting import Counts
from disio_manager.core.fleet import Fleet
from disio_manager.core.listing import Listing, listing
from disio_manager.core.orders import NOBODY, FleetOrders
from disio_manager.core.records import DistributorRecord, LoadedTask, TaskRecord
from disio_manager.core.settings import CoreSettings
from disio_manager.core.tasks import NOTHING, TaskEntry
from disio_manager.core.views import FleetStats, PayloadView, Standing, TaskView
from disio_shared import messages
from disio_shared.decisions import Decision


class Coordinator:
    """Decides about tasks, blocks and distributors of one cluster."""

    def __init__(self, book: Book, now: float) -> None:
        self._book = book
        self._born = now
        self._unsaved: set[str] = set()
        """Tasks with progress that may not be durable yet."""

    @classmethod
    def restore(
        cls,
        loaded: list[LoadedTask],
        distributors: list[DistributorRecord],
        settings: CoreSettings,
        now: float,
        wall: float,
        orders: FleetOrders = NOBODY,
    ) -> "Coordinator":
        """Build the core from what a store holds.

        Args:
            loaded: Every open task.
            distributors: Every distributor ever seen; all are away until they join.
            settings: Limits and durations.
            now: Steady time, seconds.
            wall: The same moment as seconds since 1970.
            orders: What operators want of the fleet.
        """
        book = Book(settings, Fleet(distributors, settings, wall, orders), wall - now)
        for task in loaded:
            entry = TaskEntry.restore(task, settings.manager, now)
            book.put_entry(entry, now)
            is_behind = entry.spent or entry.stretches.behind(entry.record.retries)
            if is_behind or entry.is_complete or entry.has_failed_enough or entry.has_found_enough:
                book.unsettled.add(entry.id)
        return cls(book, now)

    def handle(self, event: events.Event, now: float) -> Decision[Change, Command]:
        """Decide what follows from an event at ``now`` (steady seconds).

        Raises:
            TaskNotFound, IllegalVerb, InvalidDocument, DistributorNotFound, MalformedMessage: The event is refused.
        """
        out: Out = Decision()
        at = getattr(event, "at", None)
        if at is not None:
            self._book.offset = at - now
        self._route(event, now, now + self._book.offset, out)
        self._do_due(now, out)
        if self._book.is_woken:
            granting.serve_waiting(self._book, now, out)
        if self._book.spent:
            granting.offer_more(self._book, out)
        if self._book.fresh:
            granting.offer_fresh(self._book, out)
        self._unsaved.update(change.record.task for change in out.changes if isinstance(change, PutStretch))
        return out

    def saved(self) -> None:
        """Know that whatever was decided until now is durable: views may show it."""
        for task in self._unsaved:
            entry = self._book.tasks.get(task)
            if entry is not None:
                entry.unsaved = NOTHING
        self._unsaved.clear()

    def next_deadline(self) -> float | None:
        """Return the steady time of the next lease's, task's or claim's end, or None when nothing is due."""
        if self._book.unsettled:
            return self._born
        ends = (self._book.leases.first(), self._book.first_expiry(), min(self._book.vain.values(), default=None))
        return min((end for end in ends if end is not None), default=None)

    def _route(self, event: events.Event, now: float, wall: float, out: Out) -> None:
        match event:
            case events.MessageArrived():
                self._on_message(event, now, out)
            case events.TaskCreated():
                verbs.on_created(self._book, event, now, out)
            case events.TaskCommanded():
                verbs.on_commanded(self._book, event, now, out)
            case events.TaskEdited() | events.HooksChanged() | events.TaskGrown():
                self._on_change(event, wall, out)
            case events.Ticked():
                return  # what is due is done after every event
            case events.StretchClaimed() | events.StretchesTaken() | events.ClusterSeen():
                sharing.on_cluster(self._book, event, now, out)
            case _:
                self._on_fleet(event, now, out)

    def _on_change(
        self, event: events.TaskEdited | events.HooksChanged | events.TaskGrown, wall: float, out: Out
    ) -> None:
        match event:
            case events.TaskEdited():
                verbs.on_edited(self._book, event, wall, out)
            case events.HooksChanged():
                hooks.on_changed(self._book, event, out)
            case events.TaskGrown():
                growing.on_grown(self._book, event, out)

    def _on_fleet(
        self,
        event: events.DistributorJoined | events.DistributorLeft | events.FleetOrdered,
        now: float,
        out: Out,
    ) -> None:
        match event:
            case events.DistributorJoined():
                joining.on_join(self._book, event.session, event.join, now, event.at, out)
            case events.DistributorLeft():
                joining.on_leave(self._book, event.session, event.at, out)
            case events.FleetOrdered():
                ordering.on_ordered(self._book, event.orders, out)

    def _on_message(self, event: events.MessageArrived, now: float, out: Out) -> None:
        book, known = self._book, self._book.fleet.of(event.session)
        if known is None:
            # After a failed commit the core is new and knows no session.
            unjoined = messages.Error(code="unjoined", reason="this session has not joined: say Join first")
            out.commands.append(Send(event.session, unjoined))
            return
        match event.message:
            case messages.Deliver():
                intake.on_deliver(book, known, event.message, now, event.at, out)
            case messages.Ask():
                granting.on_ask(book, known, event.message, event.fresh, now, out)
            case messages.Status():
                joining.on_status(book, known, event.message, now, event.at, out)
                granting.look_again(book, known, now, out)
            case messages.Return():
                joining.on_return(book, known, event.message, out)

    def _do_due(self, now: float, out: Out) -> None:
        """End what is over: leases, tasks past their deadline, tasks that were complete when they were loaded."""
        book, wall = self._book, now + self._book.offset
        for task in list(book.unsettled):
            book.unsettled.discard(task)
            if task in book.tasks:
                retrying.catch_up(book, book.tasks[task], out)
                book.settle(book.tasks[task], wall, out)
        for entry in book.expired(wall):
            book.end_task(entry, "expire", wall, out)
        book.resume_claims(now)
        for _, block in book.leases.take_due(now):
            found = book.find(block)
            if found is not None:
                book.free_block(*found, out)

    # Views

    def task_view(self, task_id: str, now: float) -> TaskView | None:
        """Return an open task with its live numbers, or None: closed ones are in the store."""
        entry = self._book.tasks.get(task_id)
        return None if entry is None else _view(entry, now)

    def task_views(self, now: float) -> list[TaskView]:
        """Return every open task, newest first."""
        entries = sorted(self._book.tasks.values(), key=lambda entry: -entry.record.number)
        return [_view(entry, now) for entry in entries]

    def fleet(self) -> list[DistributorRecord]:
        """Return every distributor ever seen, those online first, then by name."""
        return sorted(self._book.fleet.rows(), key=lambda row: (row.state == "offline", row.name, row.id))

    def stats(self, now: float) -> FleetStats:
        """Return the whole cluster in a few numbers."""
        entries, online = self._book.tasks.values(), self._book.fleet.online()
        states = {"queued": 0, "running": 0, "paused": 0}
        for entry in entries:
            states[entry.record.state] += 1
        return FleetStats(
            rate=sum(entry.meter.rate(now) for entry in entries),
            clients=sum(one.record.clients for one in online),
            kinds=_kinds(self._book.fleet),
            queue=sum(entry.open for entry in entries if entry.record.state != "paused"),
            slots=sum(one.record.slots for one in online),
            distributors=len(online),
            tasks=states,
        )

    def standing(self) -> Standing:
        """Return what this manager alone has."""
        book = self._book
        queue = {
            entry.id: (entry.stretches.own_open, entry.unclaimed)
            for entry in book.tasks.values()
            if entry.record.state != "paused"
        }
        slots = sum(one.record.slots for one in book.fleet.online())
        return Standing(kinds=_kinds(book.fleet), slots=slots, queue=queue)

    def record(self, task_id: str) -> TaskRecord | None:
        """Return an open task as it is written, for who reads it there and then."""
        entry = self._book.tasks.get(task_id)
        return None if entry is None else entry.record

    def counted(self) -> tuple[Counts, dict[str, Counts]]:
        """Return what came of payloads since this memory began: of all tasks together, and of the last ones each."""
        counting = self._book.counting
        return msgspec.structs.replace(counting.total), {
            task: msgspec.structs.replace(counts) for task, counts in counting.tasks.items()
        }

    def explain(self, task_id: str, now: float) -> list[str]:
        """Return sentences that tell why an open task is or is not progressing.

        Raises:
            TaskNotFound: It is closed or unknown.
        """
        return explaining.explain(self._book, self._book.task(task_id), now)

    def payload_view(self, task_id: str, index: int, now: float) -> PayloadView:
        """Return where one payload of an open task stands.

        Raises:
            TaskNotFound: It is closed or unknown.
        """
        return explaining.payload_view(self._book, self._book.task(task_id), index, now)

    def listing(self, task_id: str, is_leased: bool, start: int, limit: int) -> Listing:
        """Return payloads of an open task that are handed out, or that wait, from an index on.

        Raises:
            TaskNotFound: It is closed or unknown.
        """
        return listing(self._book.task(task_id), is_leased, start, limit)

    def open_tasks(self) -> list[str]:
        """Return the ids of all open tasks."""
        return list(self._book.tasks)

    def chained(self) -> list[TaskRecord]:
        """Return the open tasks that other tasks' results are still to become payloads of, and this manager grows."""
        return [record for record in self._grown() if record.source]

    def given(self) -> list[TaskRecord]:
        """Return the open tasks that may still be given payloads, and that this manager grows."""
        return [record for record in self._grown() if not record.source]

    def _grown(self) -> list[TaskRecord]:
        entries = (each for each in self._book.tasks.values() if each.record.growing)
        return [each.row() for each in entries if 0 in each.stretches.own]

    def strangers(self) -> list[str]:
        """Return owners of stretches that are neither this manager nor a live one: they are to be taken over from."""
        return sharing.strangers(self._book)

    def distributor_of(self, session: str) -> str | None:
        """Return the id of the distributor on a session."""
        known = self._book.fleet.of(session)
        return None if known is None else known.record.id


def _kinds(fleet: Fleet) -> dict[str, int]:
    """Return the clients of distributors that are online here, by kind."""
    found: Counter[str] = Counter()
    for one in fleet.online():
        found.update(one.record.kinds)
    return dict(found)


def _view(entry: TaskEntry, now: float) -> TaskView:
    rate = entry.meter.rate(now)
    return TaskView(
        record=entry.durable_row(),
        leased=entry.leased,
        ready=entry.unleased,
        blocks=len(entry.blocks),
        distributors=len(entry.holders),
        rate=rate,
        eta_s=entry.open / rate if rate > 1e-6 else None,
    )
