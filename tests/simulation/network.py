"""The network: a link that loses, repeats, delays and reorders, streams that break, and partitions.

Rule: whether something arrives is decided here alone, from the seed; the nodes only send.
"""

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from disio_shared import messages
from tests.simulation.clockwork import Clockwork, Host

LATENCY_S = 0.08
NOTICE_S = (8.0, 25.0)
"""How long it takes until an end of a connection finds the other one silent: pings and their timeouts."""


class Network:
    """Who can reach whom, and how badly."""

    def __init__(self, clock: Clockwork) -> None:
        self.clock = clock
        self.is_stormy = True
        self._cuts: dict[tuple[str, str], float] = {}
        self._free_at: dict[tuple[str, str], float] = {}
        self._held: dict[int, Callable[[], None]] = {}
        """Arrivals that wait for the end of a partition."""
        self._holds = 0

    def cut(self, senders: Iterable[str], receivers: Iterable[str], seconds: float) -> None:
        """Let nothing through from the first to the second for a while."""
        receivers = list(receivers)
        for sender in senders:
            for receiver in receivers:
                until = self.clock.now + seconds
                self._cuts[sender, receiver] = max(until, self._cuts.get((sender, receiver), 0.0))

    def heal(self) -> None:
        """Join everything again, and be kind from now on: what partitions held up goes on before anything new."""
        self._cuts.clear()
        self.is_stormy = False
        held, self._held = self._held, {}
        for arrival in held.values():
            self.clock.after(0.0, arrival)

    def hold(self, arrival: Callable[[], None], until: float) -> None:
        """Let something arrive when a partition is over."""
        self._holds += 1
        self._held[self._holds] = arrival
        self.clock.after(until - self.clock.now, partial(self._release, self._holds))

    def _release(self, number: int) -> None:
        arrival = self._held.pop(number, None)
        if arrival is not None:
            arrival()

    def blocked_until(self, sender: str, receiver: str) -> float:
        """Return until when nothing gets through; a time in the past = it does."""
        return self._cuts.get((sender, receiver), 0.0) if self._cuts else 0.0

    def is_open(self, one: str, other: str) -> bool:
        """Tell whether both can reach each other."""
        now = self.clock.now
        return self.blocked_until(one, other) <= now and self.blocked_until(other, one) <= now

    def carry(self, sender: str, receiver: Host, action: Callable[[], object], is_sure: bool = False) -> None:
        """Deliver a message of a link, in order; in the storm also not at all, twice, or long after later ones.

        Args:
            sender: Name of the sending machine.
            receiver: The other machine.
            action: What the arrival does.
            is_sure: What the transport promises and the cores rely on: no loss and no overtaking within a session.
        """
        copies, chance, clock = 1, self.clock.chance, self.clock
        if self.is_stormy and not is_sure:
            copies = 0 if chance(0.05) else 2 if chance(0.05) else 1
        for _ in range(copies):
            at = clock.now + 0.001 + 0.1 * clock.random.random()
            if self.is_stormy and not is_sure and chance(0.05):
                at += clock.between(0.0, 15.0)
            else:
                at = self._free_at[sender, receiver.name] = max(at, self._free_at.get((sender, receiver.name), 0.0))
            clock.after(at - clock.now, partial(self._arrive, sender, receiver, action, is_sure))

    def _arrive(self, sender: str, receiver: Host, action: Callable[[], object], is_sure: bool) -> None:
        until = self.blocked_until(sender, receiver.name)
        if until <= self.clock.now:
            receiver.run(action)
        elif is_sure or self.clock.chance(0.5):
            self.hold(partial(self._arrive, sender, receiver, action, is_sure), until)


class Stream:
    """One direction of a connection: in order, and held up by a partition."""

    def __init__(self, network: Network, sender: str, receiver: Host) -> None:
        self._network, self._sender, self._receiver = network, sender, receiver
        self._queue: deque[tuple[float, Callable[[], object]]] = deque()

    def put(self, action: Callable[[], object]) -> None:
        """Send."""
        clock = self._network.clock
        self._queue.append((clock.now + 0.001 + LATENCY_S * clock.random.random(), action))
        if len(self._queue) == 1:
            self._wait()

    def clear(self) -> None:
        """Lose what is under way."""
        while len(self._queue) > 1:
            self._queue.pop()
        if self._queue:
            self._queue[0] = (self._queue[0][0], lambda: None)

    def _wait(self) -> None:
        clock = self._network.clock
        clock.after(self._queue[0][0] - clock.now, self._arrive)

    def _arrive(self) -> None:
        clock = self._network.clock
        until = self._network.blocked_until(self._sender, self._receiver.name)
        if until > clock.now:
            self._network.hold(self._arrive, until + 0.01)
            return
        action = self._queue[0][1]
        self._receiver.run(action)
        self._queue.popleft()
        if self._queue:
            self._wait()


class ClientEnd(Protocol):
    """What a connection sees of a client."""

    host: Host

    def receive(self, socket: "Socket", message: messages.ToClient, request: int) -> None:
        """Take a message; with ``request`` it is the answer to that one."""
        ...

    def lost(self, socket: "Socket") -> None:
        """Notice that the connection is gone."""
        ...


class Server(Protocol):
    """What a client sees of a distributor."""

    name: str
    host: Host

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
    """One connection between a client and a distributor; each side notices its end for itself."""

    def __init__(self, network: Network, client: ClientEnd, server: Server, session: str) -> None:
        self.client, self.server, self.session = client, server, session
        self._network = network
        self._is_open = {"client": True, "server": True}
        self._up = Stream(network, client.host.name, server.host)
        self._down = Stream(network, server.host.name, client.host)

    @property
    def is_open(self) -> bool:
        """Tell whether both ends take it for alive."""
        return all(self._is_open.values())

    def to_server(self, message: messages.FromClient, request: int) -> None:
        """Send up."""
        if self._is_open["client"]:
            sent = messages.FROM_CLIENT.decode(messages.FROM_CLIENT.encode(message))
            self._up.put(partial(self._reach_server, sent, request))

    def to_client(self, message: messages.ToClient, request: int = 0) -> None:
        """Send down; with ``request`` as the acknowledgement of that message."""
        if self._is_open["server"]:
            sent = messages.TO_CLIENT.decode(messages.TO_CLIENT.encode(message))
            self._down.put(partial(self._reach_client, sent, request))

    def close(self, side: str) -> None:
        """End it on one side; the other one notices sooner or later, and may still get what was under way."""
        if not self._is_open[side]:
            return
        self._end(side, is_told=False)
        clock = self._network.clock
        if clock.chance(0.5):
            (self._up if side == "client" else self._down).clear()
        other = "server" if side == "client" else "client"
        clock.after(clock.between(0.0, 20.0 if clock.chance(0.3) else 0.2), partial(self._end, other))

    def break_off(self) -> None:
        """Break in the middle: neither side did it, each notices for itself."""
        clock = self._network.clock
        for side in ("client", "server"):
            clock.after(clock.between(0.0, 20.0 if clock.chance(0.3) else 0.2), partial(self._end, side))
        self._up.clear()
        self._down.clear()

    def starve(self) -> None:
        """Let the ends that hear nothing any more give up after a while."""
        clock, names = self._network.clock, (self.client.host.name, self.server.host.name)
        for side, (sender, receiver) in (("client", names[::-1]), ("server", names)):
            if self._network.blocked_until(sender, receiver) > clock.now:
                clock.after(clock.between(*NOTICE_S), partial(self._give_up, side, sender, receiver))

    def _give_up(self, side: str, sender: str, receiver: str) -> None:
        if self._network.blocked_until(sender, receiver) > self._network.clock.now and self._is_open[side]:
            self._end(side)
            clock, other = self._network.clock, "server" if side == "client" else "client"
            clock.after(clock.between(0.0, 30.0), partial(self._end, other))

    def _end(self, side: str, is_told: bool = True) -> None:
        if not self._is_open[side]:
            return
        self._is_open[side] = False
        if is_told and side == "client":
            self.client.host.run(partial(self.client.lost, self))
        elif is_told:
            self.server.host.run(partial(self.server.closed, self))

    def _reach_server(self, message: messages.FromClient, request: int) -> None:
        if self._is_open["server"]:
            self.server.receive(self, message, request)

    def _reach_client(self, message: messages.ToClient, request: int) -> None:
        if self._is_open["client"]:
            self.client.receive(self, message, request)
