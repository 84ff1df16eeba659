"""The storm: which faults a run has, and when.

Rule: every fault is drawn from the seed before the run begins; none strikes after the storm, which heals everything
but what is dead for good.
"""

from collections.abc import Callable
from functools import partial

from disio_manager.presence import ALIVE_S
from tests.simulation.clients import ClientNode
from tests.simulation.clockwork import Clockwork
from tests.simulation.distributors import DistributorNode
from tests.simulation.managers import ManagerNode
from tests.simulation.network import Network

STORMS_S = (30.0, 100.0, 300.0)
"""Virtual seconds of faults: the same number of them, crowded or spread."""
HOUR_S, LONG_S = 3_600.0, 400 * 86_400.0


class Storm:
    """All faults of a run."""

    def __init__(
        self,
        clock: Clockwork,
        network: Network,
        managers: list[ManagerNode],
        distributors: list[DistributorNode],
        clients: list[ClientNode],
    ) -> None:
        self.clock, self._network = clock, network
        self._managers, self._distributors, self._clients = managers, distributors, clients
        self.seconds = clock.random.choice(STORMS_S)
        self.is_over = False
        self.ended_at = 0.0
        self.dead: set[str] = set()
        """Nodes that never come back."""

    def plan(self) -> None:
        """Draw all faults."""
        draw = self.clock.random
        for each in self._servers():
            each.trouble = draw.choice([0.0, 0.0, 0.002, 0.02])
        faults: list[tuple[int, Callable[[], object]]] = [
            (4, self._crash_manager),
            (5, self._crash_distributor),
            (30, self._hurt_client),
            (6, self._cut_link),
            (3, self._partition),
            (4, self._stop_some),
            (3, self._change_wall),
        ]
        for most, fault in faults:
            for _ in range(draw.randint(0, most)):
                self._at(draw.uniform(1.0, self.seconds), fault)
        if self.clock.chance(0.3):
            self._at(draw.uniform(1.0, self.seconds), lambda: draw.choice(self._distributors).drain())
        if self.clock.chance(0.2):
            self._at(draw.uniform(1.0, self.seconds), partial(self._kill_for_good, draw.choice(self._distributors)))
        if len(self._managers) > 1:
            self._plan_for_several()
        self.clock.after(self.seconds, self.end)

    def _plan_for_several(self) -> None:
        """Draw faults that one manager survives because there is another."""
        draw = self.clock.random
        if self.clock.chance(0.3):
            self._at(draw.uniform(1.0, self.seconds), partial(self._kill_for_good, draw.choice(self._managers)))
        for _ in range(draw.choice([0, 1, 1, 2])):
            self._at(draw.uniform(1.0, self.seconds), self._pause_manager)
        for _ in range(draw.choice([0, 0, 1, 2])):
            self._at(draw.uniform(1.0, self.seconds), self._cut_manager)

    def end(self) -> None:
        """End the storm: the network heals, clocks are set right, stores work, processes are started."""
        if self.is_over:
            return
        self.is_over, self.ended_at = True, self.clock.now
        self.clock.tell("the storm is over")
        self._network.heal()
        for manager in self._managers:
            manager.cut_until = 0.0
        for each in self._servers():
            each.trouble = 0.0
            each.host.wall_error = 0.0
            if not each.is_up and each.name not in self.dead:
                each.start()

    def _servers(self) -> list[ManagerNode | DistributorNode]:
        return [*self._managers, *self._distributors]

    def _at(self, delay_s: float, fault: Callable[[], object]) -> None:
        self.clock.after(delay_s, lambda: None if self.is_over else fault())

    def _back(self, low_s: float, high_s: float, node: ManagerNode | DistributorNode) -> None:
        self.clock.after(
            self.clock.between(low_s, high_s),
            lambda: None if node.is_up or node.name in self.dead else node.start(),
        )

    # Managers and distributors

    def _crash_manager(self) -> None:
        node = self.clock.random.choice(self._managers)
        if node.is_up:
            self._end_manager(node)
            self._back(0.5, 90.0, node)

    def _end_manager(self, node: ManagerNode) -> None:
        node.crash()
        for distributor in self._distributors:
            distributor.links[node.name].lose_later()

    def _pause_manager(self) -> None:
        """Let a manager stand still for so long that the others take it for gone, then go on as if nothing was."""
        self.clock.random.choice(self._managers).host.stop(self.clock.between(ALIVE_S, 4 * ALIVE_S))

    def _cut_manager(self) -> None:
        self.clock.random.choice(self._managers).cut_off(self.clock.between(3.0, 3 * ALIVE_S))

    def _crash_distributor(self) -> None:
        node = self.clock.random.choice(self._distributors)
        if node.is_up:
            self._crash(node)
            self._back(0.5, 120.0, node)

    def _crash(self, node: DistributorNode) -> None:
        sessions = [(manager, node.links[manager.name].session) for manager in self._managers]
        node.crash()
        for manager, session in sessions:
            self.clock.after(self.clock.between(0.1, 15.0), partial(manager.left, session))

    def _kill_for_good(self, node: ManagerNode | DistributorNode) -> None:
        self.clock.tell(f"{node.name} is dead for good")
        self.dead.add(node.name)
        if isinstance(node, ManagerNode):
            self._end_manager(node)
        elif node.is_up:
            self._crash(node)

    def _cut_link(self) -> None:
        node, manager = self.clock.random.choice(self._distributors), self.clock.random.choice(self._managers)
        link = node.links[manager.name]
        session = link.session
        link.lose_later()
        if self.clock.chance(0.5):
            self.clock.after(self.clock.between(0.1, 15.0), partial(manager.left, session))

    # Clients

    def _hurt_client(self) -> None:
        client = self.clock.random.choice(self._clients)
        if client.session is None or client.has_left:
            return
        fault = self.clock.random.choice(["break", "break", "kill", "kill", "leave", "stop"])
        if fault == "break" and client.socket is not None:
            client.socket.break_off()
        elif fault == "kill":
            client.vanish()
            self.clock.after(self.clock.between(1.0, 60.0), client.start)
        elif fault == "leave":
            client.leave()
            self.clock.after(self.clock.between(30.0, 60.0), lambda: client.start() if client.has_left else None)
        elif fault == "stop":
            client.host.stop(self.clock.between(5.0, 90.0))

    # The world around them

    def _stop_some(self) -> None:
        """Let a process stand still: nothing reaches it, then everything at once."""
        hosts = [each.host for each in self._servers()]
        self.clock.random.choice(hosts).stop(self.clock.between(5.0, 60.0))

    def _change_wall(self) -> None:
        """Let somebody's wall clock jump; steady time does not care."""
        host = self.clock.random.choice([each.host for each in self._servers()])
        jump = self.clock.random.choice([HOUR_S, -HOUR_S, LONG_S, -LONG_S])
        host.wall_error += jump
        self.clock.tell(f"the clock of {host.name} jumps by {jump:.0f} s")

    def _partition(self) -> None:
        """Part some nodes from the others for a while; sometimes only one direction is lost."""
        draw = self.clock.random
        names = [each.name for each in self._servers()] + [each.name for each in self._clients]
        part = draw.choice([0.02, 0.2, 0.5])
        apart = {name for name in names if draw.random() < part} or {draw.choice(names[: len(self._distributors) + 1])}
        rest = [name for name in names if name not in apart]
        seconds, way = self.clock.between(3.0, 90.0), draw.choice(["both", "both", "in", "out"])
        self.clock.tell(f"partition for {seconds:.0f} s ({way}): {' '.join(sorted(apart))[:120]}")
        if way != "in":
            self._network.cut(sorted(apart), rest, seconds)
        if way != "out":
            self._network.cut(rest, sorted(apart), seconds)
        self._starve()

    def _starve(self) -> None:
        """Let everybody who hears nothing any more find out."""
        for node in self._distributors:
            for socket in list(node.sockets.values()):
                socket.starve()
            for manager in self._managers:
                if not self._network.is_open(node.name, manager.name):
                    link = node.links[manager.name]
                    link.starve()
                    self.clock.after(
                        self.clock.between(8.0, 40.0), partial(self._lose_peer, manager, node, link.session)
                    )

    def _lose_peer(self, manager: ManagerNode, node: DistributorNode, session: str) -> None:
        if self._network.blocked_until(node.name, manager.name) > self.clock.now:
            manager.left(session)
