"""A whole disio in one process: a manager, distributors, clients, a hostile network, and crashes.

Rule: one seed is one run. While it runs every invariant is asserted; after the storm the network heals, and every task
must end with the right results.
"""

from collections.abc import Callable

import msgspec

from disio_manager.core import events as ev
from disio_manager.core.records import TaskRecord
from disio_shared import messages
from disio_shared.payloads import count, parse_spec
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import OPEN_STATES, Policy
from tests.simulation.clients import ClientNode, Server, is_poison, value_of
from tests.simulation.clockwork import Clockwork
from tests.simulation.distributors import DistributorNode
from tests.simulation.managers import ManagerNode

STORMS_S = (30.0, 100.0, 300.0)
"""Virtual seconds of faults: the same number of them, crowded or spread."""
LIMIT_S = 4000.0
"""Virtual seconds after which a task that is not over counts as stuck."""
CHECK_EVERY = 50
MAX_STEPS = 200_000


class World:
    """One run.

    Args:
        seed: Which.
        distributors: How many.
        clients: How many.
        sizes: Payloads of each task.
        max_failures: Tries of a payload that fails.
    """

    def __init__(
        self,
        seed: int,
        distributors: int = 3,
        clients: int = 12,
        sizes: tuple[int, ...] = (400, 150),
        max_failures: int = 2,
    ) -> None:
        self.clock = Clockwork(seed)
        self.is_storm, self._max_failures = True, max_failures
        self._acknowledged: set[tuple[str, int]] = set()
        self.manager = ManagerNode(self.clock, self._down)
        self.distributors = [
            DistributorNode(self.clock, f"d{number}", self._up, self._on_stored) for number in range(distributors)
        ]
        self.clients = [ClientNode(self.clock, f"c{number}", self._pick) for number in range(clients)]
        mutes = self.clock.random.choice([0, 0, 1, 3])
        self.clients += [ClientNode(self.clock, f"m{number}", self._pick, is_mute=True) for number in range(mutes)]
        self.tasks = [self._create(number, size) for number, size in enumerate(sizes, 1)]
        self._plan_faults()

    def run(self) -> None:
        """Run to the end of all tasks.

        Raises:
            AssertionError: An invariant broke, or a task is stuck; tells the seed and the story.
        """
        steps = 0
        try:
            while not self._is_over():
                assert self.clock.now < 1_000.0 + LIMIT_S, f"stuck: {self._progress()}"
                assert self.clock.step(), "nothing left to happen"
                steps += 1
                assert steps < MAX_STEPS, "too many steps"
                if steps % CHECK_EVERY == 0:
                    self.check()
            self.check()
            self._check_results()
        except Exception as failure:
            raise AssertionError(f"seed {self.clock.seed}: {failure}\n{self.clock.story()}") from failure

    # Invariants

    def check(self) -> None:
        """Assert what must hold at every moment."""
        disk = self.manager.disk
        assert disk.doubled == 0, "an index was counted twice"
        self._check_acknowledged()
        for record in disk.tasks.values():
            self._check_indexes(record)
        for client in self.clients:
            if client.session is not None:
                self._check_client(client)

    def _check_indexes(self, record: TaskRecord) -> None:
        """Every index below the frontier is in one block, done or failed; values are right."""
        disk = self.manager.disk
        results, failures = disk.results.get(record.id, {}), disk.failures.get(record.id, {})
        assert not results.keys() & failures.keys(), "an index is done and failed"
        assert all(value == value_of(record.id, index) for index, value in results.items()), "a wrong result"
        assert all(is_poison(record.id, index) for index in failures), "a good payload was quarantined"
        if record.state not in OPEN_STATES:
            return
        covered = RangeSet()
        for block in disk.blocks.values():
            if block.task == record.id:
                assert covered.add(block.start, block.stop) == block.stop - block.start, "blocks overlap"
        lost = [i for i in range(record.frontier) if i not in covered and i not in results and i not in failures]
        assert not lost, f"indexes {lost[:5]} of {record.id} are nowhere"

    def _check_client(self, client: ClientNode) -> None:
        """A client holds no index twice."""
        assert client.session is not None
        held = [
            (batch.assign.task, index) for batch in client.session.work.batches.values() for index, _ in batch.waiting
        ]
        assert len(held) == len(set(held)), f"{client.name} holds an index twice"

    def _on_stored(self, node: DistributorNode, asked: messages.FromClient, answer: messages.ToClient) -> None:
        """What is acknowledged as counted must be durable here or at the manager."""
        if not isinstance(asked, messages.Results) or not isinstance(answer, messages.Stored) or not answer.accepted:
            return
        durable = sum(
            self._is_durable(node, index, value) for index, value in zip(asked.indexes, asked.values, strict=True)
        )
        assert durable >= answer.accepted, f"{node.name} acknowledged {answer.accepted} results, {durable} are durable"
        if answer.accepted == len(asked.indexes):
            task = self._task_of(asked.indexes[0], asked.values[0])
            self._acknowledged.update((task, index) for index in asked.indexes)

    def _task_of(self, index: int, value: bytes) -> str:
        return next(task for task in self.tasks if value == value_of(task, index))

    def _check_acknowledged(self) -> None:
        """What was acknowledged to a client once is at the manager, or waits in an outbox, until its task is over."""
        kept = {each for node in self.distributors for each in node.disk.outbox_indexes()}
        disk = self.manager.disk
        self._acknowledged = {
            (task, index)
            for task, index in self._acknowledged
            if index not in disk.results.get(task, {}) and disk.tasks[task].state in OPEN_STATES
        }
        lost = self._acknowledged - kept
        assert not lost, f"acknowledged results are lost: {sorted(lost)[:5]}"

    def _is_durable(self, node: DistributorNode, index: int, value: bytes) -> bool:
        task = self._task_of(index, value)
        return node.disk.has_result(task, index) or index in self.manager.disk.results.get(task, {})

    def _check_results(self) -> None:
        disk = self.manager.disk
        for task in self.tasks:
            record = disk.tasks[task]
            if record.state == "cancelled":
                continue
            expected = {index for index in range(record.total) if is_poison(task, index)}
            assert set(disk.failures.get(task, {})) == expected, f"{task}: quarantined {disk.failures.get(task)}"
            assert len(disk.results.get(task, {})) == record.total - len(expected), f"{task}: results are missing"
            assert record.state == ("failed" if expected else "done"), f"{task} is {record.state}"

    def _is_over(self) -> bool:
        return all(self.manager.disk.tasks[task].state not in OPEN_STATES for task in self.tasks)

    def _progress(self) -> str:
        disk = self.manager.disk
        lines = []
        for task in self.tasks:
            record, rows = disk.tasks[task], disk.results.get(task, {})
            missing = [i for i in range(record.total) if i not in rows and i not in disk.failures.get(task, {})]
            blocks = [(b.id, b.start, b.stop, b.holder, b.lease) for b in disk.blocks.values() if b.task == task]
            lines.append(f"{task} {record.state} missing {missing[:8]} of {record.total}; blocks {blocks[:8]}")
        return "\n".join(lines)

    # The network

    def _up(self, node: DistributorNode, session: str, message: messages.FromDistributor) -> None:
        data = messages.FROM_DISTRIBUTOR.encode(message)
        self._carry(lambda: self.manager.say(session, messages.FROM_DISTRIBUTOR.decode(data)))

    def _down(self, session: str, message: messages.ToDistributor) -> None:
        name = session.split("/")[0]
        node = next(node for node in self.distributors if node.name == name)
        data = messages.TO_DISTRIBUTOR.encode(message)
        self._carry(lambda: node.from_manager(session, messages.TO_DISTRIBUTOR.decode(data)))

    def _carry(self, action: Callable[[], object]) -> None:
        """Deliver late; in the storm also not at all, twice, or out of order."""
        copies = 1
        if self.is_storm:
            copies = 0 if self.clock.chance(0.05) else 2 if self.clock.chance(0.05) else 1
        for _ in range(copies):
            delay = self.clock.random.uniform(0.001, 0.1)
            if self.is_storm and self.clock.chance(0.05):
                delay += self.clock.random.uniform(0.0, 15.0)
            self.clock.after(delay, action)

    def _pick(self) -> Server | None:
        up = [node for node in self.distributors if node.core is not None]
        return self.clock.random.choice(up) if up else None

    # The plan

    def _create(self, number: int, size: int) -> str:
        name = f"t{number}{'p' if number % 2 == 0 else ''}"
        spec = parse_spec({"range": [0, size]})
        record = TaskRecord(
            id=name, number=number, name=name, tags=[], workunit=f"w{number}", language="javascript", workunit_bytes=1,
            payloads=msgspec.json.encode({"range": [0, size]}), policy=Policy(max_failures=self._max_failures),
            total=count(spec), state="queued", created_at=self.clock.wall,
        )  # fmt: skip
        assert self.manager.handle(ev.TaskCreated(record, spec))
        return name

    def _plan_faults(self) -> None:
        draw = self.clock.random
        storm_s = draw.choice(STORMS_S)
        for each in self._stored():
            each.trouble = draw.choice([0.0, 0.0, 0.002, 0.02])
        for _ in range(draw.randint(0, 4)):
            self.clock.after(draw.uniform(1, storm_s), self._crash_manager)
        for _ in range(draw.randint(0, 6)):
            self.clock.after(draw.uniform(1, storm_s), lambda: self._crash_distributor(draw.choice(self.distributors)))
        for _ in range(draw.randint(0, 20)):
            self.clock.after(draw.uniform(1, storm_s), lambda: self._hurt_client(draw.choice(self.clients)))
        for _ in range(draw.randint(0, 6)):
            self.clock.after(draw.uniform(1, storm_s), lambda: self._cut_link(draw.choice(self.distributors)))
        self.clock.after(storm_s, self._heal)

    def _stored(self) -> list[ManagerNode | DistributorNode]:
        """Return the nodes that have a store."""
        return [self.manager, *self.distributors]

    def _crash_manager(self) -> None:
        if not self.manager.is_up:
            return
        self.manager.crash()
        for node in self.distributors:
            self._notice(node)
        self.clock.after(self.clock.random.uniform(0.5, 90.0), self._start_manager)

    def _start_manager(self) -> None:
        if not self.manager.is_up:
            self.manager.start()

    def _notice(self, node: DistributorNode) -> None:
        """Let a distributor notice, after a while, that its link is gone."""
        session = node.link_session
        self.clock.after(self.clock.random.uniform(0.1, 15.0), lambda: node.link_lost(session))

    def _cut_link(self, node: DistributorNode) -> None:
        session = node.link_session
        self._notice(node)
        if self.clock.chance(0.5):
            left = ev.DistributorLeft(session, self.clock.wall)
            self.clock.after(self.clock.random.uniform(0.1, 15.0), lambda: self.manager.handle(left))

    def _crash_distributor(self, node: DistributorNode) -> None:
        if node.core is None:
            return
        session = node.link_session
        node.crash()
        left = ev.DistributorLeft(session, self.clock.wall)
        self.clock.after(self.clock.random.uniform(0.1, 15.0), lambda: self.manager.handle(left))
        self.clock.after(self.clock.random.uniform(0.5, 120.0), lambda: node.start() if node.core is None else None)

    def _hurt_client(self, client: ClientNode) -> None:
        fault = self.clock.random.choice(["break", "kill", "leave"])
        if fault == "break" and client.socket is not None:
            client.socket.shut()
        elif fault == "kill" and client.session is not None:
            client.vanish()
            self.clock.after(self.clock.random.uniform(1.0, 60.0), client.start)
        elif fault == "leave" and client.session is not None and not client.has_left:
            client.leave()
            self.clock.after(self.clock.random.uniform(30.0, 60.0), lambda: client.start() if client.has_left else None)

    def _heal(self) -> None:
        self.is_storm = False
        self.clock.tell("the storm is over")
        for each in self._stored():
            each.trouble = 0.0
        self._start_manager()
        for node in self.distributors:
            if node.core is None:
                node.start()
