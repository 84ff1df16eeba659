"""A manager in the simulation: the real core over a store in memory that survives crashes of the process.

Rule: what is not committed when the process dies is gone; commands go out only after the commit.
"""

from collections.abc import Callable

from disio_manager.core import changes as ch
from disio_manager.core import commands as cmd
from disio_manager.core import events as ev
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.errors import DisioError
from tests.simulation.clockwork import Alarm, Clockwork, Host
from tests.simulation.manager_store import copied
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
        self._settings = CoreSettings(
            cluster="c", manager=name, max_block=clock.random.choice([5, 20, 10_000]), min_block=2, grant_parts=4
        )
        self.trouble = 0.0
        """How likely a commit fails."""
        self._delivered: dict[tuple[str, str], messages.Deliver] = {}
        self._alarm = Alarm(self.host, lambda: self.handle(ev.Ticked(self.host.wall, self.fresh())))
        self.core: Coordinator | None = None
        self.start()

    @property
    def is_up(self) -> bool:
        """Tell whether the process runs."""
        return self.core is not None

    @property
    def answers(self) -> bool:
        """Tell whether a person's request gets through."""
        return self.is_up and not self.host.is_stopped

    def start(self) -> None:
        """Start the process from what is on disk."""
        known = [copied(record) for record in self.disk.distributors.values()]
        self.core = Coordinator.restore(self.disk.load(), known, self._settings, self.clock.now, self.host.wall)
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
        if self.core is None:
            return False
        self.clock.trace(f"{self.name} handles", event)
        decision = self.core.handle(event, self.clock.now)
        if decision.changes and self.clock.chance(self.trouble):
            self._fail(decision.changes)
            return False
        self._referee.commit(decision.changes, self.clock.now)
        for command in decision.commands:
            if isinstance(command, cmd.Send):
                self._check_sent(command.session, command.message)
                self._send(self, command.session, command.message)
        self._alarm.set(self.core.next_deadline())
        return True

    def _fail(self, changes: list[ch.Change]) -> None:
        """Let a commit fail, written or not: the core is thrown away and loaded again, nothing is sent."""
        is_written = self.clock.chance(0.5)
        if is_written:
            self._referee.commit(changes, self.clock.now)
        self.clock.tell(f"{self.name}: a commit failed, {'written' if is_written else 'not written'}")
        self.crash()
        self.host.after(RELOAD_S * self.clock.random.random(), lambda: None if self.is_up else self.start())

    def fresh(self) -> tuple[str, ...]:
        """Return ids for new blocks."""
        self._ids += FRESH_IDS
        return tuple(f"{self.name}b{self._ids - k}" for k in range(FRESH_IDS))

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
            assert not isinstance(message, messages.Packed), "packing is the link's"
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

    def _check_committed(self, delivered: messages.Deliver) -> None:
        disk, settled = self.disk, self._referee.settled
        parts: list[messages.ResultColumns | messages.FailureColumns] = [*delivered.results, *delivered.failures]
        for part in parts:
            if disk.is_open(part.task):
                lost = [index for index in part.indexes if (part.task, index) not in settled]
                assert not lost, f"{self.name} committed indexes {lost[:5]} of {part.task} and has not saved them"

    def _check_granted(self, distributor: str, grant: messages.BlockGrant) -> None:
        where, disk = f"{self.name} granted {grant} to {distributor}", self.disk
        assert disk.is_open(grant.task), f"{where}, but the task is closed"
        assert disk.tasks[grant.task].state == "running", f"{where}, but it is {disk.tasks[grant.task].state}"
        row = disk.blocks.get(grant.task, {}).get(grant.block)
        assert row is not None and (row.start, row.stop) == (grant.start, grant.stop), f"{where}, but the row is {row}"
        assert (row.holder, row.lease) == (distributor, grant.lease), f"{where}, but the row is {row}"
        done = {index for start, stop in grant.done for index in range(start, stop)}
        closed = {index for index in range(row.start, row.stop) if disk.is_closed_index(grant.task, index)}
        assert done == closed, f"{where}, but {sorted(done ^ closed)[:5]} are another way"
