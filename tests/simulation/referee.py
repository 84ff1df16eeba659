"""What must hold at every moment, asserted as things happen.

Rule: a check looks at what one step touched (rows of one commit, indexes of one message), so that it costs next to
nothing; ``World.check`` looks at everything now and then, and at the end.
"""

from collections import Counter

from disio_manager.core import changes as ch
from disio_shared.taskdoc import OPEN_STATES
from tests.simulation.manager_store import ManagerDisk
from tests.simulation.plans import Plan, is_poison, may_fail, value_of

Payload = tuple[str, int]
"""Task and index."""


class Referee:
    """Watches the rows of the managers' store, and remembers what was promised.

    Args:
        plans: The run's tasks by name.
    """

    def __init__(self, plans: dict[str, Plan], disk: ManagerDisk) -> None:
        self.plans, self.disk = plans, disk
        self.settled: set[Payload] = set()
        """Payloads that ever had a result or a failure in the store."""
        self.ever_closed: set[str] = set()
        self.deleted: set[str] = set()
        self.closed_at: dict[str, float] = {}
        """When a task was closed last; without those that were opened again."""
        self._failed_units: Counter[Payload] = Counter()
        self.handed: set[tuple[str, int, str]] = set()
        """Task, index and client of every hand-out, at whichever distributor."""

    def unit_failed(self, task: str, index: int) -> None:
        """Take note that a unit failed somewhere."""
        self._failed_units[task, index] += 1

    def commit(self, changes: list[ch.Change], now: float) -> None:
        """Apply a manager's changes to the store, and check all they touch."""
        touched: set[str] = set()
        for change in changes:
            if isinstance(change, ch.AddResults | ch.AddFailures):
                self._check_new(change)
                touched.add(change.task)
            elif isinstance(change, ch.PutTask):
                self._check_task(change.record.id)
                touched.add(change.record.id)
            elif isinstance(change, ch.PutBlock):
                touched.add(change.record.task)
            elif isinstance(change, ch.DropBlock | ch.DropFailures | ch.DeleteTask):
                touched.add(change.task)
            self.disk.commit([change])
            if isinstance(change, ch.DeleteTask):
                self.deleted.add(change.task)
        for task in touched:
            self._note_state(task, now)
            self.check_cover(task)

    def _check_task(self, task: str) -> None:
        assert task not in self.deleted, f"the deleted task {task} is back"

    def _check_new(self, change: ch.AddResults | ch.AddFailures) -> None:
        """Check that what is about to be written may be: an open task, open indexes, the right values."""
        task, disk = change.task, self.disk
        assert task not in self.deleted, f"a report brought the deleted task {task} back"
        assert disk.is_open(task), f"a report was counted for {task}, which is not open"
        assert len(set(change.indexes)) == len(change.indexes), f"an index of {task} is in one commit twice"
        total = disk.tasks[task].total
        for at, index in enumerate(change.indexes):
            assert 0 <= index < total, f"{task} has no index {index}"
            assert index not in disk.results.get(task, ()), f"index {index} of {task} has a result already"
            assert index not in disk.failures.get(task, ()), f"index {index} of {task} is quarantined already"
            if isinstance(change, ch.AddResults):
                right = value_of(task, index)
                assert change.values[at] == right, f"a wrong result for index {index} of {task}: {change.values[at]!r}"
                assert not is_poison(task, index), f"index {index} of {task} cannot have a result"
            else:
                self._check_failed(task, index)
            self.settled.add((task, index))

    def _check_failed(self, task: str, index: int) -> None:
        assert may_fail(task, index), f"index {index} of {task} was quarantined, which never fails"
        most, seen = self.plans[task].policy.max_failures, self._failed_units[task, index]
        assert seen >= most, f"index {index} of {task} was quarantined after {seen} failures of {most}"

    def _note_state(self, task: str, now: float) -> None:
        record = self.disk.tasks.get(task)
        if record is None or record.state not in OPEN_STATES:
            self.ever_closed.add(task)
            self.closed_at.setdefault(task, now)
        else:
            self.closed_at.pop(task, None)
            assert not self._has_given_up(self.plans[task]), f"{task} goes on with too many failures"

    def check_cover(self, task: str) -> None:
        """Assert that every index below the frontier is closed or in exactly one block."""
        record = self.disk.tasks.get(task)
        if record is None or record.state not in OPEN_STATES:
            return
        cover = bytearray(record.total)
        for block in self.disk.blocks.get(task, {}).values():
            assert 0 <= block.start < block.stop <= self.disk.frontier(task), f"block {block} is not below the frontier"
            assert not any(cover[block.start : block.stop]), f"blocks of {task} overlap at {block}"
            cover[block.start : block.stop] = b"\1" * (block.stop - block.start)
        results, failures = self.disk.results.get(task, {}), self.disk.failures.get(task, {})
        frontier = self.disk.frontier(task)
        at = cover.find(0, 0, frontier)
        while at >= 0:
            assert at in results or at in failures, f"index {at} of {task} is nowhere"
            at = cover.find(0, at + 1, frontier)

    def check_all(self) -> None:
        """Assert over every row what was checked step by step."""
        for task in list(self.disk.tasks):
            self.check_cover(task)
            results, failures = self.disk.results.get(task, {}), self.disk.failures.get(task, {})
            assert not results.keys() & failures.keys(), f"an index of {task} is done and failed"
            assert all(value == value_of(task, index) for index, value in results.items()), f"{task}: a wrong result"

    def check_end(self, plan: Plan, verbs: set[str]) -> None:
        """Assert that a task ended as it must, given the verbs that may have been carried out."""
        task, record = plan.name, self.disk.tasks.get(plan.name)
        if record is None:
            assert "delete" in verbs, f"{task} is gone"
            return
        if record.state == "cancelled":
            assert "cancel" in verbs, f"{task} was cancelled by nobody"
        elif record.state == "expired":
            has_deadline = plan.policy.deadline is not None or "deadline" in verbs
            assert has_deadline, f"{task} expired without a deadline"
        elif record.state != "failed" or not self._has_given_up(plan):
            self._check_complete(plan, record.state)

    def _has_given_up(self, plan: Plan) -> bool:
        most = plan.policy.max_task_failures
        return most is not None and len(self.disk.failures.get(plan.name, ())) >= most

    def _check_complete(self, plan: Plan, state: str) -> None:
        task = plan.name
        results, failures = self.disk.results.get(task, {}), self.disk.failures.get(task, {})
        assert not plan.is_hopeless, f"{task} is {state} although no client runs it"
        assert set(results) | set(failures) == set(range(plan.size)), f"{task} is {state} and lacks indexes"
        must = {index for index in range(plan.size) if is_poison(task, index)}
        assert must <= set(failures), f"{task}: poison has results"
        assert state == ("failed" if failures else "done"), f"{task} is {state} with {len(failures)} failures"
