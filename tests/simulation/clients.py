"""Clients in the simulation: the real session over slots that only pretend to compute.

Rule: a unit's outcome depends on its task and index alone, so every client agrees and every result can be checked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from disio_client import events as ev
from disio_client.session import Session
from disio_shared import messages
from tests.simulation.clockwork import Alarm, Clockwork

SLOTS = 2


def value_of(task: str, index: int) -> bytes:
    """Return the right result."""
    return b"%d" % (index * index + len(task))


def is_poison(task: str, index: int) -> bool:
    """Tell whether a payload fails wherever it runs."""
    return task.endswith("p") and index % 23 == 7


class Server(Protocol):
    """What a client sees of a distributor."""

    name: str

    def accept(self, socket: "Socket") -> bool:
        """Take a new connection; False = nobody listens."""
        ...

    def receive(self, socket: "Socket", message: messages.FromClient, request: int) -> None:
        """Take a message; ``request`` 0 = not acknowledged."""
        ...

    def closed(self, socket: "Socket") -> None:
        """Notice that a connection is gone."""
        ...


class Socket:
    """One connection: first in, first out, and gone at once or silently."""

    def __init__(self, clock: Clockwork, client: "ClientNode", server: Server, session: str) -> None:
        self.clock, self.client, self.server, self.session = clock, client, server, session
        self.is_open = True
        self._free_at = {True: 0.0, False: 0.0}

    def to_server(self, message: messages.FromClient, request: int) -> None:
        """Send up."""
        data = messages.FROM_CLIENT.encode(message)
        self._later(True, lambda: self.server.receive(self, messages.FROM_CLIENT.decode(data), request))

    def to_client(self, message: messages.ToClient, request: int = 0) -> None:
        """Send down; with ``request`` as the acknowledgement of that message."""
        data = messages.TO_CLIENT.encode(message)
        self._later(False, lambda: self.client.receive(self, messages.TO_CLIENT.decode(data), request))

    def shut(self) -> None:
        """Break: each side notices for itself, sooner or later."""
        if not self.is_open:
            return
        self.is_open = False
        draw = self.clock.random.uniform
        self.clock.after(draw(0.0, 20.0 if self.clock.chance(0.3) else 0.2), lambda: self.server.closed(self))
        self.clock.after(draw(0.0, 20.0 if self.clock.chance(0.3) else 0.2), lambda: self.client.lost(self))

    def _later(self, is_up: bool, action: Callable[[], object]) -> None:
        """Deliver in order, if the connection still stands by then."""
        at = max(self._free_at[is_up], self.clock.now + self.clock.random.uniform(0.001, 0.08))
        self._free_at[is_up] = at
        self.clock.after(at - self.clock.now, lambda: action() if self.is_open else None)


@dataclass
class Running:
    """What a slot pretends to run."""

    run: int
    generation: int


class ClientNode:
    """A client process that can vanish and come back."""

    def __init__(
        self, clock: Clockwork, name: str, find_server: Callable[[], Server | None], is_mute: bool = False
    ) -> None:
        self.clock, self.name, self._find_server = clock, name, find_server
        self._is_mute = is_mute
        """It connects, as a hidden tab does, and never asks for work."""
        self.speed_s = clock.random.choice([0.02, 0.1, 0.5, 2.0])
        self.session: Session | None = None
        self.socket: Socket | None = None
        self.has_left = False
        self._generation = self._connections = 0
        self._alarm = Alarm(clock, lambda: self._handle(ev.Tick()))
        self._runs: dict[int, Running] = {}
        self.start()

    def start(self) -> None:
        """Start the process."""
        hello = messages.Hello(
            version=messages.PROTOCOL_VERSION, kind="cli", languages=["javascript"], cores=SLOTS, name=self.name
        )
        self.session, self.has_left = Session(hello, SLOTS), False
        self._generation += 1
        if self.socket is not None:
            self.socket.shut()
            self.socket = None
        for slot in range(SLOTS):
            self._slot_up(slot)
        self._connect(self.clock.random.uniform(0.0, 1.0))

    def vanish(self) -> None:
        """kill -9."""
        self.session = None
        self._generation += 1
        self._runs.clear()
        if self.socket is not None:
            self.socket.shut()
        self.clock.tell(f"{self.name} killed")

    def leave(self) -> None:
        """Ctrl-C."""
        self._handle(ev.LeaveAsked(1.0))

    def receive(self, socket: Socket, message: messages.ToClient, request: int) -> None:
        """Take a message of the distributor."""
        if socket is not self.socket or self.session is None:
            return
        self._handle(ev.Acknowledged(request - 1, message) if request else ev.Received(message))

    def lost(self, socket: Socket) -> None:
        """Notice a broken connection."""
        if socket is self.socket and self.session is not None:
            self.socket = None
            self._handle(ev.Disconnected())
            self._connect(self.clock.random.uniform(0.2, 3.0))

    def _connect(self, delay_s: float) -> None:
        self._connections += 1
        number = self._connections
        self.clock.after(delay_s, lambda: self._dial(number))

    def _dial(self, number: int) -> None:
        if number != self._connections or self.session is None or self.has_left:
            return
        server = self._find_server()
        socket = None if server is None else Socket(self.clock, self, server, f"{self.name}.{number}")
        if socket is None or not socket.server.accept(socket):
            self._connect(self.clock.random.uniform(0.5, 5.0))
            return
        self.socket = socket
        self._handle(ev.Connected(self.name, "secret"))

    def _handle(self, event: ev.Event) -> None:
        if self.session is None:
            return
        decision = self.session.handle(event, self.clock.now)
        for command in decision.commands:
            self._perform(command)
        if self.session is not None:
            self._alarm.set(self.session.next_deadline())

    def _perform(self, command: ev.Command) -> None:
        match command:
            case ev.Send(message):
                self._up(message, 0)
            case ev.SendAcked(number, message):
                self._up(message, number + 1)
            case ev.StartRun():
                self._run(command)
            case ev.StopSlot(slot):
                self._runs.pop(slot, None)
                self._slot_up(slot)
            case _:
                self._perform_rest(command)

    def _perform_rest(self, command: ev.Command) -> None:
        match command:
            case ev.Reconnect():
                if self.socket is not None:
                    self.socket.shut()
                    self.socket = None
                self._connect(max(command.after_s, self.clock.random.uniform(0.2, 3.0)))
            case ev.FetchCode(workunit):
                self._later(0.1, lambda: self._handle(ev.CodeReady(workunit)))
            case ev.Left() | ev.GiveUp():
                self.has_left = True
                if self.socket is not None:
                    self.socket.shut()

    def _up(self, message: messages.FromClient, request: int) -> None:
        if self.socket is not None and not (self._is_mute and isinstance(message, messages.Ready)):
            self.socket.to_server(message, request)

    def _slot_up(self, slot: int) -> None:
        self._later(0.05, lambda: self._handle(ev.SlotUp(slot)))

    def _later(self, delay_s: float, action: Callable[[], object]) -> None:
        """Do something later in the life of this process."""
        generation = self._generation
        self.clock.after(delay_s, lambda: action() if generation == self._generation else None)

    def _run(self, start: ev.StartRun) -> None:
        self._runs[start.slot] = Running(start.run, self._generation)
        self._later(self._unit_time(), lambda: self._unit_over(start, 0))

    def _unit_time(self) -> float:
        return self.speed_s * self.clock.random.uniform(0.5, 1.5)

    def _unit_over(self, start: ev.StartRun, at: int) -> None:
        running = self._runs.get(start.slot)
        if running is None or running.run != start.run:
            return
        index = start.indexes[at]
        if is_poison(start.task, index):
            self._handle(ev.UnitsFailed(start.slot, start.run, [index], ["bad payload"], ["error"]))
        else:
            values, seconds = [value_of(start.task, index)], [self.speed_s]
            self._handle(ev.UnitsDone(start.slot, start.run, [index], values, seconds))
        if at + 1 < len(start.indexes):
            self._later(self._unit_time(), lambda: self._unit_over(start, at + 1))
        else:
            self._runs.pop(start.slot, None)
            self._handle(ev.RunFinished(start.slot, start.run))
