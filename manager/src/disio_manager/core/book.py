"""Everything the core knows, and the few ways to change who holds which block.

Rule: a block's holder, its lease and the holder's own set of blocks change together, here, with the row that says so.
"""

from collections.abc import Iterable

from disio_manager.core import due
from disio_manager.core.changes import Change, DropBlock, PutBlock, PutTask
from disio_manager.core.commands import Announce, Claim, Command, Send
from disio_manager.core.counting import Counting
from disio_manager.core.fleet import Distributor, Fleet
from disio_manager.core.leases import LeaseTable
from disio_manager.core.lifecycle import next_state
from disio_manager.core.records import Peer, StretchRecord
from disio_manager.core.scheduling import Served, can_run
from disio_manager.core.settings import CoreSettings
from disio_manager.core.stopping import STOPPED
from disio_manager.core.tasks import Block, TaskEntry
from disio_manager.core.tries import Tries
from disio_shared import messages
from disio_shared.abilities import ability
from disio_shared.decisions import Decision
from disio_shared.errors import TaskNotFound

Out = Decision[Change, Command]


class Book:
    """Tasks, blocks, leases and distributors."""

    def __init__(self, settings: CoreSettings, fleet: Fleet, offset: float) -> None:
        self.settings = settings
        self.fleet = fleet
        self.offset = offset
        """Wall time less steady time, in seconds."""
        self.tasks: dict[str, TaskEntry] = {}
        self.leases = LeaseTable(settings.lease_s)
        self.served = Served()
        self.tries = Tries()
        self.counting = Counting()
        self.unsettled: set[str] = set()
        """Tasks that were over when they were loaded: a crash came between their last result and their end."""
        self.is_woken = False
        """There may be work for those who wait."""
        self.fresh: set[str] = set()
        """Tasks that distributors without blocks of them are to hear of."""
        self.spent: set[tuple[str, str]] = set()
        """Task and distributor: it has delivered the last it held of the task, and is to hear when there is more."""
        self.unserved: dict[str, float] = {}
        """Since when nobody here can work on a task that has payloads ready."""
        self.vain: dict[str, float] = {}
        """When tasks whose last claim came to nothing may be claimed again."""
        self.peers: dict[str, Peer] = {}
        """The other live managers of the cluster, by id."""
        self.has_looked = False
        """The other managers, and all open tasks, were looked at since this memory was loaded."""
        self._deadlines: dict[str, float] = {}
        self._where: dict[str, str] = {}

    # Tasks

    def task(self, task: str) -> TaskEntry:
        """Return an open task.

        Raises:
            TaskNotFound: It is closed or was never there.
        """
        entry = self.tasks.get(task)
        if entry is None:
            raise TaskNotFound(task)
        return entry

    def put_entry(self, entry: TaskEntry, now: float) -> None:
        """Take a task in with its blocks; leases of held ones begin anew."""
        self.tasks[entry.id] = entry
        entry.needs = ability(entry.record.language, entry.record.runtime, self.settings.cluster)
        entry.barred = self.fleet.barred(entry.id)
        self.note_deadline(entry)
        self.note_blocks(entry, entry.blocks.values(), now)

    def note_blocks(self, entry: TaskEntry, blocks: Iterable[Block], now: float) -> None:
        """Know where blocks are that an entry has just taken in; leases of held ones begin anew."""
        for block in blocks:
            self._where[block.id] = entry.id
            if block.holder:
                self._begin_lease(block, now)
        self.is_woken = True
        self.fresh.add(entry.id)

    def note_deadline(self, entry: TaskEntry) -> None:
        """Watch a task's deadline, which may have changed."""
        deadline = entry.record.policy.deadline
        if deadline is None:
            self._deadlines.pop(entry.id, None)
        else:
            self._deadlines[entry.id] = deadline

    def first_expiry(self) -> float | None:
        """Return the steady time at which the first task expires."""
        return min(self._deadlines.values()) - self.offset if self._deadlines else None

    def expired(self, wall: float) -> list[TaskEntry]:
        """Return the tasks whose deadline is not after ``wall``."""
        return [self.tasks[task] for task, deadline in self._deadlines.items() if deadline <= wall]

    def save_task(self, entry: TaskEntry, was: str, out: Out) -> None:
        """Write a task that was changed otherwise than by progress, and tell watchers; ``was`` is its state before."""
        entry.record.version += 1
        entry.record.changed_by = self.settings.manager
        out.changes.append(PutTask(entry.row(), was))
        out.commands.append(Announce("task", entry.id))

    def end_task(self, entry: TaskEntry, verb: str, wall: float, out: Out) -> None:
        """Close a task and tell those who hold blocks of it."""
        was = entry.record.state
        entry.record.state = next_state(entry.id, was, verb)
        entry.record.ended_by = STOPPED if verb == "stop" else ""
        entry.record.growing = False
        entry.record.finished_at = wall
        due.note(entry.record, entry.record.state, wall, out.commands)
        out.changes += entry.progress()
        self.save_task(entry, was, out)
        self.let_go(entry, out)

    def let_go(self, entry: TaskEntry, out: Out) -> None:
        """Let go of a task that is closed, here or by another manager."""
        self.tell_holders(entry, out)
        for block in list(entry.blocks.values()):
            if entry.record.state == "failed":
                # What was open stays on record, so that a retry finds it.
                self._end_lease(block)
                block.holder = ""
                out.changes.append(PutBlock(block.record()))
            else:
                self.drop_block(entry, block, out)
        self.forget(entry)

    def forget(self, entry: TaskEntry) -> None:
        """Let go of a closed task."""
        self.forget_blocks(entry)
        self.unserved.pop(entry.id, None)
        self.vain.pop(entry.id, None)
        self.tries.forget(entry.id)
        self._deadlines.pop(entry.id, None)
        self.unsettled.discard(entry.id)
        self.fresh.discard(entry.id)
        del self.tasks[entry.id]
        self.is_woken = True

    def forget_blocks(self, entry: TaskEntry) -> None:
        """Let go of a task's blocks; their rows stay."""
        for block in entry.blocks.values():
            self._end_lease(block)
            self._where.pop(block.id, None)

    def has_takers(self, entry: TaskEntry) -> bool:
        """Tell whether a distributor is online here whose clients can run a task."""
        return any(can_run(each, entry) for each, _ in self.fleet.abilities())

    def settle(self, entry: TaskEntry, wall: float, out: Out) -> bool:
        """End a task that is over; return whether it was. What was found counts more than what failed."""
        if entry.has_found_enough:
            self.end_task(entry, "stop", wall, out)
        elif entry.has_failed_enough:
            self.end_task(entry, "fail", wall, out)
        elif entry.is_complete:
            self.end_task(entry, "fail" if entry.record.failed else "complete", wall, out)
        else:
            return False
        return True

    def tell_holders(self, entry: TaskEntry, out: Out, state: str = "") -> None:
        """Send a task's state to every distributor that holds, or may hold, blocks of it."""
        message = messages.TaskState(task=entry.id, state=state or entry.record.state)
        if self.peers:
            # Blocks of it may come from another manager, who hears of this later than we can tell it.
            out.commands += [Send(known.session, message) for known in self.fleet.online()]
            return
        for holder in entry.holders:
            self.send(holder, message, out)

    def knows_all_of(self, manager: str) -> bool:
        """Tell whether a manager is gone and all it left is known here: no other manager is there to have it."""
        owners = (each.owner for entry in self.tasks.values() for each in entry.stretches.others.values())
        return self.has_looked and not self.peers and manager not in owners

    def claim(self, entry: TaskEntry, out: Out) -> None:
        """Try to look after more of a task, unless that is under way."""
        rest = entry.unclaimed
        if entry.claim is not None or not rest:
            return
        settings, start = self.settings, entry.stretches.end
        part = -(-rest // (settings.claim_part * (1 + len(self.peers))))
        # A limit of distributors can be kept only by one who sees all of them.
        size = rest if entry.record.policy.max_distributors else min(rest, max(part, settings.min_claim))
        stop = start + size
        entry.claim = StretchRecord(
            task=entry.id,
            start=start,
            stop=stop,
            owner=settings.manager,
            frontier=start,
            retries=entry.record.retries,
        )
        out.commands.append(Claim(entry.claim))

    def pause_claim(self, entry: TaskEntry, now: float) -> None:
        """Claim no more of a task for a while: the store does not answer, or it is gone and we hear of it soon."""
        if entry.claim is not None:
            self.vain[entry.id] = now + self.settings.claim_pause_s

    def resume_claims(self, now: float) -> None:
        """Let tasks be claimed again whose pause is over, for whoever waits."""
        for task in [task for task, end in self.vain.items() if end <= now]:
            del self.vain[task]
            self.tasks[task].claim = None
            self.is_woken = True

    # Blocks

    def find(self, block: str) -> tuple[TaskEntry, Block] | None:
        """Return a live block with its task."""
        task = self._where.get(block)
        if task is None:
            return None
        entry = self.tasks[task]
        return entry, entry.blocks[block]

    def add_block(self, entry: TaskEntry, block: Block) -> None:
        """Put a new, ready block in; its row is the caller's to write."""
        entry.add(block)
        self._where[block.id] = entry.id

    def split_block(self, entry: TaskEntry, block: Block, at: int, fresh: str, out: Out) -> None:
        """Cut a ready block; the row of the new part is written first, so that no index is ever in none."""
        rest = entry.split(block, at, fresh)
        self._where[rest.id] = entry.id
        out.changes += [PutBlock(rest.record()), PutBlock(block.record())]

    def lease_block(self, entry: TaskEntry, block: Block, holder: str, number: int, now: float, out: Out) -> None:
        """Lease a ready block."""
        entry.lease(block, holder, number)
        self._begin_lease(block, now)
        out.changes.append(PutBlock(block.record()))

    def free_block(self, entry: TaskEntry, block: Block, out: Out) -> None:
        """Make a leased block ready."""
        self._end_lease(block)
        entry.free(block)
        out.changes.append(PutBlock(block.record()))
        self.is_woken = True
        self.fresh.add(entry.id)

    def drop_block(self, entry: TaskEntry, block: Block, out: Out) -> None:
        """Remove a block that is still in its task."""
        entry.drop(block)
        self.drop_row(block, out)

    def drop_row(self, block: Block, out: Out) -> None:
        """Remove what is left of a block that its task let go of."""
        self._end_lease(block)
        self._where.pop(block.id, None)
        out.changes.append(DropBlock(block.id, block.task))

    def extend(self, block: Block, now: float) -> None:
        """Let a leased block's lease last from now."""
        self.leases.extend(block.task, block.id, now)

    def _begin_lease(self, block: Block, now: float) -> None:
        self.leases.extend(block.task, block.id, now)
        known = self.fleet.known.get(block.holder)
        if known is not None:
            known.blocks.add((block.task, block.id))

    def _end_lease(self, block: Block) -> None:
        self.leases.drop(block.task, block.id)
        known = self.fleet.known.get(block.holder)
        if known is not None:
            known.blocks.discard((block.task, block.id))

    # Messages

    def send(self, distributor: str, message: messages.ToDistributor, out: Out) -> None:
        """Send to a distributor if it is online."""
        known = self.fleet.known.get(distributor)
        if known is not None and known.session:
            out.commands.append(Send(known.session, message))


def ref(block: Block) -> messages.BlockRef:
    """Return a block under its present lease."""
    return messages.BlockRef(block=block.id, lease=block.lease)


def is_held(block: Block, lease: int, known: Distributor) -> bool:
    """Tell whether a distributor holds a block under this lease."""
    return block.holder == known.record.id and block.lease == lease
