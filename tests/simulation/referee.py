"""What must hold at every moment, asserted as things happen.

Rule: a check looks at what one step touched (rows of one commit, indexes of one message), so that it costs next to
nothing; ``World.check`` looks at everything now and then, and at the end.
"""

from collections import Counter

from disio_manager.core import changes as ch
from disio_manager.core.records import StretchRecord, TaskRecord
from disio_shared.taskdoc import OPEN_STATES
from tests.simulation.manager_store import ManagerDisk, Payload
from tests.simulation.plans import Plan, is_match, is_poison, may_fail, value_of


class Referee:
    """Watches the rows of the managers' store, and remembers what was promised.

    Args:
        plans: The run's tasks by name.
        is_shared: Several managers write: what one may know of another's doing comes late.
    """

    def __init__(self, plans: dict[str, Plan], disk: ManagerDisk, is_shared: bool = False) -> None:
        self.plans, self.disk, self.is_shared = plans, disk, is_shared
        self.settled: set[Payload] = set()
        """Payloads that ever had a result or a failure in the store."""
        self.ever_closed: set[str] = set()
        self.deleted: set[str] = set()
        self.closed_at: dict[str, float] = {}
        """When a task was closed last; without those that were opened again."""
        self.changed_at: dict[str, float] = {}
        """When a task itself was written or deleted last."""
        self._failed_units: Counter[Payload] = Counter()
        self.handed: set[tuple[str, int, str]] = set()
        """Task, index and client of every hand-out, at whichever distributor."""

    def unit_failed(self, task: str, index: int) -> None:
        """Take note that a unit failed somewhere."""
        self._failed_units[task, index] += 1

    def commit(self, changes: list[ch.Change], now: float, manager: str) -> None:
        """Apply a manager's changes to the store, and check all they touch.

        Raises:
            OwnershipLost: It may not write that.
        """
        self.disk.check(changes, manager)
        touched: set[str] = set()
        for change in changes:
            self._check_change(change)
            touched.update(_touched(change))
            self.disk.apply(change)
            if isinstance(change, ch.DeleteTask):
                self.deleted.add(change.task)
                self.changed_at[change.task] = now
            elif isinstance(change, ch.PutTask):
                self.changed_at[change.record.id] = now
        for task in touched:
            self._note_state(task, now)
            self.check_cover(task)
            self._check_matches(task)
        if self.is_shared:
            written = [change.record for change in changes if isinstance(change, ch.PutStretch)]
            for stretch in {(row.task, row.start): row for row in written}.values():
                self._check_counted(stretch)

    def lose(self, changes: list[ch.Change], is_owner: bool = False) -> None:
        """Write only the results of a manager's changes; whether it owns what it writes is asked before failures."""
        for rows in self.disk.apply_results(changes) if is_owner else self.disk.apply_first(changes):
            self._check_rows(rows)

    def _check_change(self, change: ch.Change) -> None:
        if isinstance(change, ch.AddResults | ch.AddFailures):
            if not self.is_shared:
                self._check_new(change)
            if self.disk.is_there(change.task):
                self._check_rows(change)
        elif isinstance(change, ch.AddForeign):
            if self.disk.is_open(change.rows.task):
                self._check_rows(change.rows)
        elif isinstance(change, ch.PutTask) and not (self.is_shared and change.was):
            assert change.record.id not in self.deleted, f"the deleted task {change.record.id} is back"

    def _check_new(self, change: ch.AddResults | ch.AddFailures) -> None:
        """Check that what a manager who is alone writes is new to an open task."""
        task, disk = change.task, self.disk
        assert task not in self.deleted, f"a report brought the deleted task {task} back"
        assert disk.is_open(task), f"a report was counted for {task}, which is not open"
        for index in change.indexes:
            assert index not in disk.results.get(task, ()), f"index {index} of {task} has a result already"
            assert index not in disk.failures.get(task, ()), f"index {index} of {task} is quarantined already"

    def _check_rows(self, change: ch.AddResults | ch.AddFailures) -> None:
        """Check that what is about to be written may be: indexes that are there, the right values."""
        task, total = change.task, self.disk.total(change.task)
        assert len(set(change.indexes)) == len(change.indexes), f"an index of {task} is in one commit twice"
        for at, index in enumerate(change.indexes):
            assert 0 <= index < total, f"{task} has no index {index}"
            if isinstance(change, ch.AddResults):
                right = value_of(task, index)
                assert change.values[at] == right, f"a wrong result for index {index} of {task}: {change.values[at]!r}"
                assert not is_poison(task, index), f"index {index} of {task} cannot have a result"
                is_found = index in change.matching
                assert is_found <= is_match(task, index), f"index {index} of {task} is no find, and counted as one"
            else:
                self._check_failed(task, index)
            self.settled.add((task, index))

    def _check_matches(self, task: str) -> None:
        """Assert that what is found is known to be, and that a search goes on no longer than it must."""
        disk, wanted = self.disk, self.plans[task].searched
        found = {index for index in disk.results.get(task, ()) if is_match(task, index)} if wanted else set()
        noted = disk.matches.get(task, set())
        assert noted == found, f"{task}: of what is searched for {sorted(noted ^ found)[:5]} is noted wrongly"
        if wanted and len(found) >= wanted and not self.is_shared:  # of several each knows its own finds at once
            assert not disk.is_open(task), f"{task} goes on with {len(found)} of {wanted} finds"

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
            # Several managers each know only of their own failures at once.
            assert self.is_shared or not self._has_given_up(self.plans[task]), f"{task} goes on with too many failures"

    def check_cover(self, task: str) -> None:
        """Assert that stretches follow each other, and an index below a frontier is closed or in exactly one block."""
        disk, record = self.disk, self.disk.tasks.get(task)
        if record is None or record.state not in OPEN_STATES:
            return
        total = disk.total(task)
        end, begun, cover = 0, bytearray(total), bytearray(total)
        for row in disk.stretches_of(task):
            assert row.start == end, f"a stretch of {task} begins at {row.start}, the one before it ends at {end}"
            assert row.start <= row.frontier <= row.stop <= total, f"{row} has no such frontier"
            end = row.stop
            begun[row.start : row.frontier] = b"\1" * (row.frontier - row.start)
        for block in disk.blocks_of(task):
            assert 0 <= block.start < block.stop <= end, f"block {block} is in no stretch"
            assert begun.find(0, block.start, block.stop) < 0, f"block {block} is not below the frontier"
            assert not any(cover[block.start : block.stop]), f"blocks of {task} overlap at {block}"
            cover[block.start : block.stop] = b"\1" * (block.stop - block.start)
        done, failed = disk.results.get(task, {}), disk.failures.get(task, {})
        loose = [
            index for index, (is_begun, is_held) in enumerate(zip(begun, cover, strict=True)) if is_begun > is_held
        ]
        nowhere = [index for index in loose if index not in done and index not in failed]
        assert not nowhere, f"index {nowhere[0]} of {task} is nowhere"

    def _check_counted(self, row: StretchRecord) -> None:
        """Assert that a stretch counts its rows, each once; of those that others wrote its owner may know."""
        disk = self.disk
        if not row.owner or not disk.is_open(row.task):
            return
        done = [index for index in disk.results.get(row.task, ()) if row.start <= index < row.stop]
        least = len(done) - (sum((row.task, index) in disk.untold for index in done) if disk.untold else 0)
        assert least <= row.done <= len(done), f"{row} does not count its {least} to {len(done)} results"
        failed = [index for index in disk.failures.get(row.task, ()) if row.start <= index < row.stop]
        most = len(failed) + len(done) - least  # one that has a result nobody told of gets no failure
        assert row.failed <= most, f"{row} does not count its {most} failures"
        assert row.done + row.failed <= row.frontier - row.start, f"{row} counts more than it has begun"
        found = [index for index in done if index in disk.matches.get(row.task, ())]
        least = len(found) - sum((row.task, index) in disk.untold for index in found)
        assert least <= row.matched <= len(found), f"{row} does not count its {least} to {len(found)} finds"

    def check_all(self) -> None:
        """Assert over every row what was checked step by step."""
        for task in list(self.disk.tasks):
            self.check_cover(task)
            self._check_matches(task)
            results, failures = self.disk.results.get(task, {}), self.disk.failures.get(task, {})
            both = {index for index in results.keys() & failures.keys() if (task, index) not in self.disk.untold}
            assert not both, f"indexes {sorted(both)[:5]} of {task} are done and failed"
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
        elif record.ended_by:
            self._check_found(plan, record)
        elif record.state != "failed" or not self._has_given_up(plan):
            self._check_complete(plan, record.state)

    def _check_found(self, plan: Plan, record: TaskRecord) -> None:
        """Assert that a task which stopped had found enough, and that its counters are those of its rows."""
        task, found = plan.name, self.disk.matches.get(plan.name, set())
        assert (record.state, record.ended_by) == ("done", "stop_when"), f"{task} is {record.state}"
        assert 0 < plan.searched <= len(found), f"{task} stopped with {len(found)} finds of {plan.searched}"
        counted = sum(row.matched for row in self.disk.stretches_of(task))
        assert plan.searched <= counted <= len(found), f"{task} counts {counted} finds, and there are {len(found)}"

    def _has_given_up(self, plan: Plan) -> bool:
        most = plan.policy.max_task_failures
        return most is not None and len(self.disk.failures.get(plan.name, ())) >= most

    def _check_complete(self, plan: Plan, state: str) -> None:
        task = plan.name
        results, failures = self.disk.results.get(task, {}), self._failures(task)
        assert not plan.is_hopeless, f"{task} is {state} although no client runs it"
        found = len(self.disk.matches.get(task, ()))
        assert not 0 < plan.searched <= found, f"{task} is {state} of itself, with {found} finds of {plan.searched}"
        assert set(results) | set(failures) == set(range(plan.size)), f"{task} is {state} and lacks indexes"
        must = {index for index in range(plan.size) if is_poison(task, index)}
        assert must <= set(failures), f"{task}: poison has results"
        if len(failures) == len(self.disk.failures.get(task, ())):
            assert state == ("failed" if failures else "done"), f"{task} is {state} with {len(failures)} failures"
        counted = [row.done + row.failed for row in self.disk.stretches_of(task)]
        assert sum(counted) == plan.size, f"{task} is {state}, and its stretches count {counted} of {plan.size}"

    def _failures(self, task: str) -> list[int]:
        """Return quarantined payloads; of one that is done as well, by the word of two managers, the result stands."""
        return [index for index in self.disk.failures.get(task, ()) if index not in self.disk.results.get(task, ())]


def _touched(change: ch.Change) -> list[str]:
    """Return the tasks whose rows a change touches."""
    match change:
        case ch.PutTask(record):
            return [record.id]
        case ch.PutBlock(record) | ch.PutStretch(record):
            return [record.task]
        case ch.AddForeign(rows):
            return [rows.task]
        case ch.DropBlock() | ch.DropFailures() | ch.DeleteTask() | ch.AddResults() | ch.AddFailures():
            return [change.task]
        case _:
            return []
