"""A dispatcher on a bench: events go in by hand, time is moved by hand, a cache in memory takes the changes."""

from collections import Counter
from typing import Any, TypeVar

import msgspec

from disio_distributor.core import changes, commands, events
from disio_distributor.core.changes import Change
from disio_distributor.core.commands import Command
from disio_distributor.core.dispatcher import Dispatcher
from disio_distributor.core.records import OutboxEntry, Snapshot
from disio_distributor.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.decisions import Decision
from disio_shared.messages import BlockGrant, TaskManifest
from disio_shared.ranges import Run

MessageT = TypeVar("MessageT")
CODE = "c" * 64


def manifest(task: str = "t", **changed: Any) -> TaskManifest:
    """A task of integers."""
    fields: dict[str, Any] = {
        "task": task,
        "name": f"task {task}",
        "workunit": CODE,
        "language": "javascript",
        "payloads": b'{"range":[0,1000000]}',
        "kinds": ["web", "cli"],
    }
    return TaskManifest(**{**fields, **changed})


def hello(**changed: Any) -> messages.Hello:
    """A command-line client that runs everything on two cores."""
    fields: dict[str, Any] = {"version": 1, "kind": "cli", "languages": ["javascript", "wasm", "python"], "cores": 2}
    return messages.Hello(**{**fields, **changed})


def admitted(cluster: str = "k", **changed: Any) -> messages.Admitted:
    """A manager's welcome."""
    fields: dict[str, Any] = {"version": 1, "cluster": cluster, "manager": "m", "status_s": 5.0, "lease_s": 60.0}
    return messages.Admitted(**{**fields, **changed})


class MemoryCache:
    """What a cache keeps, as one snapshot."""

    def __init__(self) -> None:
        self.held = Snapshot(distributor_id="d", token_key=b"k" * 32)
        self.entries: dict[int, OutboxEntry] = {}

    @property
    def outbox(self) -> list[OutboxEntry]:
        """The outbox, by id."""
        return [self.entries[head.id] for head in self.held.outbox]

    def commit(self, asked: list[Change]) -> None:
        """Apply changes."""
        for change in asked:
            self._apply(change)

    def load(self) -> Snapshot:
        """Return an independent copy, as if read from a disk."""
        return msgspec.msgpack.decode(msgspec.msgpack.encode(self.held), type=Snapshot)

    def _apply(self, change: Change) -> None:
        held = self.held
        match change:
            case changes.AddOutbox(entry, head):
                assert entry.id == head.id
                held.outbox = [each for each in held.outbox if each.id != head.id] + [head]
                self.entries[entry.id] = entry
            case changes.DropOutbox(ids):
                held.outbox = [each for each in held.outbox if each.id not in ids]
                for number in ids:
                    self.entries.pop(number, None)
            case changes.PutWorkunit(sha256):
                held.workunits = [each for each in held.workunits if each != sha256] + [sha256]
            case changes.DropWorkunit(sha256):
                held.workunits.remove(sha256)
            case changes.PutOrders() | changes.PutClusterKey():
                self._apply_cluster(change)
            case changes.PutTask() | changes.DropTask() | changes.PutBlock() | changes.DropBlock():
                self._apply_work(change)
            case _:
                self._apply_payloads(change)

    def _apply_cluster(self, change: changes.PutOrders | changes.PutClusterKey) -> None:
        if isinstance(change, changes.PutOrders):
            self.held.orders[change.cluster] = change.orders
        else:
            self.held.cluster_keys[change.cluster] = change.key

    def _apply_work(self, change: changes.PutTask | changes.DropTask | changes.PutBlock | changes.DropBlock) -> None:
        held = self.held
        match change:
            case changes.PutTask(task):
                held.tasks = [each for each in held.tasks if each.manifest.task != task.manifest.task] + [task]
            case changes.DropTask(name):
                held.tasks = [each for each in held.tasks if each.manifest.task != name]
                held.blocks = [each for each in held.blocks if each.task != name]
                held.attempts = [each for each in held.attempts if each.task != name]
                held.checkpoints.pop(name, None)
            case changes.PutBlock(block):
                before = next((each for each in held.blocks if each.block == block.block), None)
                if before is not None and not block.payloads:
                    block = msgspec.structs.replace(block, payloads=before.payloads)
                held.blocks = [each for each in held.blocks if each.block != block.block] + [block]
            case changes.DropBlock(name):
                held.blocks = [each for each in held.blocks if each.block != name]

    def _apply_payloads(self, change: changes.AddAttempt | changes.PutCheckpoint | changes.DropPayloads) -> None:
        held = self.held
        match change:
            case changes.AddAttempt(attempt):
                held.attempts.append(attempt)
            case changes.PutCheckpoint(task, index, value):
                held.checkpoints.setdefault(task, {})[index] = value
            case changes.DropPayloads(task, dropped):
                held.attempts = [each for each in held.attempts if each.task != task or each.index not in dropped]
                for index in dropped:
                    held.checkpoints.get(task, {}).pop(index, None)


class Bench:
    """One dispatcher, its cache, and everything it said."""

    def __init__(self, **settings: Any) -> None:
        self.settings = CoreSettings(**settings)
        self.cache = MemoryCache()
        self.now = 1000.0
        self.boots = 0
        self.requests = 0
        self.said: list[Command] = []
        self.core = self._started()

    def _started(self) -> Dispatcher:
        self.boots += 1
        return Dispatcher.restore(self.cache.load(), self.settings, f"boot{self.boots}", self.now)

    def restart(self) -> None:
        """Lose the process, keep the cache."""
        self.core = self._started()

    def handle(self, event: events.Event) -> Decision[Change, Command]:
        """Decide, save, then keep what was to be sent."""
        decision = self.core.handle(event, self.now)
        self.cache.commit(decision.changes)
        self.said += decision.commands
        for command in decision.commands:
            if isinstance(command, commands.ReadOutbox):
                self.read(command.ids)
        return decision

    def read(self, ids: list[int]) -> None:
        """Read entries of the outbox back."""
        found = [self.cache.entries[number] for number in ids if number in self.cache.entries]
        self.handle(events.OutboxRead(found, [number for number in ids if number not in self.cache.entries]))

    def wait(self, seconds: float) -> None:
        """Move time on, with a tick at every deadline on the way."""
        until = self.now + seconds
        while (deadline := self.core.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.handle(events.Ticked())
        self.now = until

    # People

    def admit(self, link: str = "link", **changed: Any) -> None:
        """Let the distributor in on a manager's link."""
        self.handle(events.ManagerAdmitted(link, admitted(**changed)))

    def manager(self, message: Any, link: str = "link") -> None:
        """Say something as a manager."""
        self.handle(events.ManagerSaid(link, message))

    def grant(
        self, start: int, stop: int, task: TaskManifest | None = None, link: str = "link", **changed: Any
    ) -> None:
        """Grant a block and hand over the code."""
        task = task or manifest()
        block = {"block": f"{task.task}{start}", "lease": 1, "task": task.task, "start": start, "stop": stop, **changed}
        self.manager(messages.Grant(request=1, tasks=[task], blocks=[BlockGrant(**block)]), link)
        code = messages.WorkunitCode(workunit=task.workunit, language=task.language, code=b"code")
        self.manager(code, link)

    def join(self, session: str, client: str = "", **changed: Any) -> None:
        """Let a client in."""
        self.handle(events.ClientJoined(session, client or session, hello(**changed), "127.0.0.1"))

    def ready(self, session: str, slots: int = 2) -> messages.Assign | None:
        """Ask for work as a client; return what was assigned to it."""
        before = len(self.said)
        self.handle(events.ClientSaid(session, messages.Ready(slots=slots)))
        return next((each for each in self.to(session, messages.Assign, before)), None)

    def report(self, session: str, message: Any) -> messages.Stored:
        """Report as a client; return the acknowledgement."""
        self.requests += 1
        decision = self.handle(events.ClientSaid(session, message, self.requests))
        replies = [each for each in decision.commands if isinstance(each, commands.Reply)]
        assert [each.request for each in replies] == [self.requests]
        assert isinstance(replies[0].message, messages.Stored), replies[0].message
        return replies[0].message

    def results(self, session: str, token: str, indexes: list[int], seconds: float = 0.01) -> messages.Stored:
        """Return results whose values are their indexes."""
        return self.report(session, results_of(token, indexes, seconds))

    def failed(self, session: str, token: str, indexes: list[int], error: str = "boom") -> messages.Stored:
        """Report failures."""
        count = len(indexes)
        failed = messages.Failed(token=token, indexes=indexes, errors=[error] * count, kinds=["error"] * count)
        return self.report(session, failed)

    # What was said

    def to(self, session: str, kind: type[MessageT], since: int = 0) -> list[MessageT]:
        """Return what a client was sent."""
        sent = [each for each in self.said[since:] if isinstance(each, commands.SendClient)]
        return [each.message for each in sent if each.session == session and isinstance(each.message, kind)]

    def to_manager(self, kind: type[MessageT], link: str = "link", since: int = 0) -> list[MessageT]:
        """Return what a manager was sent."""
        sent = [each for each in self.said[since:] if isinstance(each, commands.SendManager)]
        return [each.message for each in sent if each.link == link and isinstance(each.message, kind)]

    def work(self, task: str = "t") -> Any:
        """Return a task's inner state."""
        return self.core._state.tasks[task]


def results_of(token: str, indexes: list[int], seconds: float = 0.01) -> messages.Results:
    """Results whose values are their indexes."""
    values = [b"%d" % index for index in indexes]
    return messages.Results(token=token, indexes=indexes, values=values, seconds=[seconds] * len(indexes))


def check(bench: Bench) -> None:
    """Assert what must hold after every event."""
    state = bench.core._state
    for name, work in state.tasks.items():
        _check_task(name, work, state.assignments.of_task(name))
    for cluster, record in state.clusters.items():
        works = [work for work in state.tasks.values() if work.cluster == cluster]
        assert record.load.open == sum(work.open_count for work in works)
        assert record.load.bytes == sum(block.bytes for work in works for block in work.blocks)
    due = state.deadlines._at
    assert bench.core.next_deadline() == min(due.values(), default=None)
    assert {key[1] for key in due if key[0] == "lease"} == set(state.assignments.by_token)
    _check_cache(bench)


def _check_task(name: str, work: Any, batches: list[Any]) -> None:
    held = [index for block in work.blocks for index in range(block.record.start, block.record.stop)]
    ready, assigned = set(work.ready.indexes()), set(work.assigned.indexes())
    retried = [index for group in work.retry.values() for index in group.indexes()]
    assert len(held) == len(set(held)), f"blocks of {name} overlap"
    assert len(retried) == len(set(retried)) and not ready & set(retried), "waits in two places"
    assert not assigned & (ready | set(retried)), "assigned and ready"
    opened = ready | assigned | set(retried)
    assert opened <= set(held), "open, but in no held block"
    closed = set(held) - opened
    committed = {i for block in work.blocks for i in indexes(block.committed.runs())}
    assert closed == (committed | set(work.pending.indexes())) & set(held), "closed without a result"
    holders = Counter(index for batch in batches if not batch.is_repeat for index in batch.open.indexes())
    assert set(holders) == assigned, "assigned to nobody, or held by somebody and not assigned"
    assert {index for index, count in holders.items() if count > 1} == set(work.copied.indexes())
    assert max(holders.values(), default=0) <= 2, "more than two clients hold one payload"
    held_by = Counter(
        (batch.client, index) for batch in batches if not batch.is_repeat for index in batch.open.indexes()
    )
    assert max(held_by.values(), default=0) <= 1, "one client holds a payload twice"
    _check_repeats(work, [batch for batch in batches if batch.is_repeat])
    assert all(batch.open for batch in batches), "a batch without payloads lives on"


def _check_repeats(work: Any, batches: list[Any]) -> None:
    out = [(batch.client, index) for batch in batches for index in batch.open.indexes()]
    assert len({index for _, index in out}) == len(out), "a payload is repeated twice at a time"
    assert not batches or work.votes is not None
    if work.votes is not None:
        assert {index for _, index in out} == set(work.votes.out.indexes())
        assert set(work.votes._layers[0].indexes()) <= set(work.pending.indexes())


def check_idle(bench: Bench) -> None:
    """Assert that no client waits, with a slot free, for what is ready and may go to it."""
    state = bench.core._state
    if state.draining or not state.space.leases:
        return
    for session in state.roster.sessions.values():
        if not session.wants or state.assignments.open_of(session.name) >= session.slots:
            continue
        for work in state.tasks.values():
            if work.paused or work.manifest.workunit not in state.workunits:
                continue
            if session.capability.runs(work.manifest):
                theirs = [group for group in work.retry if session.client not in group]
                assert not work.ready and not theirs, f"{session.name} idles beside {work.manifest.task}"


def _check_cache(bench: Bench) -> None:
    """A core restored from the cache knows the same facts."""
    twin = Dispatcher.restore(bench.cache.load(), bench.settings, "twin", bench.now)._state
    state = bench.core._state
    assert set(twin.tasks) == set(state.tasks)
    assert twin.task_of_block == state.task_of_block
    assert set(twin.workunits) == set(state.workunits)
    assert (twin.outbox.entries, twin.outbox.results) == (state.outbox.entries, state.outbox.results)
    assert twin.states_bytes == state.states_bytes
    for name, work in state.tasks.items():
        other = twin.tasks[name]
        assert (other.attempts, other.checkpoints, other.paused) == (work.attempts, work.checkpoints, work.paused)
        assert (other.open_count, other.pending) == (work.open_count, work.pending)


def indexes(runs: list[Run]) -> list[int]:
    """Every index of runs."""
    return [index for start, stop in runs for index in range(start, stop)]
