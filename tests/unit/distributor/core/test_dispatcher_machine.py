"""A dispatcher against a naive model: any order of grants, clients, losses, forgeries, managers and restarts.

The model is in ``model.py``; ``bench.check`` adds what must hold inside.
"""

from typing import Any

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from disio_distributor.core import commands, events
from disio_shared import messages
from disio_shared.messages import BlockGrant, BlockRef
from disio_shared.ranges import runs_of
from tests.unit.distributor.core.bench import check, check_idle, manifest, results_of
from tests.unit.distributor.core.model import BLOCK, MAX_FAILURES, MAX_LOST, MAX_REDUNDANCY, TASKS, Model, is_repeat

CLIENTS = ("ann", "bob", "cid")


class DispatcherMachine(Model, RuleBasedStateMachine):
    """Random lives of a dispatcher."""

    def __init__(self) -> None:
        Model.__init__(self)
        RuleBasedStateMachine.__init__(self)

    @initialize()
    def begin(self) -> None:
        self.manager_comes()
        self.grant("a", 0)
        self.grant("b", 1)
        self.arrive("ann", keep=False)
        self.arrive("bob", keep=False)

    # The manager

    @precondition(lambda self: not self.connected)
    @rule()
    def manager_comes(self) -> None:
        self.connected = True
        self.feed(events.ManagerAdmitted("link", messages.Admitted(
            version=1, cluster="k", manager="m", status_s=5.0, lease_s=60.0)))  # fmt: skip

    @precondition(lambda self: self.connected)
    @rule()
    def manager_goes(self) -> None:
        self.connected = False
        self.feed(events.ManagerLost("link"))

    @precondition(lambda self: self.connected)
    @rule(task=st.sampled_from(TASKS), place=st.integers(0, 3))
    def grant(self, task: str, place: int) -> None:
        block, start = f"{task}{place}", place * BLOCK
        done = [index for index in range(start, start + BLOCK) if (task, index) in self.committed]
        if block in self.held or len(done) == BLOCK:
            return
        self.leases[block] = lease = self.leases.get(block, 0) + 1
        self.held[block] = (task, start, start + BLOCK)
        self.paused.discard(task)  # what blocks are granted of goes on
        grant = BlockGrant(block=block, lease=lease, task=task, start=start, stop=start + BLOCK, done=runs_of(done))
        limits = {"max_failures": MAX_FAILURES, "max_lost": MAX_LOST, "max_redundancy": MAX_REDUNDANCY}
        tasks = [manifest(task, **limits)]
        self.feed(events.ManagerSaid("link", messages.Grant(request=1, tasks=tasks, blocks=[grant])))
        code = messages.WorkunitCode(workunit=tasks[0].workunit, language="javascript", code=b"x")
        self.feed(events.ManagerSaid("link", code))

    @precondition(lambda self: self.connected and self.held)
    @rule(data=st.data(), stale=st.booleans())
    def revoke(self, data: st.DataObject, stale: bool) -> None:
        block = data.draw(st.sampled_from(sorted(self.held)))
        ref = BlockRef(block=block, lease=self.leases[block] - stale)
        if not stale:
            self.forget_block(block)
        self.feed(events.ManagerSaid("link", messages.Revoke(blocks=[ref])))

    @precondition(lambda self: self.connected and self.delivered)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        deliver = data.draw(st.sampled_from(self.delivered))
        parts = [(each.task, each.indexes) for each in deliver.results]
        parts += [(each.task, each.indexes) for each in deliver.failures]
        self.committed |= {(task, index) for task, indexes in parts for index in indexes}
        self.votes_delivered(deliver)
        self.feed(events.ManagerSaid("link", messages.Committed(batch=deliver.batch)))
        undelivered = self.undelivered()
        for block, (task, start, stop) in list(self.held.items()):
            keys = {(task, index) for index in range(start, stop)}
            if keys <= self.committed and not keys & undelivered:
                self.forget_block(block)

    @precondition(lambda self: self.connected)
    @rule(task=st.sampled_from(TASKS), state=st.sampled_from(["paused", "running"]))
    def pause(self, task: str, state: str) -> None:
        if task in self.bench.core._state.tasks:
            (self.paused.add if state == "paused" else self.paused.discard)(task)
            self.feed(events.ManagerSaid("link", messages.TaskState(task=task, state=state)))

    # Clients

    @precondition(lambda self: len(self.sessions) < 4)
    @rule(name=st.sampled_from(CLIENTS), keep=st.booleans())
    def join(self, name: str, keep: bool) -> None:
        self.arrive(name, keep)

    def arrive(self, name: str, keep: bool) -> None:
        """Join, and ask for work at once, as clients do."""
        self.number += 1
        holding = [token for token, owner in self.owner.items() if owner == name] if keep else []
        session = f"{name}#{self.number}"
        self.sessions[session] = name
        hello = messages.Hello(version=1, kind="cli", languages=["javascript"], cores=2, holding=holding)
        for command in self.feed(events.ClientJoined(session, name, hello, "127.0.0.1")):
            if isinstance(command, commands.CloseClient):
                del self.sessions[command.session]
        self.feed(events.ClientSaid(session, messages.Ready(slots=3)))

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(sorted(self.sessions)))
        del self.sessions[session]
        self.feed(events.ClientLeft(session))

    @precondition(lambda self: self.tokens)
    @rule(heir=st.sampled_from(CLIENTS))
    def work_changes_hands(self, heir: str) -> None:
        """A client is gone for longer than the grace time; another gets its work, then it is back."""
        gone = self.owner[self.tokens[-1].token]
        for session in [each for each, name in self.sessions.items() if name == gone]:
            del self.sessions[session]
            self.feed(events.ClientLeft(session))
        self.time_passes(16.0)
        self.arrive(heir, keep=False)
        self.arrive(gone, keep=False)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), slots=st.integers(1, 4))
    def ready(self, data: st.DataObject, slots: int) -> None:
        session = data.draw(st.sampled_from(sorted(self.sessions)))
        self.feed(events.ClientSaid(session, messages.Ready(slots=slots)))

    def drawn(self, data: st.DataObject) -> tuple[str, messages.Assign, list[int]]:
        """Draw a token, mostly of a connected owner, and mostly indexes that it names."""
        connected = set(self.sessions.values())
        usable = [each for each in self.tokens[-20:] if self.owner[each.token] in connected]
        honest = bool(usable) and data.draw(st.integers(0, 5)) > 0
        assign = data.draw(st.sampled_from(usable[-6:] if honest else self.tokens[-6:]))
        owners = [each for each, name in self.sessions.items() if name == self.owner[assign.token]]
        session = data.draw(st.sampled_from(owners if honest else sorted(self.sessions)))
        strangers = st.sampled_from([0, 7, 13, 99])
        index = st.one_of(st.sampled_from(assign.indexes), st.sampled_from(assign.indexes), strangers)
        return session, assign, data.draw(st.lists(index, min_size=1, max_size=5))

    @precondition(lambda self: self.sessions and self.tokens)
    @rule(data=st.data(), flip=st.integers(0, 9), seconds=st.sampled_from([0.0, 0.01, 5.0, float("nan"), -1.0, 1e30]))
    def results(self, data: st.DataObject, flip: int, seconds: float) -> None:
        session, assign, indexes = self.drawn(data)
        token = flipped(assign.token, data) if flip == 0 else assign.token
        theirs = token == assign.token and self.owner[token] == self.sessions[session]
        before, votes = self.open_keys(), sum(map(len, self.computed_by.values()))
        wanted = {(assign.task, index) for index in indexes if theirs and index in assign.indexes} & before
        if is_repeat(token):
            wanted = set()
        stored = self.said(session, results_of(token, indexes, seconds))
        if is_repeat(token):
            assert stored.accepted == sum(map(len, self.computed_by.values())) - votes
        else:
            assert stored.accepted == len(wanted)
        assert before - self.open_keys() == wanted
        self.acked |= wanted

    @precondition(lambda self: self.sessions and self.tokens)
    @rule(data=st.data(), invalid=st.booleans())
    def failed(self, data: st.DataObject, invalid: bool) -> None:
        session, assign, indexes = self.drawn(data)
        batch = self.bench.core._state.assignments.by_token.get(assign.token)
        work = self.bench.core._state.tasks.get(assign.task)
        counts = set()
        if work is not None and self.owner[assign.token] == self.sessions[session] and not is_repeat(assign.token):
            live = set(batch.open.indexes()) if batch is not None else set()
            fresh = {index for index in assign.indexes if work.is_unharmed(index)} if batch is None else set()
            counts = set(indexes) & (live | fresh)
        for index in counts:
            self.fails[assign.task, index] += 1
        count = len(indexes)
        message: Any = messages.Failed(
            token=assign.token, indexes=indexes, errors=["boom"] * count, kinds=["error"] * count
        )
        if invalid:
            message = messages.Results(
                token=assign.token, indexes=indexes, values=[b"{"] * count, seconds=[0.0] * count
            )
        self.said(session, message)
        for index in counts:
            over = self.fails[assign.task, index] >= MAX_FAILURES
            assert ((assign.task, index) in self.closed) == over

    @precondition(lambda self: self.sessions and self.tokens)
    @rule(everybody=st.booleans(), ask=st.booleans())
    def work_is_done(self, everybody: bool, ask: bool) -> None:
        """Clients return all they hold, or one of them does; then they may ask again."""
        state = self.bench.core._state
        for batch in list(state.assignments.by_token.values()) if everybody else self.newest_batches():
            if batch.session in self.sessions and batch.token in state.assignments.by_token:
                keys = {(batch.task, index) for index in batch.open.indexes()}
                self.said(batch.session, results_of(batch.token, list(batch.open.indexes()), 0.1))
                self.acked |= set() if batch.is_repeat else keys
        for session in sorted(self.sessions) if ask else ():
            self.feed(events.ClientSaid(session, messages.Ready(slots=3)))

    def newest_batches(self) -> list[Any]:
        return list(self.bench.core._state.assignments.by_token.values())[-1:]

    @precondition(lambda self: self.sessions and self.tokens)
    @rule(data=st.data())
    def checkpoint(self, data: st.DataObject) -> None:
        session, assign, indexes = self.drawn(data)
        self.said(session, messages.Checkpoint(token=assign.token, index=indexes[0], state=b"[1]"))

    @precondition(lambda self: self.sessions and self.tokens)
    @rule(data=st.data())
    def progress(self, data: st.DataObject) -> None:
        session, assign, _ = self.drawn(data)
        for command in self.feed(events.ClientSaid(session, messages.Progress(
                token=assign.token, indexes=[], fractions=[]))):  # fmt: skip
            if isinstance(command, commands.CloseClient):
                del self.sessions[command.session]

    @precondition(lambda self: self.sessions and self.tokens)
    @rule(data=st.data(), everything=st.booleans())
    def release(self, data: st.DataObject, everything: bool) -> None:
        session, assign, indexes = self.drawn(data)
        self.said(session, messages.Release(tokens=[assign.token], indexes=[[] if everything else indexes]))

    # Time and misfortune

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.5, 6.0, 16.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.bench.now + seconds
        while (deadline := self.bench.core.next_deadline()) is not None and deadline <= until:
            self.bench.now = max(self.bench.now, deadline)
            self.feed(events.Ticked())
            after = self.bench.core.next_deadline()
            assert after is None or after > self.bench.now, "a tick must move time on"
            for block in self.given_back():
                self.forget_block(block)
        self.bench.now = until

    def given_back(self) -> list[str]:
        returns = self.bench.to_manager(messages.Return)
        self.bench.said.clear()
        return [ref.block for each in returns for ref in each.blocks if ref.block in self.held]

    @rule()
    def restart(self) -> None:
        self.bench.restart()
        self.sessions.clear()
        self.delivered.clear()
        self.connected = False

    # What must hold

    @invariant()
    def nothing_is_lost(self) -> None:
        check(self.bench)
        check_idle(self.bench)
        self.check_blocks(self.bench.core._state.tasks)
        self.check_attempts(self.bench.core._state.tasks)


def flipped(token: str, data: st.DataObject) -> str:
    """The token with one character changed."""
    at = data.draw(st.integers(0, len(token) - 1))
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


TestDispatcher = DispatcherMachine.TestCase
TestDispatcher.settings = hypothesis_settings(max_examples=30, stateful_step_count=40, deadline=None)
