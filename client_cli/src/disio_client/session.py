"""The client's side of the client link: what to ask, run, report and give back.

Rule: pure. Every unit of an Assign ends exactly once: reported, released, or cancelled by the distributor.
docs/protocol.md, "Client link" and "Inside a client", is the specification.
"""

from collections.abc import Callable
from typing import Any

from disio_client import events as ev
from disio_client.checks import assign_problem, is_http, part_by_size, units_of
from disio_client.holdback import PASSING, Holdback
from disio_client.leaving import Leaving
from disio_client.needed_code import NeededCode
from disio_client.offer import Offer
from disio_client.outbox import Outbox
from disio_client.workload import Workload
from disio_shared import messages as msg
from disio_shared.abilities import in_words
from disio_shared.decisions import Decision

HELLO = 0
"""Number of the acknowledged Hello; the outbox counts from 1."""
GREETING_S = 10.0
ACK_S = 30.0
"""A connection on which an acknowledgement takes longer is taken for dead."""
HOLD_S = 10.0
"""No new work for so long after work that could not be started."""
MAX_BACKLOG = 16
MAX_BACKLOG_BYTES = 64 << 20
MAX_ERROR_CHARS = 4000
BATCHES_PER_SLOT = 4
"""A client asks for no more while it holds this many batches per slot, and two."""

Handler = Callable[[Any, float], None]
Uniform = Callable[[float, float], float]


class Session:
    """One client and its distributor, across any number of connections.

    Args:
        hello: What it says of itself.
        slots: Units it runs at a time.
        uniform: Draws a delay between two bounds, in seconds; without one there is no jitter.
    """

    def __init__(self, hello: msg.Hello, slots: int, uniform: Uniform = max) -> None:
        self.work = Workload(slots)
        self.outbox = Outbox()
        self._offer, self._slots = Offer(hello), slots
        self._codes = NeededCode()
        self._holdback = Holdback(uniform)
        self._leaving: Leaving | None = None
        self._welcome: msg.Welcome | None = None
        """The distributor's word on this connection; None until it came."""
        self._greeting_ends: float | None = None
        self._has_identity = False
        self._asked = self._paused = self._saw_error = False
        self._hold_until = 0.0
        self._out: Decision[ev.Change, ev.Command] = Decision()
        self._handlers: dict[type, Handler] = {
            ev.Connected: self._on_connected,
            ev.Disconnected: lambda _event, _now: self._go_offline(),
            ev.Received: lambda event, now: self._on_message(event.message, now),
            ev.Acknowledged: self._on_acknowledged,
            ev.CodeReady: lambda event, _now: self._codes.arrived(event.workunit),
            ev.CodeMissing: self._on_code_missing,
            ev.SlotUp: self._on_slot_up,
            ev.SlotLost: self._on_slot_lost,
            ev.UnitsDone: self._on_done,
            ev.UnitsFailed: self._on_failed,
            ev.StateSaved: self._on_state,
            ev.UnitProgressed: self._on_progress,
            ev.RunFinished: self._on_finished,
            ev.LeaveAsked: lambda event, now: self._leave(event.patience_s, "", now),
            ev.Tick: lambda _event, _now: None,
        }
        self._messages: dict[type, Handler] = {
            msg.Assign: self._on_assign,
            msg.Cancel: self._on_cancel,
            msg.Idle: lambda message, _now: self._say("idle", f"no work right now: {message.reason}"),
            msg.Pause: self._on_pause,
            msg.Resume: self._on_resume,
            msg.Redirect: lambda message, now: self._leave(Leaving.PATIENCE_S, message.url, now),
            msg.Error: self._on_error,
        }

    @property
    def is_online(self) -> bool:
        return self._welcome is not None

    def handle(self, event: ev.Event, now: float) -> Decision[ev.Change, ev.Command]:
        """Decide what follows from ``event`` at ``now``, in seconds on any steady clock."""
        self._out = Decision()
        self._handlers[type(event)](event, now)
        self._advance(now)
        return self._out

    def next_deadline(self) -> float | None:
        """Return when a ``Tick`` is due at the latest, or None."""
        times = [self._greeting_ends, self._codes.next_deadline(), self._offer.next_deadline()]
        if self._leaving is not None:
            times.append(self._leaving.next_deadline())
        if self._welcome is not None:
            oldest = self.outbox.oldest_sent()
            times += [None if oldest is None else oldest + ACK_S, self.outbox.next_deadline()]
            times.append(self._holdback.next_deadline())
            times += [batch.beat_due(self._beat_period_s) for batch in self.work.batches.values()]
            times.append(self._hold_until if self._hold_until else None)
        known = [at for at in times if at is not None]
        return min(known) if known else None

    def _do(self, *commands: ev.Command) -> None:
        self._out.commands.extend(commands)

    def _say(self, topic: str, text: str) -> None:
        self._do(ev.Say(topic, text))

    # Connection

    def _on_connected(self, event: ev.Connected, now: float) -> None:
        self._go_offline()
        self._greeting_ends = now + GREETING_S
        self._has_identity = bool(event.client_id)
        holding = sorted(self.outbox.tokens() | set(self.work.batches))
        self._do(ev.SendAcked(HELLO, self._offer.hello(event.client_id, event.secret, holding)))

    def _go_offline(self) -> None:
        given_up = self.outbox.connection_lost(self._saw_error)
        if given_up:
            self._say("refused", f"{len(given_up)} messages were refused again and again, and are dropped")
        self._welcome = self._greeting_ends = None
        self._asked = self._paused = self._saw_error = False

    def _reconnect(self, command: ev.Reconnect) -> None:
        self._go_offline()
        self._do(command)

    def _on_acknowledged(self, event: ev.Acknowledged, now: float) -> None:
        if event.number == HELLO:
            self._on_greeting(event.answer, now)
            return
        answer = event.answer
        if isinstance(answer, msg.Error) and answer.code in PASSING:
            self._on_no_room(event.number, answer.reason, now)
            return
        message = self.outbox.acknowledged(event.number)
        if isinstance(answer, msg.Error):
            self._say("refused", f"the distributor refused a message: {answer.reason}")
        elif isinstance(message, msg.Results | msg.Failed) and self._holdback.accepted():
            self._say("room", "the distributor takes results again")
        is_dead = isinstance(answer, msg.Stored) and answer.dead
        if is_dead and message is not None and not isinstance(message, msg.Release | msg.Hello | msg.Ready):
            self._drop(message.token)

    def _on_no_room(self, number: int, reason: str, now: float) -> None:
        """Keep what the distributor has no room for, and send it again later."""
        if self.outbox.refused(number):
            wait_s = self._holdback.refused(reason, now)
            self._say("room", f"results are kept and sent again in {wait_s:.0f} s: {reason}")

    def _on_greeting(self, answer: msg.ToClient, now: float) -> None:
        if self._greeting_ends is None:
            return
        if isinstance(answer, msg.Welcome):
            self._on_welcome(answer, now)
        elif isinstance(answer, msg.Refused):
            self._on_refused(answer)
        elif isinstance(answer, msg.Redirect) and is_http(answer.url):
            self._abandon()
            self._say("redirect", f"sent on to {answer.url}: {answer.reason}")
            self._reconnect(ev.Reconnect(url=answer.url))
        else:
            self._say("refused", f"the distributor answered the greeting with {type(answer).__name__}")
            self._reconnect(ev.Reconnect())

    def _on_welcome(self, welcome: msg.Welcome, now: float) -> None:
        self._welcome, self._greeting_ends = welcome, None
        self._hold_until = 0.0
        self._out.changes.append(ev.IdentityGiven(welcome.client_id, welcome.secret))
        self._do(ev.Welcomed(welcome.distributor))
        for batch in self.work.batches.values():
            batch.beat_at = now

    def _on_refused(self, refused: msg.Refused) -> None:
        if refused.code == "token" and self._has_identity:
            self._out.changes.append(ev.IdentityForgotten())
            self._reconnect(ev.Reconnect())
        elif refused.retry_after_s < 0:
            self._do(ev.GiveUp(refused.code, refused.reason))
        else:
            self._say("refused", f"not let in for {refused.retry_after_s:.0f} s: {refused.reason}")
            self._reconnect(ev.Reconnect(after_s=refused.retry_after_s))

    def _on_message(self, message: msg.ToClient, now: float) -> None:
        handler = self._messages.get(type(message))
        if handler is not None and self._welcome is not None:
            handler(message, now)

    def _on_error(self, message: msg.Error, _now: float) -> None:
        self._saw_error = True
        self._say("refused", f"the distributor refused a message: {message.reason}")

    def _on_pause(self, message: msg.Pause, _now: float) -> None:
        self._paused = True
        self._say("pause", f"paused by the distributor: {message.reason}")

    def _on_resume(self, _message: msg.Resume, _now: float) -> None:
        self._paused = False
        self._say("pause", "the distributor goes on")

    # Work

    def _on_assign(self, assign: msg.Assign, now: float) -> None:
        problem = self._problem(assign)
        self._asked = False
        if problem:
            self._hold_until = now + HOLD_S
            self._say("assign", f"work given back: {problem}")
            self.outbox.add_release([assign.token], [assign.indexes])
        elif assign.token not in self.work.batches:
            self.work.add(assign, now)
            self._codes.need(assign.workunit, assign.language)

    def _problem(self, assign: msg.Assign) -> str:
        """Return why this batch cannot be taken, or nothing."""
        if self._leaving is not None:
            return "this client is leaving"
        if not self._asked:
            return "it was not asked for"
        return assign_problem(assign, self._offer.languages)

    def _on_cancel(self, cancel: msg.Cancel, _now: float) -> None:
        tokens = cancel.tokens or [t for t, b in self.work.batches.items() if b.assign.task == cancel.task]
        for token, units in units_of(tokens, cancel.indexes):
            if units:
                self.outbox.drop_units(token, units)
                self.work.drop_units(token, units)
            else:
                self._drop(token)

    def _drop(self, token: str) -> None:
        self.outbox.drop(token)
        self._do(*(ev.StopSlot(slot) for slot in self.work.drop(token)))

    def _abandon(self) -> None:
        for token in list(self.outbox.tokens() | set(self.work.batches)):
            self._drop(token)
        self._holdback.accepted()

    def _on_code_missing(self, event: ev.CodeMissing, now: float) -> None:
        if self._codes.missing(event.workunit, event.is_final, now):
            return
        self._hold_until = now + HOLD_S
        problem = f"what it needs cannot be had: {event.reason}"
        for token, indexes in self.work.take_batches_of(event.workunit, event.language).items():
            self.outbox.add_release([token], [indexes])
        if event.language:
            wait_s = self._offer.withdraw(event.language, now)
            problem = f"no {in_words(event.language)} here for {wait_s:.0f} s: {event.reason}"
            self._reconnect(ev.Reconnect())
        self._say("code", f"work given back: {problem}")

    # Slots

    def _on_slot_up(self, event: ev.SlotUp, _now: float) -> None:
        self.work.slots.setdefault(event.slot, None)

    def _on_slot_lost(self, event: ev.SlotLost, _now: float) -> None:
        self.work.lose(event.slot)
        self._say("slot", f"slot {event.slot} has no engine: {event.reason}")

    def _on_done(self, event: ev.UnitsDone, now: float) -> None:
        run = self.work.run_of(event.slot, event.run)
        if run is None:
            return
        kept = self.work.answer(run, event.indexes)
        limit = self._welcome.max_result_bytes if self._welcome else 0
        kept, large = part_by_size(event.values, kept, limit)
        if large:
            texts = [f"the result has {len(event.values[at])} bytes, over the limit of {limit}" for at in large]
            indexes = [event.indexes[at] for at in large]
            self.outbox.add_failed(run.token, indexes, texts, ["result"] * len(large), now, event.logs)
        columns = (event.indexes, event.values, event.seconds)
        if len(kept) != len(event.indexes):
            columns = tuple([column[at] for at in kept] for column in columns)  # type: ignore[assignment]
        self.outbox.add_done(run.token, *columns, now, event.logs)

    def _on_failed(self, event: ev.UnitsFailed, now: float) -> None:
        run = self.work.run_of(event.slot, event.run)
        if run is None:
            return
        kept = self.work.answer(run, event.indexes)
        errors = [event.errors[at][:MAX_ERROR_CHARS] for at in kept]
        kinds = [event.kinds[at] for at in kept]
        self.outbox.add_failed(run.token, [event.indexes[at] for at in kept], errors, kinds, now, event.logs)

    def _on_state(self, event: ev.StateSaved, _now: float) -> None:
        run = self.work.run_of(event.slot, event.run)
        if run is None or event.index not in run.open:
            return
        limit = self._welcome.max_state_bytes if self._welcome else len(event.state)
        if len(event.state) > limit:
            self._say("state", f"a saved state of {len(event.state)} bytes is over the limit of {limit}")
            return
        self.work.batches[run.token].states[event.index] = event.state
        self.outbox.add_state(run.token, event.index, event.state)

    def _on_progress(self, event: ev.UnitProgressed, _now: float) -> None:
        run = self.work.run_of(event.slot, event.run)
        if run is not None and event.index in run.open:
            self.work.batches[run.token].fractions[event.index] = min(1.0, max(0.0, event.fraction))

    def _on_finished(self, event: ev.RunFinished, now: float) -> None:
        if self.work.run_of(event.slot, event.run) is not None:
            self.work.finish(event.slot, now)

    def _leave(self, patience_s: float, url: str, now: float) -> None:
        if self._leaving is not None or (url and not is_http(url)):
            return
        self._leaving = Leaving(patience_s, url, self.is_online, now)

    # What follows from the state as it is now

    def _advance(self, now: float) -> None:
        self._check_peer(now)
        if self._holdback.reason:
            self._holdback.advance(len(self.outbox), now)
        for slot in self.work.take_doomed():
            self._do(ev.StopSlot(slot))
        for token in [token for token, batch in self.work.batches.items() if batch.is_finished]:
            del self.work.batches[token]
            self.outbox.seal(token)
            self.outbox.forget_times(token)
        self._do(*self._codes.commands(self.work.needed_codes(), now))
        if self._leaving is not None:
            self._leave_on(self._leaving, now)
        elif self.work.batches and not self._paused and not self.outbox.is_full:
            self._feed(now)
        if self._welcome is not None:
            for number, message in self.outbox.take(now, self._holdback.is_on):
                self._do(ev.SendAcked(number, message))
            self._beat(now)
            self._ask(now)

    def _check_peer(self, now: float) -> None:
        oldest = self.outbox.oldest_sent()
        if self._offer.is_larger(now) and self._welcome is not None and self._leaving is None:
            self._reconnect(ev.Reconnect())
        elif self._greeting_ends is not None and now >= self._greeting_ends:
            self._say("connection", f"no answer to the greeting within {GREETING_S:.0f} s")
            self._reconnect(ev.Reconnect())
        elif self._welcome is not None and oldest is not None and now >= oldest + ACK_S:
            self._say("connection", f"no acknowledgement within {ACK_S:.0f} s")
            self._reconnect(ev.Reconnect())

    def _leave_on(self, leaving: Leaving, now: float) -> None:
        end = leaving.advance(self.work, self.outbox, now)
        self._do(*end.commands)
        if end.is_over and leaving.url:
            self._leaving = None
            self._abandon()
            self._reconnect(ev.Reconnect(url=leaving.url))
        elif end.is_over:
            self._do(leaving.farewell())

    def _feed(self, now: float) -> None:
        for slot, run in list(self.work.slots.items()):
            if run is None:
                start = self.work.start(slot, self._codes.ready, now)
                if start is None:
                    return
                self._do(start)

    def _ask(self, now: float) -> None:
        if now >= self._hold_until:
            self._hold_until = 0.0
        is_held = self._hold_until or self._holdback.reason
        if self._asked or self._paused or self._leaving or is_held or not self.work.slots:
            return
        unstarted = self.work.unstarted()
        if self.work.last_batch and 2 * unstarted >= self.work.last_batch:
            return
        if len(self.work.batches) >= BATCHES_PER_SLOT * self._slots + 2:
            return
        if self.outbox.backlog() >= MAX_BACKLOG or self.outbox.backlog_bytes() >= MAX_BACKLOG_BYTES:
            return
        self._asked = True
        self._do(ev.Send(msg.Ready(slots=self._slots, queued=unstarted)))

    @property
    def _beat_period_s(self) -> float:
        # Some slack, so that a beat that is due arrives before the distributor counts it late.
        return 0.7 * self._welcome.heartbeat_s if self._welcome else GREETING_S

    def _beat(self, now: float) -> None:
        for batch in self.work.batches.values():
            if now >= batch.beat_due(self._beat_period_s):
                self._do(ev.Send(batch.beat(now)))
