"""A manager in the simulation: the real core over a store in memory that survives crashes of the process.

Rule: what is not committed when the process dies is gone; commands go out only after the commit.
"""

from collections.abc import Callable

import msgspec

from disio_manager.core import changes as ch
from disio_manager.core import commands as cmd
from disio_manager.core import events as ev
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.errors import DisioError, StoreUnavailable
from disio_shared.ranges import RangeSet
from tests.simulation.clockwork import Alarm, Clockwork, Host
from tests.simulation.referee import Referee

FRESH_IDS = 64
RELOAD_S = 1.0


class ManagerNode:
    """A manager process that can crash and come back.

    Args:
        send: Puts a message for a session on the network.
    """

    def __init__(
        self,
        clock: Clockwork,
        name: str,
        referee: Referee,
        send: Callable[["ManagerNode", str, messages.ToDistributor], None],
    ) -> None:
        self.clock, self.name, self.host, self.disk = clock, name, Host(clock, name), referee.disk
        self._referee, self._send, self._ids = referee, send, 0
        self._settings = self._drawn_settings()
        self.trouble = 0.0
        """How likely a commit fails."""
        self.cut_until = 0.0
        """Until when it does not reach the database."""
        self._delivered: dict[tuple[str, str], messages.Deliver] = {}
        self._alarm = Alarm(self.host, lambda: self.handle(ev.Ticked(self.host.wall, self.fresh())))
        self.core: Coordinator | None = None

    def _drawn_settings(self) -> CoreSettings:
        max_block = self.clock.random.choice([5, 20, 10_000])
        return CoreSettings(cluster="c", manager=self.name, max_block=max_block, min_block=2, grant_parts=4)

    @property
    def is_up(self) -> bool:
        """Tell whether the process runs."""
        return self.core is not None

    @property
    def answers(self) -> bool:
        """Tell whether a person's request gets through."""
        return self.is_up and not self.host.is_stopped

    def cut_off(self, seconds: float) -> None:
        """Let the database be out of reach for a while."""
        self.clock.tell(f"{self.name} does not reach the database for {seconds:.0f} s")
        self.cut_until = max(self.cut_until, self.clock.now + seconds)

    @property
    def is_cut_off(self) -> bool:
        """Tell whether the database is out of reach."""
        return self.clock.now < self.cut_until

    def holds(self, task: str) -> bool:
        """Tell whether the core holds a task."""
        return self.core is not None and self.core.task_view(task, self.clock.now) is not None

    def start(self) -> None:
        """Start the process from what is on disk."""
        self._load()

    def _load(self) -> None:
        known = [msgspec.structs.replace(record) for record in self.disk.distributors.values()]
        loaded = self.disk.tasks_of(self.name)
        self.core = Coordinator.restore(loaded, known, self._settings, self.clock.now, self.host.wall)
        self.clock.tell(f"{self.name} up")
        self._alarm.set(self.core.next_deadline())

    def crash(self) -> None:
        """kill -9."""
        self.core = None
        self.host.restart()
        self._delivered.clear()
        self.clock.tell(f"{self.name} killed")

    def handle(self, event: ev.Event) -> bool:
        """Decide, save, then send; return whether the event was taken and is durable.

        Raises:
            DisioError: The core refused it.
        """
        if self.core is None or self._is_stale():
            return False
        if self.clock.is_verbose:
            self.clock.trace(f"{self.name} handles", event)
        try:
            decision = self.core.handle(event, self.clock.now)
            if decision.changes and self.clock.chance(self.trouble):
                self._fail(decision.changes)
                return False
            self._save(decision.changes)
            self.core.saved()
        except StoreUnavailable as trouble:
            self._reload(str(trouble))
            return False
        for command in decision.commands:
            self._perform(command)
        self._alarm.set(self.core.next_deadline())
        return True

    def _is_stale(self) -> bool:
        """Tell whether memory may not be decided on."""
        return False

    def _save(self, changes: list[ch.Change]) -> None:
        self._referee.commit(changes, self.clock.now, self.name)

    def _perform(self, command: cmd.Command) -> None:
        if isinstance(command, cmd.Send):
            message = _filled(command)
            self._check_sent(command.session, message)
            self._send(self, command.session, message)

    def _fail(self, changes: list[ch.Change]) -> None:
        """Let a commit fail, written or not."""
        is_written = self.clock.chance(0.5)
        if is_written:
            self._save(changes)
        self._reload(f"a commit failed, {'written' if is_written else 'not written'}")

    def _reload(self, why: str) -> None:
        """Throw the core away and load it again; nothing is sent."""
        self.clock.tell(f"{self.name}: {why}")
        self.crash()
        self.host.after(RELOAD_S * self.clock.random.random(), lambda: None if self.is_up else self.start())

    def fresh(self) -> tuple[str, ...]:
        """Return ids for new blocks."""
        self._ids += FRESH_IDS
        name, last = self.name, self._ids
        return tuple([f"{name}b{number}" for number in range(last, last - FRESH_IDS, -1)])

    def say(self, session: str, message: messages.FromDistributor) -> None:
        """Take a message of a distributor's session, as the link does."""
        if isinstance(message, messages.Join):
            self._take(session, ev.DistributorJoined(session, message, self.host.wall))
        elif isinstance(message, messages.FetchWorkunit):
            if self.is_up:
                code = messages.WorkunitCode(workunit=message.workunit, language="javascript", code=b"x")
                self._send(self, session, code)
        else:
            if isinstance(message, messages.Deliver):
                self._delivered[session, message.batch] = message
            assert not isinstance(message, messages.Packed | messages.ClientRows | messages.Story | messages.Sites), (
                "these are the link's"
            )
            fresh = self.fresh() if isinstance(message, messages.Ask) else ()
            self._take(session, ev.MessageArrived(session, message, self.host.wall, fresh))

    def left(self, session: str) -> None:
        """Notice that a distributor's session is over."""
        self.host.run(lambda: self._take(session, ev.DistributorLeft(session, self.host.wall)))

    def _take(self, session: str, event: ev.Event) -> None:
        try:
            self.handle(event)
        except DisioError as refusal:
            self.clock.tell(f"{self.name} refused {type(event).__name__} of {session}: {refusal}")

    def _check_sent(self, session: str, message: messages.ToDistributor) -> None:
        """Check what is about to be sent against what is saved."""
        if isinstance(message, messages.Committed):
            self._check_committed(self._delivered.pop((session, message.batch)))
        elif isinstance(message, messages.Grant):
            for grant in message.blocks:
                self._check_granted(session.split("/")[0], grant)
        elif isinstance(message, messages.Revoke):
            self._check_revoked(session.split("/")[0], message.blocks)
        elif isinstance(message, messages.Admitted):
            self._check_revoked(session.split("/")[0], message.revoked)

    def _check_committed(self, delivered: messages.Deliver) -> None:
        disk, settled = self.disk, self._referee.settled
        parts: list[messages.ResultColumns | messages.FailureColumns] = [*delivered.results, *delivered.failures]
        for part in parts:
            if disk.is_open(part.task):
                lost = [index for index in part.indexes if (part.task, index) not in settled]
                assert not lost, f"{self.name} committed indexes {lost[:5]} of {part.task} and has not saved them"

    def _check_revoked(self, distributor: str, refs: list[messages.BlockRef]) -> None:
        disk = self.disk
        for row in [disk.blocks[ref.block] for ref in refs if ref.block in disk.blocks]:
            is_held = (row.holder, row.lease) in [(distributor, ref.lease) for ref in refs if ref.block == row.id]
            is_mine = disk.is_open(row.task) and disk.owner_of(row.task, row.start) == self.name
            assert not (is_held and is_mine), f"{self.name} revoked {row}, which it leases to {distributor}"

    def _check_granted(self, distributor: str, grant: messages.BlockGrant) -> None:
        where, disk = f"{self.name} granted {grant} to {distributor}", self.disk
        if self._referee.closed_at.get(grant.task) == self.clock.now:
            return  # its deadline was found to be over after the same message, and that is told right behind
        if not self._may_not_know(grant.task):
            assert disk.is_open(grant.task), f"{where}, but the task is closed"
            assert disk.tasks[grant.task].state == "running", f"{where}, but it is {disk.tasks[grant.task].state}"
        elif not disk.is_open(grant.task):
            return
        row = disk.blocks.get(grant.block)
        assert row is not None and (row.start, row.stop) == (grant.start, grant.stop), f"{where}, but the row is {row}"
        assert (row.holder, row.lease) == (distributor, grant.lease), f"{where}, but the row is {row}"
        done = {index for start, stop in grant.done for index in range(start, stop)}
        closed = {index for index in range(row.start, row.stop) if disk.is_closed_index(grant.task, index)}
        untold = {index for index in closed - done if (grant.task, index) in disk.untold}
        assert done == closed - untold, f"{where}, but {sorted(done ^ closed)[:5]} are another way"

    def _may_not_know(self, task: str) -> bool:
        """Tell whether another manager changed a task, and this one has not looked since."""
        return False


def _filled(command: cmd.Send) -> messages.ToDistributor:
    """Return a message with the stored payloads that it lacks."""
    grant = command.message
    if not command.reads or not isinstance(grant, messages.Grant):
        return grant
    blocks = list(grant.blocks)
    for read in command.reads:
        block = blocks[read.at]
        wanted = RangeSet(read.runs)
        values = [b"%d" % index if index in wanted else b"" for index in range(block.start, block.stop)]
        blocks[read.at] = msgspec.structs.replace(block, payloads=values)
    return msgspec.structs.replace(grant, blocks=blocks)
