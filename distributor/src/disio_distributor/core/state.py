"""What the parts of the dispatcher share: the held work, the clients, the outbox, and the decision being made.

Rule: whatever changes durable facts goes through a method here, which writes the change down beside it.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from disio_distributor.core import changes, commands
from disio_distributor.core.assignments import Assignments, Batch
from disio_distributor.core.blocks import Block, TaskWork
from disio_distributor.core.changes import Change
from disio_distributor.core.columns import Columns, entry_of, head_of, picked
from disio_distributor.core.commands import Command
from disio_distributor.core.deadlines import Deadlines
from disio_distributor.core.keyring import Keyring, Read
from disio_distributor.core.links import Cluster, Link, Patience
from disio_distributor.core.outbox import Item, Outbox, runs_by_task
from disio_distributor.core.past import past_of, picked_past
from disio_distributor.core.records import HeldBlock, HeldTask, Snapshot
from disio_distributor.core.roster import Rate, Roster, Session
from disio_distributor.core.settings import CoreSettings
from disio_distributor.core.space import Space
from disio_distributor.core.standing import Standing
from disio_distributor.core.tallies import Tallies
from disio_distributor.core.tokens import REPEAT
from disio_distributor.core.turns import Turns
from disio_shared import messages
from disio_shared.decisions import Decision
from disio_shared.messages import BlockRef, FailureColumns, PastTries, ResultColumns, TaskManifest, TaskTally
from disio_shared.ranges import RangeSet, Run, indexes_of

TIDY = ("tidy", "")
RECHECK = ("recheck", "")
NO_LOGS: Mapping[int, str] = {}


class State:
    """Everything the dispatcher knows."""

    def __init__(self, snapshot: Snapshot, settings: CoreSettings, boot: str, now: float) -> None:
        self.settings, self._boot, self._nonces = settings, boot, 0
        self.keyring = Keyring(snapshot.token_key, snapshot.cluster_keys)
        self.decision: Decision[Change, Command] = Decision()
        self.deadlines = Deadlines()
        self.assignments = Assignments(self.deadlines)
        self.roster = Roster()
        self.turns = Turns(self.servable)
        self.tallies_of = Tallies(settings.max_tallies)
        self.rate = Rate(settings.rate_s)
        self.links: dict[str, Link] = {}
        self.clusters: dict[str, Cluster] = {}
        self.tasks: dict[str, TaskWork] = {}
        self.task_of_block: dict[str, str] = {}
        self.workunits: dict[str, None] = dict.fromkeys(snapshot.workunits)
        self.outbox = Outbox(boot, snapshot.outbox, settings.max_outbox_memory)
        self.space = Space(settings)
        self.standing = Standing(snapshot.orders)
        self.patience = Patience(self.deadlines, settings.patience_s)
        self.states_bytes = 0
        self.wall = self.wall_ahead = 0.0
        """Of the event at hand, seconds since 1970, to name it by; and how far that is ahead of the core's clock."""
        self.draining = False
        self.work_appeared = False
        """Waiting clients are to be looked at before this event is over."""
        self._restore(snapshot, now)

    def _restore(self, snapshot: Snapshot, now: float) -> None:
        for held in snapshot.tasks:
            self.tasks[held.manifest.task] = self._work(held.cluster, held.manifest, held.paused)
        for head in snapshot.outbox:
            if head.task in self.tasks and head.kind != "votes":
                self.tasks[head.task].pending.add_all(head.runs)
            self.patience.away(head.manager, now)
        self.space.grew(0, self.outbox.entries)
        self._restore_payloads(snapshot)
        for block in snapshot.blocks:
            if block.task in self.tasks:
                self.tasks[block.task].add_block(block)
                self.task_of_block[block.block] = block.task
                self.patience.away(block.manager, now)
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

    def links_of(self, cluster: str) -> list[Link]:
        """Return the links to a cluster that have a session."""
        return [link for link in self.links.values() if link.cluster == cluster]

    def link_to(self, cluster: str, manager: str) -> Link | None:
        """Return the link to a manager, or to any manager of the cluster when it has no name (an older cache)."""
        links = self.links_of(cluster)
        return next((link for link in links if link.manager == manager or not manager), None)

    def is_given_up(self, cluster: str, manager: str, now: float) -> bool:
        """Tell whether a manager's results may go to others of its cluster now."""
        if not manager:
            return True
        return self.link_to(cluster, manager) is None and not self.patience.waits_for(manager, now)

    def add_task(self, cluster: str, manifest: TaskManifest, now: float) -> TaskWork:
        """Hold a task, or take in its newer manifest."""
        known = self.tasks.get(manifest.task)
        fresh = self._work(cluster, manifest, known.paused if known else False)
        if known is None:
            # A new task starts level with the others: it owes them nothing and they owe it nothing.
            fresh.served = self._level()
            # One that comes back after it was dropped may have results under way: they are not computed again.
            for head in self.outbox.heads_of(cluster, manifest.task):
                if head.kind != "votes":
                    fresh.pending.add_all(head.runs)
            self.tasks[manifest.task] = known = fresh
        else:
            known.manifest, known.spec = fresh.manifest, fresh.spec
        self.turns.changed()
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
        if not work.has_ready:
            # While it had nothing to hand out it earned nothing that the others owed it now.
            work.served = max(work.served, self._level())
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
        self.work_appeared = True  # who had enough of it may take of others now
        dropped = self.outbox.drop_task(work.cluster, task)
        if dropped:
            self.save(changes.DropOutbox([item.head.id for item in dropped]))
            self.space.grew(0, self.outbox.entries)
        self.states_bytes -= sum(map(len, work.checkpoints.values()))
        del self.tasks[task]
        self.turns.changed()
        self.save(changes.DropTask(task))
        self._drop_spare_workunits()

    def cancel(self, task: str, runs: Sequence[Run]) -> None:
        """Take runs away from whoever works on them."""
        for batch, taken in self.assignments.withdraw(task, list(runs)) if runs else ():
            if batch.session in self.roster.sessions:
                cancel = messages.Cancel(task=task, tokens=[batch.token], indexes=[indexes_of(taken)])
                self.tell(batch.session, cancel)
                self.work_appeared = True  # it may have asked for more when it had enough

    def refs(self, cluster: str, manager: str = "") -> list[BlockRef]:
        """Return the held blocks of a cluster that a manager answers for, and those whose manager has no link."""
        others = {link.manager for link in self.links_of(cluster)} - {manager}
        return [each for each in self.all_refs(cluster) if each.manager not in others]

    def all_refs(self, cluster: str) -> list[BlockRef]:
        """Return the held blocks of a cluster."""
        works = [work for work in self.tasks.values() if work.cluster == cluster]
        return [ref_of(each) for work in works for each in work.blocks]

    # Clients

    def takes_part(self, session: Session, now: float) -> bool:
        """Tell whether a client waits for work, holds some, or did either lately; a paused one does not."""
        is_active = session.wants or session.active_at >= now - self.settings.active_s
        return is_active or self.assignments.has_session(session.name)

    def has_place(self, session: Session) -> bool:
        """Tell whether a client may run units: an operator may allow fewer slots than there are, the oldest first."""
        most = self.standing.max_slots
        return not most or session.name in self.roster.first(most)

    def tallies(self) -> list[TaskTally]:
        """Return what happened to hand-outs, of the ``max_tallies`` tasks that changed last."""
        return self.tallies_of.report()

    # Assignments

    def assign(self, session: Session, work: TaskWork, runs: list[Run], now: float, is_repeat: bool = False) -> Batch:
        """Lease assigned runs to a session under a fresh token."""
        self._nonces += 1
        task = work.manifest.task
        nonce = f"{REPEAT if is_repeat else ''}{self._boot}{self._nonces:x}"
        token = self.keyring.token(work.cluster, task, session.client, nonce, runs)
        batch = Batch(token, task, session, runs, now, is_repeat)
        self.assignments.add(batch, now + self.settings.lease_s)
        return batch

    def is_foreign(self, read: Read) -> bool:
        """Tell whether a token is of the cluster and was not made since this core began."""
        return bool(read.cluster) and not read.token.nonce.removeprefix(REPEAT).startswith(self._boot)

    def release(self, batch: Batch, runs: Iterable[Run]) -> int:
        """Let go of payloads of a live batch: they may go to others; return how many they were."""
        taken = self.assignments.part(batch, list(runs))
        work = self.tasks.get(batch.task)
        if work is not None and taken:
            if not batch.is_repeat:
                work.reopen(taken)
            elif work.votes is not None:
                work.votes.given_back(taken)
            self.work_appeared = True
        return sum(stop - start for start, stop in taken)

    # Results

    def close(
        self,
        work: TaskWork,
        runs: list[Run],
        content: ResultColumns | FailureColumns,
        logs: Mapping[int, str] = NO_LOGS,
    ) -> None:
        """Close open payloads: their results or failures go into the outbox; whoever else has them is told to stop.

        ``logs`` is what the units of results wrote, by index.
        """
        past = past_of(work.attempts, content, logs, self.wall)
        if work.copied and any(work.copied.within(*run) for run in runs):
            self.cancel(work.manifest.task, runs)
        work.close(runs)
        if work.votes is not None and isinstance(content, ResultColumns):
            work.votes.computed(content.clients[0], runs)
        self.forget(work, runs)
        self.keep(work, runs, content, past)

    def keep(self, work: TaskWork, runs: list[Run], content: Columns, past: PastTries | None = None) -> None:
        """Put results, failures or votes of ``runs`` into the outbox: an entry for each manager they belong to."""
        parts: dict[str, list[Run]] = {}
        for block, found in work.blocks_of(runs):
            parts.setdefault(block.record.manager, []).extend(found)
        if len(parts) < 2:
            self._keep(work.cluster, next(iter(parts), ""), runs, content, past)
            return
        for manager, part in parts.items():
            self._keep(work.cluster, manager, part, picked(content, part), picked_past(past, part))

    def keep_foreign(self, cluster: str, runs: list[Run], content: ResultColumns) -> None:
        """Put results that no block here is about into the outbox, for whichever manager of the cluster is there."""
        work = self.tasks.get(content.task)
        if work is not None and work.cluster == cluster:
            work.pending.add_all(runs)  # if a block of them comes here they are not computed again
        self._keep(cluster, "", runs, content, None)

    def _keep(self, cluster: str, manager: str, runs: list[Run], content: Columns, past: PastTries | None) -> None:
        entry = entry_of(self.outbox.fresh_id(), cluster, content, past)
        head = head_of(entry, manager, runs)
        self.outbox.add(entry, head)
        self.space.grew(head.bytes, self.outbox.entries)
        self.save(changes.AddOutbox(entry, head))

    def committed(self, items: list[Item]) -> None:
        """Forget entries that a manager has, and the blocks that are over with them."""
        if not items:
            return
        self.save(changes.DropOutbox([item.head.id for item in items]))
        self.space.grew(0, self.outbox.entries)
        for item in items:
            if item.head.kind == "results" and item.head.task in self.tasks:
                self.tasks[item.head.task].took_in(item.head.runs)
        for task, runs in runs_by_task(items).items():
            if task in self.tasks:
                self._committed_in(self.tasks[task], RangeSet(runs).runs())

    def lost(self, items: list[Item]) -> list[tuple[TaskWork, Block]]:
        """Forget entries that the cache has lost; let go of the blocks they are of, and return those."""
        gone: list[tuple[TaskWork, Block]] = []
        self.save(changes.DropOutbox([item.head.id for item in items]))
        for task, runs in runs_by_task(items).items():
            work = self.tasks.get(task)
            if work is not None:
                work.pending.remove_all(runs)
                gone += [(work, block) for block, _ in work.blocks_of(runs)]
        for work, block in gone:
            self.drop_block(work, block)
        return gone

    def _committed_in(self, work: TaskWork, runs: list[Run]) -> None:
        work.pending.remove_all(runs)
        if work.votes is not None:
            work.votes.committed(runs)
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
        return TaskWork(cluster, manifest, self.cluster(cluster).load, paused, self.turns.woke)

    def servable(self) -> list[TaskWork]:
        """Return the tasks that are neither paused nor stopped here, and whose code is here."""
        return [work for work in self.tasks.values() if self.is_servable(work)]

    def is_servable(self, work: TaskWork) -> bool:
        """Tell whether a task is neither paused nor stopped here, and its code is here."""
        is_stopped = work.paused or work.manifest.task in self.standing.tasks
        return not is_stopped and work.manifest.workunit in self.workunits

    def _level(self) -> float:
        """Return what a task was served that neither owes the others anything nor is owed anything."""
        return min((each.served for each in self.tasks.values() if each.has_ready), default=0.0)

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


def ref_of(block: Block) -> BlockRef:
    """Return how a block is named to managers."""
    return BlockRef(block=block.record.block, lease=block.record.lease, manager=block.record.manager)
