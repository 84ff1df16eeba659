"""The coordinator against a naive model that keeps one set per task, over random events, restarts included."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from disio_manager.core.lifecycle import VERBS
from disio_shared import messages
from disio_shared.errors import DisioError
from disio_shared.taskdoc import OPEN_STATES
from tests.unit.manager.core.world import World

DISTRIBUTORS = ["d0", "d1", "d2"]
LEASE_S = 60.0


@dataclass
class Model:
    """What one task must be, index by index."""

    total: int
    done: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    granted: set[int] = field(default_factory=set)
    """Indexes that were ever in a grant: nothing else can be reported."""
    limit: int | None = None
    """max_task_failures."""

    @property
    def open(self) -> set[int]:
        return set(range(self.total)) - self.done - self.failed


def _ref(grant: messages.BlockGrant) -> messages.BlockRef:
    return messages.BlockRef(block=grant.block, lease=grant.lease)


class CoordinatorMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(lease_s=LEASE_S, max_block=12, grant_parts=4, min_block=2)
        self.tasks: dict[str, Model] = {}
        self.held: dict[str, dict[str, messages.BlockGrant]] = {name: {} for name in DISTRIBUTORS}
        """Per distributor, the blocks it believes it holds."""
        self.sessions: dict[str, str] = {}
        self.ever: list[tuple[str, messages.BlockGrant]] = []
        self._count = 0

    # Events

    @initialize(first=st.integers(20, 40), second=st.integers(1, 40), limit=st.sampled_from([None, 4]))
    def begin(self, first: int, second: int, limit: int | None) -> None:
        """Begin in the middle of things: three distributors that hold blocks of two tasks."""
        for name in DISTRIBUTORS:
            self.join(name, False)
        self.create(first, False, 0, 0, limit)
        self.create(second, True, 0, 0, None)
        for name in DISTRIBUTORS:
            self.ask(name, 15, 4)

    @rule(
        total=st.integers(1, 40),
        listed=st.booleans(),
        priority=st.integers(0, 1),
        most=st.sampled_from([0, 0, 1]),
        limit=st.sampled_from([None, None, 3]),
    )
    def create(self, total: int, listed: bool, priority: int, most: int, limit: int | None) -> None:
        if len(self.tasks) >= 4:
            return
        name = f"t{len(self.tasks)}"
        payloads = f'{{"list": {list(range(total))}}}' if listed else f'{{"range": [0, {total}]}}'
        self.tasks[name] = Model(total, limit=limit)
        self.world.create(name, payloads, priority=priority, max_distributors=most, max_task_failures=limit)
        self._collect()

    @rule(name=st.sampled_from(DISTRIBUTORS), remembers=st.booleans())
    def join(self, name: str, remembers: bool) -> None:
        self._count += 1
        self.sessions[name] = f"s{self._count}"
        held = list(self.held[name].values()) if remembers else []
        if not remembers:
            self.held[name] = {}
        self.world.join(name, self.sessions[name], [_ref(grant) for grant in held])
        self._collect()

    @rule(name=st.sampled_from(DISTRIBUTORS))
    def leave(self, name: str) -> None:
        session = self.sessions.pop(name, None)
        if session:
            self.world.leave(session)

    @rule(name=st.sampled_from(DISTRIBUTORS), payloads=st.integers(1, 30), fresh=st.integers(0, 4))
    def ask(self, name: str, payloads: int, fresh: int) -> None:
        self.world.ask(self.sessions[self._online(name)], payloads, fresh=fresh)
        self._collect()

    @precondition(lambda self: self.ever)
    @rule(data=st.data(), name=st.sampled_from(DISTRIBUTORS))
    def deliver(self, data: st.DataObject, name: str) -> None:
        """Anybody reports anything that was ever granted, in any order, twice, mixed with nonsense."""
        name = self._online(name)
        task, grant = data.draw(st.sampled_from(self.ever))
        span = list(range(grant.start, grant.stop))
        indexes = data.draw(st.lists(st.sampled_from([*span, -1, 10**6]), max_size=14))
        failing = data.draw(st.lists(st.sampled_from(span), max_size=2, unique=True))
        if data.draw(st.booleans()):
            indexes = [index for index in span if index not in failing]
        before = self._state(task)
        self.world.deliver(self.sessions[name], task, indexes, failing)
        if before in OPEN_STATES and task in self.tasks:
            self._note(self.tasks[task], indexes, failing)
        self._collect()

    def _note(self, model: Model, indexes: list[int], failing: list[int]) -> None:
        model.done |= set(indexes) & model.open
        if not model.open or self._limit_reached(model):
            return
        model.failed |= set(failing) & model.open

    @rule(name=st.sampled_from(DISTRIBUTORS), data=st.data())
    def status(self, name: str, data: st.DataObject) -> None:
        name = self._online(name)
        if self.held[name]:
            held = [grant for grant in self.held[name].values() if data.draw(st.booleans())]
            self.world.status(self.sessions[name], [_ref(grant) for grant in held])
            self._collect()

    @rule(name=st.sampled_from(DISTRIBUTORS), data=st.data())
    def give_back(self, name: str, data: st.DataObject) -> None:
        name = self._online(name)
        if self.held[name]:
            block = data.draw(st.sampled_from(sorted(self.held[name])))
            grant = self.held[name].pop(block)
            self.world.give_back(self.sessions[name], [_ref(grant)])
            self._collect()

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), verb=st.sampled_from([*VERBS[:2], *VERBS]))
    def command(self, data: st.DataObject, verb: str) -> None:
        task = data.draw(st.sampled_from(sorted(self.tasks)))
        before = self.world.rows.tasks.get(task)
        try:
            self.world.command(task, verb)
        except DisioError:
            assert self.world.rows.tasks.get(task) == before, "a refused verb changed something"
            return
        if verb == "retry":
            self.tasks[task].failed = set()
        elif verb == "delete":
            del self.tasks[task]
            self.tasks[f"gone{self._count}-{task}"] = Model(0)
        self._collect()

    @rule(seconds=st.sampled_from([0.0, 1.0, 25.0, 61.0]))
    def tick(self, seconds: float) -> None:
        self.world.tick(seconds)
        self._collect()

    @rule()
    def restart(self) -> None:
        self.world.restart()
        self.sessions.clear()
        self.world.sent.clear()

    def _online(self, name: str) -> str:
        """Return the distributor, brought online if it is away."""
        if name not in self.sessions:
            self.join(name, True)
        return name

    # What was sent

    def _collect(self) -> None:
        """Let the distributors read what was sent to them."""
        names = {session: name for name, session in self.sessions.items()}
        for sent in self.world.sent:
            if sent.session in names:
                self._read(names[sent.session], sent.message)
        self.world.sent.clear()

    def _read(self, name: str, message: messages.ToDistributor) -> None:
        match message:
            case messages.Grant():
                for grant in message.blocks:
                    self._granted(name, grant)
            case messages.Revoke():
                for gone in message.blocks:
                    self._lose(name, gone)
            case messages.Admitted():
                for gone in message.revoked:
                    self._lose(name, gone)

    def _granted(self, name: str, grant: messages.BlockGrant) -> None:
        model = self.tasks.get(grant.task)
        assert model is not None, "a deleted task was granted"
        # A message of the same event may have closed the task after the grant was made, never before it.
        assert self._state(grant.task) == "running", "a task that is closed or paused was granted"
        span = set(range(grant.start, grant.stop))
        closed = {index for start, stop in grant.done for index in range(start, stop)}
        assert span - closed <= model.open, "a closed index was granted"
        assert span & closed == span - model.open, "an open index was called done"
        assert len(grant.payloads) in (0, len(span))
        model.granted |= span
        self.held[name][grant.block] = grant
        self.ever.append((grant.task, grant))

    def _lose(self, name: str, gone: messages.BlockRef) -> None:
        if gone.block in self.held[name] and self.held[name][gone.block].lease == gone.lease:
            del self.held[name][gone.block]

    # What must hold

    @staticmethod
    def _limit_reached(model: Model) -> bool:
        return model.limit is not None and len(model.failed) >= model.limit

    def _state(self, task: str) -> str:
        record = self.world.rows.tasks.get(task)
        return record.state if record else "deleted"

    @invariant()
    def each_index_is_in_exactly_one_place(self) -> None:
        for task, model in self.tasks.items():
            entry = self.world.core._book.tasks.get(task)
            if entry is None:
                continue
            places: dict[int, str] = {}
            for block in entry.blocks.values():
                assert block.remaining, "an empty block lives"
                for index in block.remaining.indexes():
                    assert block.start <= index < block.stop
                    assert index not in places, "an index is in two blocks"
                    places[index] = block.holder or "ready"
            for index in range(entry.stretches.own[0].frontier, entry.record.total):
                assert index not in places
                places[index] = "ready"
            assert set(places) == model.open, "an open index is lost, or a closed one is open"
            assert set(entry.failed.indexes()) == model.failed
            leased = sum(place != "ready" for place in places.values())
            assert (entry.leased, entry.unleased) == (leased, len(places) - leased)

    @invariant()
    def counters_are_those_of_distinct_reports(self) -> None:
        for task, model in self.tasks.items():
            rows = self.world.rows
            if task not in rows.tasks:
                continue
            assert set(rows.results.get(task, {})) == model.done
            assert set(rows.failures.get(task, {})) == model.failed
            stretch = rows.stretches[task, 0]
            assert (stretch.done, stretch.failed) == (len(model.done), len(model.failed))

    @invariant()
    def every_held_block_has_one_holder_and_a_deadline(self) -> None:
        book = self.world.core._book
        held = {}
        for entry in book.tasks.values():
            holders: dict[str, int] = {}
            for block in entry.blocks.values():
                deadline = book.leases.deadline(entry.id, block.id)
                assert (deadline is not None) == bool(block.holder)
                if block.holder:
                    held[entry.id, block.id] = block.holder
                    holders[block.holder] = holders.get(block.holder, 0) + 1
                assert self.world.rows.blocks[block.id] == block.record(), "memory and rows differ"
            assert holders == entry.holders
        assert len(book.leases) == len(held)
        for name, known in book.fleet.known.items():
            assert known.blocks == {key for key, holder in held.items() if holder == name}

    @invariant()
    def the_next_deadline_is_the_earliest(self) -> None:
        book = self.world.core._book
        if book.unsettled:
            return
        ends = [
            book.leases.deadline(entry.id, block.id) for entry in book.tasks.values() for block in entry.blocks.values()
        ]
        assert self.world.core.next_deadline() == min((end for end in ends if end is not None), default=None)

    @invariant()
    def a_closed_task_is_complete(self) -> None:
        for task, model in self.tasks.items():
            state = self._state(task)
            over = not model.open or self._limit_reached(model)
            if state == "done":
                assert not model.open and not model.failed
            elif state == "failed":
                assert model.failed and over
            elif state in OPEN_STATES:
                assert not over, "a task that is over is open"

    @invariant()
    def nobody_waits_while_there_is_work(self) -> None:
        book = self.world.core._book
        for known in book.fleet.waiting.values():
            assert known.waiting is not None
            for entry in book.tasks.values():
                may = entry.record.state != "paused" and (
                    entry.record.policy.max_distributors == 0
                    or known.record.id in entry.holders
                    or len(entry.holders) < entry.record.policy.max_distributors
                )
                assert not (may and entry.first_ready()), "a ready block is kept from one who waits"
                left = entry.stretches.uncut > 0
                assert not (may and left and known.waiting.fresh), "fresh payloads are kept from one who waits"


TestCoordinatorMachine = CoordinatorMachine.TestCase
TestCoordinatorMachine.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCoordinatorMachine = pytest.mark.timeout(110)(TestCoordinatorMachine)
