"""A whole disio in one process: managers, distributors, clients, a hostile network, and crashes.

Rule: one seed is one run. While it runs every invariant is asserted; after the storm the network heals, and every task
must end with the right results.
"""

from functools import partial

from disio_shared import messages
from disio_shared.taskdoc import OPEN_STATES
from tests.simulation.clients import Character, ClientNode, draw_character
from tests.simulation.clockwork import Clockwork
from tests.simulation.distributors import DistributorNode
from tests.simulation.manager_store import ManagerDisk
from tests.simulation.managers import ManagerNode
from tests.simulation.network import Network, Server
from tests.simulation.plans import LANGUAGES, make_plans
from tests.simulation.referee import Referee
from tests.simulation.sharing_managers import SharingManager
from tests.simulation.storm import Storm
from tests.simulation.submitter import Submitter

CLIENTS, DISTRIBUTORS = 52, 3
LIMIT_S = 1_500.0
"""Virtual seconds after the storm until every task must be over."""
SETTLE_S = 150.0
"""Virtual seconds after the last task until nothing of any is left."""
CHECK_EVERY = 200


def has_several(seed: int) -> bool:
    """Tell whether a run has two managers on one store: two of five have."""
    return seed % 5 in (2, 4)


MAX_STEPS = 150_000


class World:
    """One run.

    Args:
        seed: Which.
        is_verbose: Keep a story of every message too.
    """

    def __init__(self, seed: int, is_verbose: bool = False) -> None:
        self.clock = Clockwork(seed, is_verbose)
        self.network = Network(self.clock)
        self.steps = 0
        characters: dict[str, Character] = {}
        self.is_shared = has_several(seed)
        names = ["m1", "m2"] if self.is_shared else ["m1"]
        self.disk = ManagerDisk()
        self.referee = Referee({}, self.disk, self.is_shared)
        kind = SharingManager if self.is_shared else ManagerNode
        self.managers = [kind(self.clock, name, self.referee, self._down) for name in names]
        for manager in self.managers:
            manager.start()
        self._by_name = {each.name: each for each in self.managers}
        self.distributors = [
            DistributorNode(
                self.clock, self.network, f"d{number}", names, self._up, self.referee, characters, self._late_s
            )
            for number in range(DISTRIBUTORS)
        ]
        self._nodes = {each.name: each for each in self.distributors}
        # Two clients run everything, so that no task waits for ever for want of one.
        able = [Character(kind=kind, languages=LANGUAGES) for kind in ("web", "cli")]
        drawn = able + [draw_character(self.clock) for _ in range(CLIENTS - len(able))]
        characters.update((f"c{number}", each) for number, each in enumerate(drawn))
        self.clients = [
            ClientNode(self.clock, self.network, name, each, self._pick, self.referee.plans, self.referee)
            for name, each in characters.items()
        ]
        self.storm = Storm(self.clock, self.network, self.managers, self.distributors, self.clients)
        self.referee.plans.update((plan.name, plan) for plan in make_plans(self.clock, self.storm.seconds))
        self.submitter = Submitter(self.clock, self.managers, self.referee)
        self.submitter.plan(self.storm.seconds)
        self.storm.plan()

    def run(self) -> None:
        """Run to the end of all tasks.

        Raises:
            AssertionError: An invariant broke, or a task is stuck; tells the seed and the story.
        """
        try:
            self._run_to_end()
            self._settle()
        except Exception as failure:
            where = f"seed {self.clock.seed}: {type(failure).__name__}: {failure}"
            raise AssertionError(f"{where}\n{self.clock.story()}") from failure

    def _run_to_end(self) -> None:
        limit = self.clock.now + self.storm.seconds + LIMIT_S
        sweep = 0.0
        while not self._is_over():
            assert self.clock.now < limit, f"stuck: {self._progress()}"
            self._step()
            if self.storm.is_over and self.clock.now > sweep:
                sweep = self.clock.now + 20.0
                self.submitter.resume_all()

    def _settle(self) -> None:
        """Go on until everything of the tasks that are over must be gone; then look at how they ended."""
        self.storm.end()
        until = self.clock.now + SETTLE_S
        while self.clock.now < until:
            self._step()
        self.check()
        for plan in self.referee.plans.values():
            self.referee.check_end(plan, self.submitter.asked[plan.name])
        for node in self.distributors:
            if node.is_up:
                node.referee.check_empty()
        for client in self.clients:
            held = [] if client.session is None else list(client.session.work.batches.values())
            assert not held, f"{client.name} still works on {held[0].assign.task}"

    def _step(self) -> None:
        assert self.clock.step(), "nothing left to happen"
        self.steps += 1
        assert self.steps < MAX_STEPS, f"too many steps: {self._progress()}"
        if self.steps % CHECK_EVERY == 0:
            self.check()

    # Invariants

    def check(self) -> None:
        """Assert over everything what is asserted step by step, and what the cores believe of it."""
        self.referee.check_all()
        for node in self.distributors:
            node.referee.check_all()
        for manager in self.managers:
            self._check_counters(manager)
        for client in self.clients:
            self._check_client(client)

    def _check_counters(self, manager: ManagerNode) -> None:
        """What a manager shows is what its rows say."""
        for task in self.disk.tasks if manager.core is not None else ():
            view = None if manager.core is None else manager.core.task_view(task, self.clock.now)
            if view is not None:
                rows = (self.disk.results, self.disk.failures, self.disk.matches)
                counted = tuple(len(table.get(task, ())) for table in rows)
                shown = view.record.done, view.record.failed, view.record.matched
                is_right = shown[0] <= counted[0] and shown[2] <= counted[2] if self.is_shared else shown == counted
                assert is_right, f"{manager.name} shows {shown} of {task}, rows say {counted}"

    def _check_client(self, client: ClientNode) -> None:
        """A client holds no index under two live tokens."""
        if client.session is None or client.socket is None:
            return
        core = self._nodes[client.socket.server.name].core
        live = {} if core is None else core._state.assignments.by_token
        held = [
            (batch.assign.task, index)
            for token, batch in client.session.work.batches.items()
            if token in live
            for index, _ in batch.waiting
        ]
        assert len(held) == len(set(held)), f"{client.name} holds an index twice"

    def _late_s(self, task: str) -> float:
        """Return for how long everybody could have known that a task is closed."""
        since = self.referee.closed_at.get(task)
        if since is None or not self.storm.is_over:
            return 0.0
        return self.clock.now - max(since, self.storm.ended_at)

    def _is_over(self) -> bool:
        referee = self.referee
        if len(referee.closed_at) < len(referee.plans) or not self.submitter.is_done:
            return False
        return all(record.state not in OPEN_STATES for record in self.disk.tasks.values())

    def _progress(self) -> str:
        lines = []
        for task, record in self.disk.tasks.items():
            missing = [i for i in range(self.disk.total(task)) if not self.disk.is_closed_index(task, i)]
            blocks = [(b.id, b.start, b.stop, b.holder, b.lease) for b in self.disk.blocks_of(task)]
            rows = [(row.start, row.frontier, row.stop, row.owner) for row in self.disk.stretches_of(task)]
            lines.append(
                f"{task} {record.state} missing {missing[:8]} of {self.disk.total(task)}; {blocks[:8]} in {rows}"
            )
        return "\n".join(lines)

    # The network

    def _up(self, node: DistributorNode, manager: str, session: str, message: messages.FromDistributor) -> None:
        sent = messages.FROM_DISTRIBUTOR.decode(messages.FROM_DISTRIBUTOR.encode(message))
        to = self._by_name[manager]
        if self.clock.is_verbose:
            self.clock.trace(f"{node.name} -> {manager}", message)
        self.network.carry(node.name, to.host, partial(to.say, session, sent))

    def _down(self, manager: ManagerNode, session: str, message: messages.ToDistributor) -> None:
        node = self._nodes[session.split("/")[0]]
        sent = messages.TO_DISTRIBUTOR.decode(messages.TO_DISTRIBUTOR.encode(message))
        link, is_sure = node.links[manager.name], isinstance(message, messages.Admitted | messages.TaskState)
        self.network.carry(manager.name, node.host, partial(link.receive, session, sent), is_sure)

    def _pick(self, url: str) -> Server | None:
        """Return a distributor that listens: the one at ``url`` if that is given, else any."""
        up = [node for node in self.distributors if node.is_up]
        named = [node for node in up if node.url == url]
        return self.clock.random.choice(named or up) if up else None
