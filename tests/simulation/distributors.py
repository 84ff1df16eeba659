"""A distributor in the simulation: the real core over a cache in memory that survives crashes of the process.

Rule: what is not committed when the process dies is gone; commands go out only after the commit.
"""

from collections.abc import Callable
from functools import partial

from disio_distributor.core import changes as ch
from disio_distributor.core import commands as cmd
from disio_distributor.core import events as ev
from disio_distributor.core.dispatcher import Dispatcher
from disio_distributor.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.errors import DisioError
from tests.simulation.caches import CacheDisk
from tests.simulation.clients import Character
from tests.simulation.clockwork import Alarm, Clockwork, Host
from tests.simulation.hand_referee import HandReferee
from tests.simulation.links import ManagerLink
from tests.simulation.network import Network, Socket
from tests.simulation.referee import Referee

READ_S = 0.1
"""Seconds in which the cache reads entries of the outbox back."""


class DistributorNode:
    """A distributor process that can crash and come back.

    Args:
        managers: Names of the managers it links to.
        up: Puts a message of a link's session on the network to that manager.
        late_s: Tells for how long a distributor could have known that a task is closed.
    """

    def __init__(
        self,
        clock: Clockwork,
        network: Network,
        name: str,
        managers: list[str],
        up: Callable[["DistributorNode", str, str, messages.FromDistributor], None],
        referee: Referee,
        characters: dict[str, Character],
        late_s: Callable[[str], float],
    ) -> None:
        self.clock, self.name, self.host, self.disk = clock, name, Host(clock, name), CacheDisk(name)
        self.url = f"http://{name}"
        self._late_s = late_s
        self.referee = HandReferee(name, self.disk, referee, characters)
        self.core: Dispatcher | None = None
        self.sockets: dict[str, Socket] = {}
        self._asked: dict[tuple[str, int], messages.FromClient] = {}
        self._boots = 0
        self.trouble = 0.0
        """How likely a commit fails."""
        self._alarm = Alarm(self.host, lambda: self.handle(ev.Ticked()))
        self.links = {
            each: ManagerLink(clock, network, self.host, each, self.join_message, partial(up, self), self.handle)
            for each in managers
        }
        self.start()

    @property
    def is_up(self) -> bool:
        """Tell whether the process runs."""
        return self.core is not None

    @property
    def is_linked(self) -> bool:
        """Tell whether any manager has let it in."""
        return any(link.is_admitted for link in self.links.values())

    def start(self) -> None:
        """Start the process from what is in the cache."""
        self._boots += 1
        # So little of the outbox is kept in memory that it is read back now and then.
        settings = CoreSettings(max_outbox_memory=2_000)
        self.core = Dispatcher.restore(self.disk.load(), settings, f"boot{self._boots}", self.clock.now)
        self.clock.tell(f"{self.name} up")
        self._alarm.set(self.core.next_deadline())
        for link in self.links.values():
            link.join()

    def crash(self) -> None:
        """kill -9."""
        self.core = None
        self.host.restart()
        self.referee.restarted()
        for link in self.links.values():
            link.reset()
        for socket in list(self.sockets.values()):
            socket.close("server")
        self.sockets.clear()
        self._asked.clear()
        self.clock.tell(f"{self.name} killed")

    def handle(self, event: ev.Event) -> bool:
        """Decide, save, then send; return whether the process took the event."""
        if self.core is None:
            return False
        if self.clock.is_verbose and isinstance(event, ev.ManagerSaid | ev.ManagerAdmitted):
            self.clock.trace(f"{self.name} handles", event)
        try:
            decision = self.core.handle(event, self.clock.now)
        except DisioError as refusal:
            self.clock.tell(f"{self.name} refused {type(event).__name__}: {refusal}")
            return False
        if decision.changes and self.clock.chance(self.trouble):
            self._fail(event, decision.changes)
            return False
        self._commit(event, decision.changes)
        for command in decision.commands:
            if self.core is not None:  # it may have drained: what comes behind that is not sent any more
                self._perform(command)
        if self.core is not None:
            self._alarm.set(self.core.next_deadline())
        return True

    def join_message(self) -> messages.Join:
        """Return what a session of a link begins with."""
        held = [messages.BlockRef(block=b.block, lease=b.lease, manager=b.manager) for b in self.disk.blocks.values()]
        return messages.Join(
            version=messages.PROTOCOL_VERSION, distributor=self.name, name=self.name, url=self.url, max_clients=100,
            held=held,
        )  # fmt: skip

    def _commit(self, event: ev.Event, changes: list[ch.Change]) -> None:
        if isinstance(event, ev.ManagerSaid):
            self.referee.told(event.link, event.message)
        elif isinstance(event, ev.ManagerAdmitted):
            self.referee.told(event.link, event.admitted)
        self.referee.commit(changes)

    def _fail(self, event: ev.Event, changes: list[ch.Change]) -> None:
        """Let a commit fail, written or not: the core is loaded again, clients and manager start over."""
        is_written = self.clock.chance(0.5)
        if is_written:
            self._commit(event, changes)
        self.clock.tell(f"{self.name}: a commit failed, {'written' if is_written else 'not written'}")
        self.crash()
        self.start()

    def drain(self) -> None:
        """Stop in good order, as an operator does."""
        self.clock.tell(f"{self.name} is told to drain")
        self.host.run(lambda: self.handle(ev.DrainAsked("an operator stops it")))

    # The clients' side

    def accept(self, socket: Socket) -> bool:
        """Take a connection."""
        if self.core is None or self.host.is_stopped or self.core._state.draining:
            return False
        self.sockets[socket.session] = socket
        return True

    def receive(self, socket: Socket, message: messages.FromClient, request: int) -> None:
        """Take a message of a client."""
        if self.core is None or socket.session not in self.sockets:
            return
        if isinstance(message, messages.Hello):
            name = socket.client.host.name
            if self.handle(ev.ClientJoined(socket.session, name, message, "127.0.0.1")):
                welcome = messages.Welcome(
                    version=1, client_id=name, secret="s", distributor=self.name, heartbeat_s=10.0,
                    max_result_bytes=1 << 20, max_state_bytes=1 << 20,
                )  # fmt: skip
                socket.to_client(welcome, request)
            return
        if request:
            self._asked[socket.session, request] = message
        self.handle(ev.ClientSaid(socket.session, message, request))

    def closed(self, socket: Socket) -> None:
        """Notice that a client's connection is gone."""
        if self.sockets.pop(socket.session, None) is not None:
            self.handle(ev.ClientLeft(socket.session))

    def _perform(self, command: cmd.Command) -> None:
        match command:
            case cmd.SendClient(session, message):
                self._send(session, message, 0)
            case cmd.Reply(session, request, message):
                self._reply(session, request, message)
            case cmd.CloseClient(session):
                socket = self.sockets.pop(session, None)
                if socket is not None:
                    socket.close("server")
            case cmd.SendManager(link, message):
                self.referee.sends(message)
                self.links[link].send(message)
            case cmd.ReadOutbox(ids):
                self.host.after(READ_S * self.clock.random.random(), partial(self._read, ids))
            case cmd.Drained():
                self.clock.tell(f"{self.name} has drained")
                self.crash()
                self.clock.after(self.clock.between(1.0, 40.0), lambda: None if self.is_up else self.start())

    def _read(self, ids: list[int]) -> None:
        found = [self.disk.outbox[each] for each in ids if each in self.disk.outbox]
        self.handle(ev.OutboxRead(found, [each for each in ids if each not in self.disk.outbox]))

    def _reply(self, session: str, request: int, message: messages.ToClient) -> None:
        asked = self._asked.pop((session, request), None)
        if asked is not None:
            self.referee.replied(session.split(".")[0], asked, message)
        self._send(session, message, request)

    def _send(self, session: str, message: messages.ToClient, request: int) -> None:
        socket = self.sockets.get(session)
        if socket is None:
            return
        if isinstance(message, messages.Assign):
            self._check_assign(socket, message)
        socket.to_client(message, request)

    def _check_assign(self, socket: Socket, message: messages.Assign) -> None:
        assert self.core is not None
        live = self.core._state.assignments.of_task(message.task)
        late_s = self._late_s(message.task) if self.is_linked else 0.0
        self.referee.assigned(socket.client.host.name, message, live, late_s)
