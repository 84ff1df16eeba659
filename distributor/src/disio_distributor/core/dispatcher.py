"""The distributor's core: one door for events, one decision out.

Rule: pure. Time is an argument (seconds on any steady clock), randomness is the ``boot`` id handed in; what must
last is in the decision's changes before anything about it is in its commands.
"""

from collections.abc import Callable

from disio_distributor.core import commands, tries
from disio_distributor.core.assignments import LEASE
from disio_distributor.core.changes import Change
from disio_distributor.core.commands import Command
from disio_distributor.core.copies import COPY
from disio_distributor.core.delivery import FLIGHT, Delivery
from disio_distributor.core.demand import ASK, Demand
from disio_distributor.core.draining import DRAIN, Drain
from disio_distributor.core.events import (
    ClientJoined,
    ClientLeft,
    ClientSaid,
    DrainAsked,
    Event,
    ManagerAdmitted,
    ManagerLost,
    ManagerSaid,
    OutboxRead,
    SpaceSeen,
    Ticked,
)
from disio_distributor.core.handout import HandOut
from disio_distributor.core.keyring import Keyring
from disio_distributor.core.links import PATIENCE, Link
from disio_distributor.core.listing import client_rows
from disio_distributor.core.managers import FETCH, STATUS, Managers
from disio_distributor.core.obeying import Obeying
from disio_distributor.core.records import Snapshot
from disio_distributor.core.repeats import Repeats
from disio_distributor.core.reports import Reports
from disio_distributor.core.roster import Session
from disio_distributor.core.settings import CoreSettings
from disio_distributor.core.standing import Standing
from disio_distributor.core.state import RECHECK, TIDY, State
from disio_distributor.core.stats import Stats
from disio_distributor.core.storytelling import story
from disio_shared import messages
from disio_shared.decisions import Decision

FULL = "full"
"""Code of the Error that answers results for which the cache has no room."""


class Dispatcher:
    """Decides which client gets which payloads, and keeps what they return until a manager has it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._demand = Demand(state)
        self._managers = Managers(state, self._demand)
        self._delivery = Delivery(state)
        self._repeats = Repeats(state)
        self._hand_out = HandOut(state, self._repeats)
        self._reports = Reports(state, self._repeats)
        self._drain = Drain(state, self._managers, self._demand)
        self._obeying = Obeying(state, self._managers, self._demand, self._drain)
        self._leased = True
        self._due: dict[str, Callable[[str, float], None]] = {
            LEASE: self._expire,
            STATUS: self._managers.status,
            FLIGHT: self._delivery.resend,
            FETCH: self._managers.fetch_again,
            ASK: self._demand.repeat,
            PATIENCE: self._lost_patience,
            RECHECK[0]: self._recheck,
            COPY[0]: self._recheck,
            TIDY[0]: self._tidy,
        }

    @classmethod
    def restore(
        cls, snapshot: Snapshot, settings: CoreSettings, boot: str, now: float, wall: float = 0.0
    ) -> "Dispatcher":
        """Build a dispatcher from what a cache holds.

        Args:
            snapshot: What ``CoreCache.load`` returned. It is the dispatcher's from here on.
            settings: The numbers it decides by.
            boot: Fresh and random for every call, so that tokens and batches of two runs never have one name.
            now: Seconds on the clock that ``handle`` is called with.
            wall: The same moment in seconds since 1970-01-01 UTC; it names when tries ended, and decides nothing.
        """
        dispatcher = cls(State(snapshot, settings, boot, now))
        dispatcher._state.wall_ahead = wall - now
        dispatcher._obeying.restore(now)
        return dispatcher

    def handle(self, event: Event, now: float) -> Decision[Change, Command]:
        """Decide what follows from an event."""
        state = self._state
        state.decision, state.wall = Decision(), state.wall_ahead + now
        timed_out = False
        if isinstance(event, ClientSaid):
            self._client_said(event, now)
        elif isinstance(event, ManagerSaid):
            self._manager_said(event, now)
        elif isinstance(event, Ticked):
            timed_out = self._tick(now)
        elif isinstance(event, SpaceSeen | OutboxRead):
            self._cache_told(event)
        else:
            self._came_or_went(event, now)
        self._follow_up(now, timed_out)
        return state.decision

    def next_deadline(self) -> float | None:
        """Return when a ``Ticked`` is due, or None when nothing is."""
        return self._state.deadlines.first()

    def stats(self, now: float) -> Stats:
        """Return numbers for people and metrics."""
        state = self._state
        works = state.tasks.values()
        return Stats(
            clients=len(state.roster.sessions),
            slots=state.roster.slots,
            kinds=dict(state.roster.kinds),
            rate=state.rate.at(now),
            outbox_entries=state.outbox.entries,
            outbox_results=state.outbox.results,
            outbox_bytes=state.outbox.bytes,
            held_payloads=sum(each.load.open for each in state.clusters.values()),
            assigned_payloads=sum(len(work.assigned) for work in works),
            blocks=len(state.task_of_block),
            tasks=len(state.tasks),
            managers=len(state.links),
            space=state.space.share,
            draining=state.draining,
        )

    @property
    def standing(self) -> Standing:
        """Return what operators want of this distributor."""
        return self._state.standing

    @property
    def keyring(self) -> Keyring:
        """Return the keys that tokens and secrets are made with."""
        return self._state.keyring

    def siblings(self) -> list[str]:
        """Return base URLs of other distributors of the same managers, best first, for Welcome and Redirect."""
        return list(dict.fromkeys(url for link in self._state.links.values() for url in link.siblings))

    def held(self, cluster: str) -> list[messages.BlockRef]:
        """Return all blocks held of one cluster, whoever answers for them, for Join."""
        return self._state.all_refs(cluster)

    # Clients

    def _client_said(self, event: ClientSaid, now: float) -> None:
        state, message = self._state, event.message
        session = state.roster.sessions.get(event.session)
        if session is None:
            # Its ClientJoined is of a time before this core: closed, it comes back and says Hello.
            state.do(commands.CloseClient(event.session))
            return
        if isinstance(message, messages.Ready):
            self._hand_out.ready(session, message, now)
            return
        if isinstance(message, messages.Results | messages.Failed) and not state.space.takes_results:
            self._no_room(session, message.token, event.request, now)
            return
        self._reports.take(session, message, event.request, now)
        self._hand_out.serve_again(session, now)

    def _no_room(self, session: Session, token: str, request: int, now: float) -> None:
        """Let a client keep its results and come again; meanwhile they stay its own."""
        state = self._state
        batch = state.assignments.by_token.get(token)
        if batch is not None and batch.client == session.client:
            state.assignments.extend(batch, now + state.settings.lease_s)
        reason = "the distributor's cache is full; keep the results and send them again"
        if request:
            state.do(commands.Reply(session.name, request, messages.Error(code=FULL, reason=reason)))

    def _joined(self, event: ClientJoined, now: float) -> None:
        state = self._state
        session = Session(event.session, event.client, event.hello, state.settings.max_slots, now, event.platform)
        state.roster.add(session)
        if self._obeying.has_turned_out(session):
            return
        self._reports.adopt(session, event.hello.holding, now)
        if state.draining:
            self._drain.turn_away(session)

    def _left(self, event: ClientLeft, now: float) -> None:
        state = self._state
        if state.roster.remove(event.session) is None:
            return
        for batch in state.assignments.of_session(event.session):
            state.assignments.extend(batch, now + state.settings.grace_s)

    # Managers

    def _manager_said(self, event: ManagerSaid, now: float) -> None:
        link, said = self._state.links.get(event.link), event.message
        if link is None:
            return
        if isinstance(said, messages.Committed):
            self._delivery.committed(said.batch)
        elif isinstance(said, messages.Grant):
            self._managers.granted(link, said, now)
        elif isinstance(said, messages.WorkunitCode):
            self._managers.code(said)
        elif isinstance(said, messages.ListClients):
            self._state.send(link.name, client_rows(self._state, link.cluster, said, now))
        elif isinstance(said, messages.FetchStory):
            self._state.send(link.name, story(self._state, said, now))
        else:
            self._heard(link, said, now)

    def _heard(
        self,
        link: Link,
        said: messages.TaskState
        | messages.Revoke
        | messages.Drain
        | messages.Siblings
        | messages.Managers
        | messages.Adopted
        | messages.Offer
        | messages.Orders,
        now: float,
    ) -> None:
        if isinstance(said, messages.TaskState):
            self._managers.task_state(link.cluster, said)
        elif isinstance(said, messages.Revoke):
            self._managers.revoke(link, said.blocks)
        elif isinstance(said, messages.Adopted):
            self._managers.adopted(link, said.blocks)
        elif isinstance(said, messages.Offer):
            self._demand.offered(link, said)
        elif isinstance(said, messages.Drain):
            self._drain.ask(said.reason, now)
        elif isinstance(said, messages.Orders):
            self._obeying.take(link.cluster, said, now)
        elif isinstance(said, messages.Siblings):
            link.siblings = list(said.urls)

    def _came_or_went(
        self, event: ManagerAdmitted | ManagerLost | ClientJoined | ClientLeft | DrainAsked, now: float
    ) -> None:
        if isinstance(event, ClientJoined | ClientLeft):
            self._joined(event, now) if isinstance(event, ClientJoined) else self._left(event, now)
            self._managers.hurry_status(now)
        elif isinstance(event, ManagerAdmitted):
            self._delivery.lost(event.link)
            self._managers.admitted(event.link, event.admitted, now)
        elif isinstance(event, ManagerLost):
            self._delivery.lost(event.link)
            self._managers.lost(event.link, now)
            self._state.work_appeared = True  # without it there may be results to check
        else:
            self._drain.ask(event.reason, now)

    # The cache

    def _cache_told(self, event: SpaceSeen | OutboxRead) -> None:
        state = self._state
        if isinstance(event, SpaceSeen):
            state.space.seen(event.used, event.limit)
        else:
            self._managers.hand_back(self._delivery.was_read(event))

    # Time

    def _tick(self, now: float) -> bool:
        """Do everything that is due; tell whether a phase of the drain has run out."""
        timed_out = False
        for key in self._state.deadlines.due(now):
            if key == DRAIN:
                timed_out = True
            else:
                self._due[key[0]](key[1], now)
        return timed_out

    def _expire(self, token: str, now: float) -> None:
        batch = self._state.assignments.by_token.get(token)
        if batch is not None:  # else another lease, of its copies, ran out at the same moment and ended it
            tries.lost(self._state, batch)

    def _lost_patience(self, _: str, now: float) -> None:
        """Results of a manager that stays away may go to another one: the pump looks after every event."""

    def _recheck(self, _: str, now: float) -> None:
        self._state.work_appeared = True

    def _tidy(self, _: str, now: float) -> None:
        """Drop tasks that nothing is left of; give back blocks that no client here can work on."""
        state = self._state
        for work in list(state.tasks.values()):
            self._repeats.tidy(work)
            spent = not work.blocks and not work.pending
            work.idle_rounds = work.idle_rounds + 1 if spent else 0
            takers = state.roster.capable(work.manifest)
            stuck = bool(work.open_count) and not any(state.takes_part(each, now) for each in takers)
            work.unservable_rounds = work.unservable_rounds + 1 if stuck else 0
            if work.idle_rounds > 1:
                state.drop_task(work)
            elif work.unservable_rounds > state.settings.unservable_rounds:
                self._managers.give_back(work)
        if state.tasks:
            state.deadlines.set(TIDY, now + state.settings.tidy_s)

    def _follow_up(self, now: float, timed_out: bool) -> None:
        """Do what any event may have made possible."""
        state = self._state
        if state.space.leases and not self._leased:
            state.work_appeared = True
        self._leased = state.space.leases
        while state.work_appeared:
            state.work_appeared = False
            self._hand_out.serve_waiting(now)
        if state.draining:
            self._drain.review(now, timed_out)
        self._obeying.review()
        self._delivery.pump(now)
        self._demand.review(now)
