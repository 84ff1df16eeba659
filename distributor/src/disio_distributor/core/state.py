"""What the parts of the dispatcher share: the held work, the clients, the outbox, and the decision being made.

Rule: whatever changes durable facts goes through a method here, which writes the change down beside it.
"""

from collections.abc import Iterable, Sequence

import msgspec

from disio_distributor.core import changes, commands
from disio_distributor.core.assignments import Assignments, Batch
from disio_distributor.core.blocks import Block, Load, TaskWork
from disio_distributor.core.changes import Change
from disio_distributor.core.commands import Command
from disio_distributor.core.deadlines import Deadlines
from disio_distributor.core.outbox import Item, Outbox
from disio_distributor.core.records import HeldBlock, HeldTask, OutboxEntry, Snapshot
from disio_distributor.core.roster import Rate, Roster, Session
from disio_distributor.core.settings import CoreSettings
from disio_distributor.core.tokens import make_token
from disio_shared import messages
from disio_shared.decisions import Decision
from disio_shared.messages import BlockRef, FailureColumns, ResultColumns, TaskManifest
from disio_shared.ranges import RangeSet, Run

TIDY = ("tidy", "")
RECHECK = ("recheck", "")


class Link:
    """A manager's link with a session."""

    __slots__ = ("cluster", "name", "siblings", "status_s")

    def __init__(self, name: str, admitted: messages.Admitted) -> None:
        self.name, self.cluster = name, admitted.cluster
        self.status_s = max(0.1, admitted.status_s)
        self.siblings = list(admitted.siblings)


class Cluster:
    """What we hold of one cluster and what we asked it for."""

    __slots__ = ("asked", "asked_link", "asked_version", "load", "request", "waiting")

    def __init__(self) -> None:
        self.load = Load()
        self.asked: messages.Ask | None = None
        """The Ask that stands."""
        self.asked_link = ""
        self.asked_version = -1
        """The roster's version at which the Ask was last found to say what the clients can run."""
        self.request = 0
        self.waiting = ""
        """Why the last Grant was empty."""


class State:
    """Everything the dispatcher knows."""

    def __init__(self, snapshot: Snapshot, settings: CoreSettings, boot: str, now: float) -> None:
        self.settings, self.key, self._boot, self._nonces = settings, snapshot.token_key, boot, 0
        self.decision: Decision[Change, Command] = Decision()
        self.deadlines = Deadlines()
        self.assignments = Assignments(self.deadlines)
        self.roster = Roster()
        self.rate = Rate(settings.rate_s)
        self.links: dict[str, Link] = {}
        self.clusters: dict[str, Cluster] = {}
        self.tasks: dict[str, TaskWork] = {}
        self.task_of_block: dict[str, str] = {}
        self.workunits: dict[str, None] = dict.fromkeys(snapshot.workunits)
        self.outbox = Outbox(boot, snapshot.outbox)
        self.states_bytes = 0
        self.draining = False
        self.work_appeared = False
        """Waiting clients are to be looked at before this event is over."""
        self._restore(snapshot, now)

    def _restore(self, snapshot: Snapshot, now: float) -> None:
        for held in snapshot.tasks:
            self.tasks[held.manifest.task] = self._work(held.cluster, held.manifest, held.paused)
        for item in map(Item, snapshot.outbox):
            if item.task in self.tasks:
                self.tasks[item.task].pending.add_all(item.runs)
        self._restore_payloads(snapshot)
        for block in snapshot.blocks:
            if block.task in self.tasks:
                self.tasks[block.task].add_block(block)
                self.task_of_block[block.block] = block.task
        if self.tasks:
            self.deadlines.set(TIDY, now + self.settings.tidy_s)

    def _restore_payloads(self, snapshot: Snapshot) -> None:
        for attempt in snapshot.attempts:
            if attempt.task in self.tasks:
                self.tasks[attempt.task].attempts.setdefault(attempt.index, []).append(attempt)
        for task, states in snapshot.checkpoints.items():
            if task in self.tasks:
                self.tasks[task].checkpoints.update(states)
                self.states_bytes += sum(map(len, states.values()))

    # The decision

    def save(self, change: Change) -> None:
        """Have a fact made durable."""
        self.decision.changes.append(change)

    def do(self, command: Command) -> None:
        """Have something done after that."""
        self.decision.commands.append(command)

    def tell(self, session: str, message: messages.ToClient) -> None:
        """Send a message to a client."""
        self.do(commands.SendClient(session, message))

    def send(self, link: str, message: messages.FromDistributor) -> None:
        """Send a message to a manager."""
        self.do(commands.SendManager(link, message))

    # Tasks and blocks

    def cluster(self, name: str) -> Cluster:
        """Return a cluster's record, made at first use."""
        return self.clusters.setdefault(name, Cluster())

    def link_of(self, cluster: str) -> Link | None:
        """Return a link to a cluster, if one has a session."""
        return next((link for link in self.links.values() if link.cluster == cluster), None)

    def add_task(self, cluster: str, manifest: TaskManifest, now: float) -> TaskWork:
        """Hold a task, or take in its newer manifest."""
        known = self.tasks.get(manifest.task)
        fresh = self._work(cluster, manifest, known.paused if known else False)
        if known is None:
            # A new task starts level with the others: it owes them nothing and they owe it nothing.
            fresh.served = min((each.served for each in self.tasks.values() if each.ready_count), default=0.0)
            self.tasks[manifest.task] = known = fresh
        else:
            known.manifest, known.spec = fresh.manifest, fresh.spec
        self.save(changes.PutTask(self.held_task(known)))
        if self.deadlines.get(TIDY) is None:
            self.deadlines.set(TIDY, now + self.settings.tidy_s)
        return known

    def held_task(self, work: TaskWork) -> HeldTask:
        """Return the row that a cache keeps of a task."""
        return HeldTask(cluster=work.cluster, manifest=work.manifest, paused=work.paused)

    def add_block(self, work: TaskWork, record: HeldBlock) -> None:
        """Hold a block; those it overlaps are over, whatever became of them."""
        for older in work.overlapping(record.start, record.stop):
            self.drop_block(work, older)
        block = work.add_block(record)
        if block.is_over:
            work.remove_block(block)
            return
        self.task_of_block[record.block] = record.task
        self.save(changes.PutBlock(msgspec.structs.replace(block.as_record(), payloads=record.payloads)))
        self.work_appeared = True

    def drop_block(self, work: TaskWork, block: Block) -> None:
        """Let go of a block; whoever works on nothing else is told to stop."""
        record = block.record
        self.cancel(record.task, work.remove_block(block))
        self.task_of_block.pop(record.block, None)
        self.save(changes.DropBlock(record.block, record.task))
        self.forget(work, [(record.start, record.stop)])

    def drop_task(self, work: TaskWork) -> None:
        """Let go of a task, its blocks and what was not sent of its results."""
        task = work.manifest.task
        for block in list(work.blocks):
            work.remove_block(block)
            self.task_of_block.pop(block.record.block, None)
        for session in self._end_batches(task):
            self.tell(session, messages.Cancel(task=task))
        dropped = self.outbox.drop_task(work.cluster, task)
        if dropped:
            self.save(changes.DropOutbox([item.entry.id for item in dropped]))
        self.states_bytes -= sum(map(len, work.checkpoints.values()))
        del self.tasks[task]
        self.save(changes.DropTask(task))
        self._drop_spare_workunits()

    def cancel(self, task: str, runs: Sequence[Run]) -> None:
        """Take runs away from whoever works on them."""
        for batch in self.assignments.withdraw(task, list(runs)) if runs else ():
            if batch.session in self.roster.sessions:
                self.tell(batch.session, messages.Cancel(task=task, tokens=[batch.token]))

    def refs(self, cluster: str) -> list[BlockRef]:
        """Return the held blocks of a cluster."""
        works = [work for work in self.tasks.values() if work.cluster == cluster]
        return [BlockRef(block=each.record.block, lease=each.record.lease) for work in works for each in work.blocks]

    # Clients

    def takes_part(self, session: Session, now: float) -> bool:
        """Tell whether a client waits for work, holds some, or did either lately; a paused one does not."""
        is_active = session.wants or session.active_at >= now - self.settings.active_s
        return is_active or self.assignments.has_session(session.name)

    # Assignments

    def assign(self, session: Session, work: TaskWork, runs: list[Run], now: float) -> Batch:
        """Lease assigned runs to a session under a fresh token."""
        self._nonces += 1
        task = work.manifest.task
        token = make_token(self.key, task, session.client, f"{self._boot}{self._nonces:x}", runs)
        batch = Batch(token, task, session.client, session.name, runs, now)
        self.assignments.add(batch, now + self.settings.lease_s)
        return batch

    def release(self, batch: Batch, runs: Iterable[Run]) -> int:
        """Make payloads of a live batch ready again; return how many they were."""
        taken = batch.open.remove_all(runs)
        if not batch.open:
            self.assignments.remove(batch)
        work = self.tasks.get(batch.task)
        if work is not None and taken:
            work.reopen(taken)
            self.work_appeared = True
        return sum(stop - start for start, stop in taken)

    # Results

    def close(self, work: TaskWork, runs: list[Run], content: ResultColumns | FailureColumns) -> None:
        """Close open payloads: their results or failures go into the outbox."""
        work.close(runs)
        self.forget(work, runs)
        entry = OutboxEntry(
            id=self.outbox.fresh_id(),
            cluster=work.cluster,
            results=content if isinstance(content, ResultColumns) else None,
            failures=content if isinstance(content, FailureColumns) else None,
        )
        self.outbox.add(Item(entry, runs))
        self.save(changes.AddOutbox(entry))

    def committed(self, items: list[Item]) -> None:
        """Forget entries that a manager has, and the blocks that are over with them."""
        if not items:
            return
        self.save(changes.DropOutbox([item.entry.id for item in items]))
        runs: dict[str, RangeSet] = {}
        for item in items:
            runs.setdefault(item.task, RangeSet()).add_all(item.runs)
        for task, delivered in runs.items():
            if task in self.tasks:
                self._committed_in(self.tasks[task], delivered.runs())

    def _committed_in(self, work: TaskWork, runs: list[Run]) -> None:
        work.pending.remove_all(runs)
        for block, parts in work.blocks_of(runs):
            block.committed.add_all(parts)
            if block.is_over:
                self.drop_block(work, block)
            else:
                self.save(changes.PutBlock(block.as_record()))

    def forget(self, work: TaskWork, runs: list[Run]) -> None:
        """Forget attempts and saved states of payloads that are closed or gone."""
        indexes, freed = work.forget(runs)
        self.states_bytes -= freed
        if indexes:
            self.save(changes.DropPayloads(work.manifest.task, indexes))

    def _work(self, cluster: str, manifest: TaskManifest, paused: bool) -> TaskWork:
        return TaskWork(cluster, manifest, self.cluster(cluster).load, paused)

    def _end_batches(self, task: str) -> list[str]:
        sessions: dict[str, None] = {}
        for batch in self.assignments.of_task(task):
            sessions[batch.session] = None
            self.assignments.remove(batch)
        return [name for name in sessions if name in self.roster.sessions]

    def _drop_spare_workunits(self) -> None:
        needed = {work.manifest.workunit for work in self.tasks.values()}
        spare = [sha256 for sha256 in self.workunits if sha256 not in needed]
        for sha256 in spare[: max(0, len(spare) - self.settings.max_spare_workunits)]:
            del self.workunits[sha256]
            self.save(changes.DropWorkunit(sha256))
