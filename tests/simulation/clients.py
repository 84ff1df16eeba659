"""Clients in the simulation: the real session over slots that only pretend to compute.

Rule: a unit's outcome is what the run's plans say; the session decides everything else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from disio_client import events as ev
from disio_client.session import Session
from disio_shared import messages
from tests.simulation.clockwork import Action, Alarm, Clockwork, Host
from tests.simulation.network import Network, Server, Socket
from tests.simulation.plans import LANGUAGES, STEPS, Plan, is_flaky, is_poison, read_state, state_of, value_of
from tests.simulation.referee import Referee

FindServer = Callable[[str], Server | None]
"""Given a URL, or nothing, returns a distributor that listens."""


@dataclass(frozen=True)
class Character:
    """What a client is like."""

    kind: str = "cli"
    languages: tuple[str, ...] = LANGUAGES
    memory_mb: int = 0
    slots: int = 2
    speed_s: float = 1.0
    """Seconds of a unit that takes 1."""
    is_mute: bool = False
    """It connects, as a hidden tab does, and never asks for work."""


def draw_character(clock: Clockwork) -> Character:
    """Draw one: fast ones, slow ones, some that run little, and some that say nothing."""
    draw = clock.random
    return Character(
        kind=draw.choice(["web", "web", "cli"]),
        languages=draw.choice([LANGUAGES, LANGUAGES, ("javascript",), ("javascript", "wasm"), ("python",)]),
        memory_mb=draw.choice([0, 0, 256, 2048]),
        slots=draw.choice([1, 2, 4]),
        speed_s=draw.choice([0.05, 0.3, 1.0, 1.0, 2.5, 5.0]),
        is_mute=clock.chance(0.06),
    )


class ClientNode:
    """A client process that can vanish and come back."""

    def __init__(
        self,
        clock: Clockwork,
        network: Network,
        name: str,
        character: Character,
        find_server: FindServer,
        plans: dict[str, Plan],
        referee: Referee,
    ) -> None:
        self.clock, self.name, self.character = clock, name, character
        self.host = Host(clock, name)
        self._network, self._find_server, self._plans, self._referee = network, find_server, plans, referee
        self.session: Session | None = None
        self.socket: Socket | None = None
        self.has_left = False
        self._connections = 0
        self._url = ""
        self._alarm = Alarm(self.host, lambda: self._handle(ev.Tick()))
        self._runs: dict[int, int] = {}
        self._hello = messages.Hello(
            version=messages.PROTOCOL_VERSION, kind=character.kind, languages=list(character.languages),
            cores=character.slots, memory_mb=character.memory_mb, name=name,
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start the process."""
        self.host.restart()
        self.session, self.has_left = Session(self._hello, self.character.slots), False
        self._close()
        for slot in range(self.character.slots):
            self._slot_up(slot)
        self._connect(self.clock.between(0.0, 1.0))

    def vanish(self) -> None:
        """kill -9."""
        self.session = None
        self.host.restart()
        self._runs.clear()
        self._close()
        self.clock.tell(f"{self.name} killed")

    def leave(self) -> None:
        """Ctrl-C."""
        self.host.run(lambda: self._handle(ev.LeaveAsked(1.0)))

    def receive(self, socket: Socket, message: messages.ToClient, request: int) -> None:
        """Take a message of the distributor."""
        if socket is not self.socket or self.session is None:
            return
        if self.clock.is_verbose:
            self.clock.trace(f"{socket.server.name} -> {self.name}", message)
        self._handle(ev.Acknowledged(request - 1, message) if request else ev.Received(message))

    def lost(self, socket: Socket) -> None:
        """Notice a broken connection."""
        if socket is self.socket and self.session is not None:
            self.socket = None
            self._handle(ev.Disconnected())
            self._connect(self.clock.between(0.2, 3.0))

    def holds(self, task: str, index: int, but: str = "") -> list[str]:
        """Return the tokens under which the process holds an index."""
        if self.session is None:
            return []
        work, held = self.session.work, []
        for token, batch in work.batches.items():
            if token != but and batch.assign.task == task and any(index == each for each, _ in batch.waiting):
                held.append(token)
        held += [r.token for r in work.slots.values() if r and r.token != but and r.task == task and index in r.open]
        return held

    def _close(self) -> None:
        if self.socket is not None:
            self.socket.close("client")
            self.socket = None

    def _connect(self, delay_s: float) -> None:
        self._connections += 1
        self.host.after(delay_s, partial(self._dial, self._connections))

    def _dial(self, number: int) -> None:
        if number != self._connections or self.session is None or self.has_left:
            return
        server, self._url = self._find_server(self._url), ""
        if server is None or not self._network.is_open(self.name, server.name):
            self._connect(self.clock.between(0.5, 5.0))
            return
        socket = Socket(self._network, self, server, f"{self.name}.{number}")
        if not server.accept(socket):
            self._connect(self.clock.between(0.5, 5.0))
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
                self._runs[command.slot] = command.run
                self._begin(command, 0)
            case ev.StopSlot(slot):
                self._runs.pop(slot, None)
                self._slot_up(slot)
            case _:
                self._perform_rest(command)

    def _perform_rest(self, command: ev.Command) -> None:
        match command:
            case ev.Reconnect():
                self._close()
                self._url = command.url
                self._connect(max(command.after_s, self.clock.between(0.2, 3.0)))
            case ev.FetchCode(workunit):
                self.host.after(0.1, lambda: self._handle(ev.CodeReady(workunit)))
            case ev.Left() | ev.GiveUp():
                self.has_left = True
                self._close()

    def _up(self, message: messages.FromClient, request: int) -> None:
        if self.socket is not None and not (self.character.is_mute and isinstance(message, messages.Ready)):
            if self.clock.is_verbose:
                self.clock.trace(f"{self.name} -> {self.socket.server.name}", message)
            self.socket.to_server(message, request)

    def _slot_up(self, slot: int) -> None:
        self.host.after(0.05, lambda: self._handle(ev.SlotUp(slot)))

    # Units

    def _begin(self, start: ev.StartRun, at: int) -> None:
        """Begin a unit: from the state that came with it, if one did."""
        index, step = start.indexes[at], 0
        if index in start.states:
            task, whose, step = read_state(start.states[index])
            assert (task, whose) == (start.task, index), f"{self.name} got the state of another payload"
        plan = self._plans[start.task]
        steps = STEPS if plan.has_states else 1
        seconds = plan.seconds * self.character.speed_s * self.clock.between(0.5, 1.5) / steps
        self._later(start, seconds, lambda: self._step(start, at, step + 1, steps, seconds))

    def _later(self, start: ev.StartRun, seconds: float, action: Action) -> None:
        """Do something later if the slot still runs this by then."""
        self.host.after(seconds, lambda: action() if self._runs.get(start.slot) == start.run else None)

    def _step(self, start: ev.StartRun, at: int, step: int, steps: int, seconds: float) -> None:
        if step >= steps:
            self._unit_over(start, at)
            return
        index = start.indexes[at]
        self._handle(ev.StateSaved(start.slot, start.run, index, state_of(start.task, index, step)))
        self._handle(ev.UnitProgressed(start.slot, start.run, index, step / steps))
        self._later(start, seconds, lambda: self._step(start, at, step + 1, steps, seconds))

    def _unit_over(self, start: ev.StartRun, at: int) -> None:
        index, task = start.indexes[at], start.task
        if is_poison(task, index) or (is_flaky(task, index) and self.clock.chance(0.5)):
            self._referee.unit_failed(task, index)
            self._handle(ev.UnitsFailed(start.slot, start.run, [index], ["bad payload"], ["error"]))
        else:
            seconds = self._plans[task].seconds * self.character.speed_s
            self._handle(ev.UnitsDone(start.slot, start.run, [index], [value_of(task, index)], [seconds]))
        if self._runs.get(start.slot) != start.run:
            return
        if at + 1 < len(start.indexes):
            self._begin(start, at + 1)
        else:
            del self._runs[start.slot]
            self._handle(ev.RunFinished(start.slot, start.run))
