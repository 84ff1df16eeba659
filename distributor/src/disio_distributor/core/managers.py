"""The managers' side: grants, revocations, code, and what managers are told.

Rule: what a manager says is about its own cluster's work only, and a block is its own to take back; while it is away
nothing is given up.
"""

from collections.abc import Iterable

from disio_distributor.core import changes
from disio_distributor.core.blocks import Block, TaskWork
from disio_distributor.core.demand import Demand
from disio_distributor.core.links import Link
from disio_distributor.core.records import HeldBlock
from disio_distributor.core.state import State, ref_of
from disio_distributor.core.tries import carried, count_on
from disio_shared import messages
from disio_shared.errors import InvalidDocument

STATUS, FETCH = "status", "fetch"
ON, PAUSED = ("running", "queued"), "paused"


class Managers:
    """Talks to managers."""

    def __init__(self, state: State, demand: Demand) -> None:
        self._state, self._demand = state, demand
        self._fetches = 0

    # Sessions

    def admitted(self, name: str, admitted: messages.Admitted, now: float) -> None:
        """Start afresh on a link: what was under way on its last session may never have arrived."""
        state = self._state
        self.lost(name, now)
        link = state.links[name] = Link(name, admitted)
        state.cluster(link.cluster)
        if state.keyring.learn(link.cluster, admitted.token_key):
            state.save(changes.PutClusterKey(link.cluster, admitted.token_key))
        state.patience.back(link.manager)
        self.revoke(link, admitted.revoked)
        for work in state.tasks.values():
            if work.cluster == link.cluster:
                self._fetch(work, now)
        self.status(name, now)
        state.work_appeared = True

    def lost(self, name: str, now: float) -> None:
        """A link's session is over: its messages wait for the manager, and later go to another one."""
        state = self._state
        link = state.links.get(name)
        if link is None:
            return
        self._demand.forget(link)
        del state.links[name]
        state.deadlines.discard((STATUS, name))
        if state.link_to(link.cluster, link.manager) is None:
            state.patience.away(link.manager, now)

    def hurry_status(self, now: float) -> None:
        """Clients came or went: people who watch want to see it soon, a crowd of clients costs no more messages."""
        deadlines, soon = self._state.deadlines, now + self._state.settings.hurry_s
        for name in self._state.links:
            due = deadlines.get((STATUS, name))
            if due is None or due > soon:
                deadlines.set((STATUS, name), soon)

    def status(self, name: str, now: float) -> None:
        """Send a heartbeat, which extends the leases of the blocks it names."""
        state = self._state
        link = state.links[name]
        state.deadlines.set((STATUS, name), now + link.status_s)
        state.send(
            link.name,
            messages.Status(
                clients=len(state.roster.sessions),
                slots=state.roster.slots,
                kinds=dict(state.roster.kinds),
                rate=round(state.rate.at(now), 3),
                outbox=state.outbox.results,
                held=state.refs(link.cluster, link.manager),
                paused=[
                    work.manifest.task
                    for work in state.tasks.values()
                    if work.paused and work.blocks and work.cluster == link.cluster
                ],
                space=round(state.space.share, 3),
                tallies=state.tallies(),
            ),
        )

    # Work

    def granted(self, link: Link, grant: messages.Grant, now: float) -> None:
        """Hold what was granted; give back what is not understood."""
        state = self._state
        refused: list[messages.BlockRef] = []
        for manifest in grant.tasks:
            self._know(link.cluster, manifest, now)
        for block in grant.blocks:
            if not self._hold(link, block):
                refused.append(messages.BlockRef(block=block.block, lease=block.lease, manager=link.manager))
        if refused:
            state.send(link.name, messages.Return(blocks=refused))
        # A Grant of which nothing could be used leaves the Ask standing until it is repeated, so that a manager
        # and a distributor who disagree do not throw a block to and fro as fast as they can.
        self._demand.answered(link, grant, is_useful=len(refused) < len(grant.blocks))
        for task in dict.fromkeys(block.task for block in grant.blocks if block.task in state.tasks):
            self._unpause(state.tasks[task])
            self._fetch(state.tasks[task], now)

    def _unpause(self, work: TaskWork) -> None:
        """Go on with a task that blocks are granted of: of its resumption only holders of blocks are told."""
        if work.paused:
            work.paused = False
            self._demand.look_again()
            self._state.turns.changed()
            self._state.save(changes.PutTask(self._state.held_task(work)))
            self._state.work_appeared = True

    def _know(self, cluster: str, manifest: messages.TaskManifest, now: float) -> None:
        known = self._state.tasks.get(manifest.task)
        if known is not None and known.cluster != cluster:
            return
        try:
            self._state.add_task(cluster, manifest, now)
        except (InvalidDocument, ValueError):
            # A payload spec of a newer kind than ours: its blocks go back.
            return

    def _hold(self, link: Link, grant: messages.BlockGrant) -> bool:
        state = self._state
        work = state.tasks.get(grant.task)
        if work is None or work.cluster != link.cluster or state.draining or not _is_whole(work, grant):
            return False
        known = work.block(grant.block)
        if known is not None and known.record.lease > grant.lease:
            return True
        if known is not None and (known.record.start, known.record.stop) == (grant.start, grant.stop):
            known.record.lease, known.record.manager = grant.lease, link.manager
            state.save(changes.PutBlock(known.as_record()))
            return True
        if known is not None:
            state.drop_block(work, known)
        work.idle_rounds = work.unservable_rounds = 0
        state.add_block(work, _record(link, grant))
        if grant.tries is not None:
            count_on(state, work, grant.tries)
        return True

    def revoke(self, link: Link, refs: list[messages.BlockRef]) -> None:
        """Let go of blocks, unless we hold them under a later lease or another manager that is here leased them."""
        for work, block, lease in self._named(link, refs):
            is_theirs = block.record.manager == link.manager
            if block.record.lease <= lease and (is_theirs or self._state.link_to(*_owner(block)) is None):
                self._state.drop_block(work, block)

    def adopted(self, link: Link, refs: list[messages.BlockRef]) -> None:
        """Take a manager's word that it answers for blocks now, and send it what waits of them."""
        state = self._state
        for _, block, lease in self._named(link, refs):
            record = block.record
            if record.lease > lease:
                continue
            state.outbox.adopt(link.cluster, record.task, record.start, record.stop, link.manager)
            if (record.manager, record.lease) != (link.manager, lease):
                record.manager, record.lease = link.manager, lease
                state.save(changes.PutBlock(block.as_record()))

    def _named(self, link: Link, refs: Iterable[messages.BlockRef]) -> list[tuple[TaskWork, Block, int]]:
        """Return the held blocks of a link's cluster that are named, each with the lease it is named with."""
        found: list[tuple[TaskWork, Block, int]] = []
        for ref in refs:
            work = self._state.tasks.get(self._state.task_of_block.get(ref.block, ""))
            block = work.block(ref.block) if work is not None and work.cluster == link.cluster else None
            if work is not None and block is not None:
                found.append((work, block, ref.lease))
        return found

    def task_state(self, cluster: str, said: messages.TaskState) -> None:
        """Pause, go on with, or drop a task."""
        state = self._state
        work = state.tasks.get(said.task)
        if work is None or work.cluster != cluster:
            return
        if said.state not in (*ON, PAUSED):
            state.drop_task(work)
            return
        paused = said.state == PAUSED
        if paused != work.paused:
            work.paused = paused
            self._demand.look_again()
            state.turns.changed()
            state.save(changes.PutTask(state.held_task(work)))
            state.work_appeared = True

    def give_back(self, work: TaskWork) -> None:
        """Return a task's blocks to their managers; those whose manager is away are kept."""
        returned: dict[str, list[Block]] = {}
        for block in work.blocks:
            link = self._state.link_to(*_owner(block))
            if link is not None:
                returned.setdefault(link.name, []).append(block)
        for name, blocks in returned.items():
            tries = carried(work, [(block.record.start, block.record.stop) for block in blocks])
            for block in blocks:
                self._state.drop_block(work, block)
            self._state.send(name, messages.Return(blocks=[ref_of(block) for block in blocks], tries=tries))

    def hand_back(self, blocks: Iterable[Block]) -> None:
        """Tell the managers of blocks that were let go of; one that is away learns it from what it hears next."""
        for block in blocks:
            link = self._state.link_to(*_owner(block))
            if link is not None:
                self._state.send(link.name, messages.Return(blocks=[ref_of(block)]))

    # Code

    def code(self, said: messages.WorkunitCode) -> None:
        """Keep code that was fetched."""
        state = self._state
        if not said.code or all(work.manifest.workunit != said.workunit for work in state.tasks.values()):
            return
        state.deadlines.discard((FETCH, said.workunit))
        if said.workunit in state.workunits:
            return
        state.workunits[said.workunit] = None
        state.turns.changed()
        state.save(changes.PutWorkunit(said.workunit, said.language, said.code))
        state.work_appeared = True

    def fetch_again(self, sha256: str, now: float) -> None:
        """Repeat a FetchWorkunit that was not answered, as long as a task needs it."""
        for work in self._state.tasks.values():
            if work.manifest.workunit == sha256:
                self._fetch(work, now)

    def _fetch(self, work: TaskWork, now: float) -> None:
        state, sha256 = self._state, work.manifest.workunit
        links = state.links_of(work.cluster)
        if sha256 in state.workunits or not links or not work.blocks:
            return
        if state.deadlines.get((FETCH, sha256)) is None:
            self._fetches += 1
            link = links[self._fetches % len(links)]
            state.deadlines.set((FETCH, sha256), now + state.settings.resend_s)
            state.send(link.name, messages.FetchWorkunit(workunit=sha256))


def _record(link: Link, grant: messages.BlockGrant) -> HeldBlock:
    return HeldBlock(
        block=grant.block,
        lease=grant.lease,
        cluster=link.cluster,
        task=grant.task,
        start=grant.start,
        stop=grant.stop,
        done=grant.done,
        payloads=grant.payloads,
        manager=link.manager,
    )


def _owner(block: Block) -> tuple[str, str]:
    return block.record.cluster, block.record.manager


def _is_whole(work: TaskWork, grant: messages.BlockGrant) -> bool:
    """Tell whether a grant is one that payloads can be made of."""
    if not 0 <= grant.start < grant.stop:
        return False
    return work.spec is not None or len(grant.payloads) == grant.stop - grant.start
