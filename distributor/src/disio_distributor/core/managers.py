"""The managers' side: grants, commits, revocations, code, and what managers are told.

Rule: what a manager says is about its own cluster's work only; while it is away nothing is given up.
"""

from disio_distributor.core import changes
from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.demand import Demand
from disio_distributor.core.outbox import Flight
from disio_distributor.core.records import HeldBlock
from disio_distributor.core.state import Link, State
from disio_shared import messages
from disio_shared.errors import InvalidDocument

STATUS, FLIGHT, FETCH = "status", "flight", "fetch"
ON, PAUSED = ("running", "queued"), "paused"


class Managers:
    """Talks to managers."""

    def __init__(self, state: State, demand: Demand) -> None:
        self._state, self._demand = state, demand

    # Sessions

    def admitted(self, name: str, admitted: messages.Admitted, now: float) -> None:
        """Start afresh on a link: what was under way on its last session may never have arrived."""
        state = self._state
        self.lost(name)
        link = state.links[name] = Link(name, admitted)
        self.revoke(link.cluster, admitted.revoked)
        cluster = state.cluster(link.cluster)
        if state.link_of(link.cluster) is link:
            self._demand.forget(cluster, link.cluster)
        for work in state.tasks.values():
            if work.cluster == link.cluster:
                self._fetch(work, now)
        self.status(name, now)
        state.work_appeared = True

    def lost(self, name: str) -> None:
        """A link's session is over: its messages go to another link of the cluster, or wait."""
        state = self._state
        link = state.links.pop(name, None)
        if link is None:
            return
        state.deadlines.discard((STATUS, name))
        for flight in state.outbox.flights_of(name, link.cluster):
            flight.link = None
            state.deadlines.discard((FLIGHT, flight.message.batch))
        cluster = state.cluster(link.cluster)
        if cluster.asked_link == name:
            self._demand.forget(cluster, link.cluster)

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
                held=state.refs(link.cluster),
            ),
        )

    # Work

    def granted(self, link: Link, grant: messages.Grant, now: float) -> None:
        """Hold what was granted; give back what is not understood."""
        state = self._state
        cluster = state.cluster(link.cluster)
        refused: list[messages.BlockRef] = []
        for manifest in grant.tasks:
            self._know(link.cluster, manifest, now)
        for block in grant.blocks:
            if not self._hold(link.cluster, block):
                refused.append(messages.BlockRef(block=block.block, lease=block.lease))
        if refused:
            state.send(link.name, messages.Return(blocks=refused))
        if not grant.blocks or len(refused) < len(grant.blocks):
            # A Grant of which nothing could be used leaves the Ask standing until it is repeated, so that a manager
            # and a distributor who disagree do not throw a block to and fro as fast as they can.
            self._demand.answered(cluster, link.cluster, grant)
        for task in {block.task for block in grant.blocks if block.task in state.tasks}:
            self._fetch(state.tasks[task], now)

    def _know(self, cluster: str, manifest: messages.TaskManifest, now: float) -> None:
        known = self._state.tasks.get(manifest.task)
        if known is not None and known.cluster != cluster:
            return
        try:
            self._state.add_task(cluster, manifest, now)
        except (InvalidDocument, ValueError):
            # A payload spec of a newer kind than ours: its blocks go back.
            return

    def _hold(self, cluster: str, grant: messages.BlockGrant) -> bool:
        state = self._state
        work = state.tasks.get(grant.task)
        if work is None or work.cluster != cluster or state.draining or not _is_whole(work, grant):
            return False
        known = work.block(grant.block)
        if known is not None and known.record.lease > grant.lease:
            return True
        if known is not None and (known.record.start, known.record.stop) == (grant.start, grant.stop):
            known.record.lease = grant.lease
            state.save(changes.PutBlock(known.as_record()))
            return True
        if known is not None:
            state.drop_block(work, known)
        work.idle_rounds = work.unservable_rounds = 0
        state.add_block(
            work,
            HeldBlock(
                block=grant.block,
                lease=grant.lease,
                cluster=cluster,
                task=grant.task,
                start=grant.start,
                stop=grant.stop,
                done=grant.done,
                payloads=grant.payloads,
            ),
        )
        return True

    def revoke(self, cluster: str, refs: list[messages.BlockRef]) -> None:
        """Let go of blocks, unless we hold them under a later lease."""
        state = self._state
        for ref in refs:
            work = state.tasks.get(state.task_of_block.get(ref.block, ""))
            block = work.block(ref.block) if work is not None and work.cluster == cluster else None
            if work is not None and block is not None and block.record.lease <= ref.lease:
                state.drop_block(work, block)

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
            state.save(changes.PutTask(state.held_task(work)))
            state.work_appeared = True

    def give_back(self, work: TaskWork) -> None:
        """Return a task's blocks to its managers; keep them when no manager is there."""
        state = self._state
        link = state.link_of(work.cluster)
        if link is None or not work.blocks:
            return
        refs = [messages.BlockRef(block=each.record.block, lease=each.record.lease) for each in work.blocks]
        for block in list(work.blocks):
            state.drop_block(work, block)
        state.send(link.name, messages.Return(blocks=refs))

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
        state.save(changes.PutWorkunit(said.workunit, said.language, said.code))
        state.work_appeared = True

    def fetch_again(self, sha256: str, now: float) -> None:
        """Repeat a FetchWorkunit that was not answered, as long as a task needs it."""
        for work in self._state.tasks.values():
            if work.manifest.workunit == sha256:
                self._fetch(work, now)

    def _fetch(self, work: TaskWork, now: float) -> None:
        state, sha256 = self._state, work.manifest.workunit
        link = state.link_of(work.cluster)
        if sha256 in state.workunits or link is None or not work.blocks:
            return
        if state.deadlines.get((FETCH, sha256)) is None:
            state.deadlines.set((FETCH, sha256), now + state.settings.resend_s)
            state.send(link.name, messages.FetchWorkunit(workunit=sha256))

    # Outbox

    def pump(self, now: float) -> None:
        """Send what waits in the outbox, as far as each link takes it."""
        outbox, settings = self._state.outbox, self._state.settings
        if not outbox.anything_to_send():
            return
        for link in self._state.links.values():
            room = settings.max_flights - len(outbox.flights_of(link.name, link.cluster))
            for flight in outbox.flights_of(None, link.cluster)[: max(0, room)]:
                flight.link = link.name
                self._fly(flight, link.name, now)
                room -= 1
            while room > 0 and outbox.waiting(link.cluster):
                flight = outbox.launch(link.cluster, link.name, settings.deliver_results, settings.deliver_bytes)
                self._fly(flight, link.name, now)
                room -= 1

    def resend(self, batch: str, now: float) -> None:
        """Repeat a Deliver that was not answered."""
        flight = self._state.outbox.flights.get(batch)
        if flight is not None and flight.link is not None:
            self._fly(flight, flight.link, now)

    def committed(self, batch: str) -> None:
        """A manager has a batch."""
        state = self._state
        was_full = state.outbox.bytes >= state.settings.max_outbox_bytes
        state.deadlines.discard((FLIGHT, batch))
        state.committed(state.outbox.committed(batch))
        state.work_appeared = state.work_appeared or was_full

    def _fly(self, flight: Flight, link: str, now: float) -> None:
        self._state.deadlines.set((FLIGHT, flight.message.batch), now + self._state.settings.resend_s)
        self._state.send(link, flight.message)


def _is_whole(work: TaskWork, grant: messages.BlockGrant) -> bool:
    """Tell whether a grant is one that payloads can be made of."""
    if not 0 <= grant.start < grant.stop:
        return False
    return work.spec is not None or len(grant.payloads) == grant.stop - grant.start
