"""Two managers on one set of rows under random events: late looks, crashes, take-overs, zombies that wake.

Rule: whatever happens, no index is in two blocks, none is nowhere, none gets a second result, and the task ends.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from disio_manager.core.records import StretchRecord
from disio_shared.errors import DisioError, OwnershipLost
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import OPEN_STATES
from tests.unit.manager.core.rows import Rows
from tests.unit.manager.core.world import World

NAMES = ("a", "b")
TOTAL = 60


class SharingMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows()
        self.worlds = {
            name: World(name, self.rows, min_claim=8, max_block=6, min_block=2, grant_parts=4, yield_s=5.0)
            for name in NAMES
        }
        self.dead: set[str] = set()
        """Taken for gone by the other one; the process may only be paused."""
        self.granted: list[int] = []

    @initialize()
    def begin(self) -> None:
        for name in NAMES:
            self._join(name)
        self.worlds["a"].create("t", f'{{"range": [0, {TOTAL}]}}')

    def _join(self, name: str) -> None:
        world = self.worlds[name]
        world.join(f"d{name}")
        world.ask(f"d{name}", 0)
        world.sent.clear()

    def _try(self, name: str, action: str, *args: object) -> None:
        """Let a manager do something; one that has lost what it writes loads anew, as the shell does."""
        world = self.worlds[name]
        try:
            getattr(world, action)(*args)
        except OwnershipLost:
            world.restart()
            self._join(name)
        except DisioError:
            return
        for grant in world.grants():
            self.granted += [index for block in grant.blocks for index in range(block.start, block.stop)]

    @rule(name=st.sampled_from(NAMES), payloads=st.integers(1, 12))
    def ask(self, name: str, payloads: int) -> None:
        self._try(name, "ask", f"d{name}", payloads)

    @precondition(lambda self: self.granted)
    @rule(name=st.sampled_from(NAMES), data=st.data(), fails=st.booleans())
    def deliver(self, name: str, data: st.DataObject, fails: bool) -> None:
        """Report to any manager: its own stretch or not, in time or late, again or not."""
        some = data.draw(st.lists(st.sampled_from(sorted(set(self.granted))), min_size=1, max_size=8, unique=True))
        done, failed = ([], some) if fails else (some, [])
        self._try(name, "deliver", f"d{name}", "t", done, failed)

    @rule(name=st.sampled_from(NAMES))
    def look(self, name: str) -> None:
        other = NAMES[1 - NAMES.index(name)]
        self._try(name, "look", *([] if other in self.dead else [self.worlds[other]]))

    @rule(name=st.sampled_from(NAMES))
    def crash(self, name: str) -> None:
        self.worlds[name].restart()
        self._join(name)
        self.dead.discard(name)

    @rule(name=st.sampled_from(NAMES))
    def is_taken_for_dead(self, name: str) -> None:
        other = NAMES[1 - NAMES.index(name)]
        if not self.dead:
            self.dead.add(name)
            self._try(other, "take_over", name)

    @rule()
    def nobody_is_dead(self) -> None:
        self.dead.clear()

    @rule(name=st.sampled_from(NAMES), verb=st.sampled_from(["pause", "resume", "retry"]))
    def verb(self, name: str, verb: str) -> None:
        self._try(name, "command", "t", verb)

    @rule(name=st.sampled_from(NAMES), seconds=st.sampled_from([1.0, 6.0, 61.0]))
    def time_passes(self, name: str, seconds: float) -> None:
        self._try(name, "tick", seconds)

    @rule(name=st.sampled_from(NAMES))
    def distributor_leaves(self, name: str) -> None:
        self._try(name, "leave", f"d{name}")

    @rule(name=st.sampled_from(NAMES))
    def distributor_comes(self, name: str) -> None:
        self._try(name, "join", f"d{name}")

    @invariant()
    def stretches_follow_each_other(self) -> None:
        end = 0
        for row in self._stretches():
            assert row.start == end and row.start <= row.frontier <= row.stop <= TOTAL
            end = row.stop

    @invariant()
    def no_index_is_nowhere_or_twice(self) -> None:
        record = self.rows.tasks.get("t")
        if record is None or record.state not in OPEN_STATES:
            return
        covered = RangeSet()
        for block in self.rows.blocks.values():
            assert covered.add(block.start, block.stop) == block.stop - block.start, "blocks overlap"
        closed = {*self.rows.results.get("t", {}), *self.rows.failures.get("t", {})}
        for row in self._stretches():
            lost = [at for at in range(row.start, row.frontier) if at not in covered and at not in closed]
            assert not lost, f"{lost} are nowhere"

    def _stretches(self) -> list[StretchRecord]:
        return [self.rows.stretches[key] for key in sorted(self.rows.stretches)]

    def teardown(self) -> None:
        """Both live on in peace: the task ends, and every index is closed in one way."""
        self.dead.clear()
        for name in NAMES:
            self.crash(name)
        self._try("a", "command", "t", "resume")
        record = self.rows.tasks.get("t")
        for _ in range(60):
            if record is None or record.state not in OPEN_STATES:
                break
            for name in NAMES:
                self._live_on(name)
            record = self.rows.tasks.get("t")
        if record is not None:
            assert record.state in ("done", "failed"), f"{record.state}: {self._stretches()}"
            done, failed = self.rows.results.get("t", {}), self.rows.failures.get("t", {})
            assert not done.keys() & failed.keys()
            assert len(done) + len(failed) == TOTAL == record.done + record.failed

    def _live_on(self, name: str) -> None:
        self.granted.clear()
        self.look(name)
        world = self.worlds[name]
        for gone in world.core.strangers():
            self._try(name, "take_over", gone)
        self._try(name, "tick", 3.0)
        self._try(name, "ask", f"d{name}", 20)
        if self.granted:
            self._try(name, "deliver", f"d{name}", "t", sorted(set(self.granted)))


SharingMachine.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
TestSharingMachine = SharingMachine.TestCase
