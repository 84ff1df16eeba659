"""The managers' store in memory, which survives crashes of their processes: the rows of one manager, or of several.

Rule: rows are what a real store keeps, and a group of changes is applied as one transaction, but for what a MongoDB
writes first: results stay when the rest of a group is refused.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from disio_manager.core import changes as ch
from disio_manager.core.records import BlockRecord, LoadedTask, Notice, StretchRecord
from disio_manager.stores.assembling import with_matching
from disio_manager.stores.base import ManagerEntry
from disio_shared.taskdoc import OPEN_STATES
from tests.unit.manager.core.rows import Rows

Payload = tuple[str, int]
"""Task and index."""


@dataclass
class ManagerDisk(Rows):
    """Rows, and what only a bystander knows of them."""

    managers: dict[str, ManagerEntry] = field(default_factory=dict)
    """The registry."""
    untold: set[Payload] = field(default_factory=set)
    """Results of which the owner of their stretch need not know yet: another manager wrote them, or a commit that
    broke off behind them. Documents of stretches do not name them."""

    # Changing

    def check(self, group: Sequence[ch.Change], manager: str) -> None:
        """Refuse a group that writes what another manager owns.

        Raises:
            OwnershipLost: That is so.
        """
        for change in group:
            self._check(change, manager)

    def apply(self, change: ch.Change) -> None:
        """Apply a change; what is of a task that is deleted goes nowhere."""
        match change:
            case ch.PutStretch(record) | ch.PutBlock(record):
                is_known = record.task in self.tasks
            case ch.AddResults() | ch.AddFailures() | ch.AddVotes():
                is_known = change.task in self.tasks
            case _:
                is_known = True
        if not is_known:
            return
        if isinstance(change, ch.AddForeign):
            self.untold |= self.fresh(change)
        elif isinstance(change, ch.AddResults):
            self.untold -= {(change.task, index) for index in change.indexes}
        elif isinstance(change, ch.NoteResults):
            self.untold -= {(change.task, index) for start, stop in change.runs for index in range(start, stop)}
        self._apply(change)

    def apply_first(self, group: Sequence[ch.Change]) -> list[ch.AddResults]:
        """Apply what a MongoDB writes of a group before it finds that a block or stretch is another manager's.

        Returns:
            The results that were written.
        """
        if any(isinstance(change, ch.AddFailures) for change in group):
            return []
        return self.apply_results(group)

    def apply_results(self, group: Sequence[ch.Change]) -> list[ch.AddResults]:
        """Apply what a MongoDB writes first of a group; return the results that were written."""
        rows = [one for one in group if isinstance(one, ch.AddResults) and self.is_there(one.task)]
        for change in group:
            if isinstance(change, ch.AddForeign) and isinstance(change.rows, ch.AddResults):
                task = self.tasks.get(change.rows.task)
                if task is not None and self.is_open(task.id):
                    rows.append(with_matching(change.rows, task.policy.stop_when))
        for one in rows:
            self.untold |= {(one.task, index) for index in one.indexes if index not in self.results.get(one.task, ())}
            self._add_results(one)
        return rows

    def _add_failures(self, change: ch.AddFailures) -> None:
        """A payload that has a result gets no failure, and its owner is told."""
        done = self.results.get(change.task, {})
        rows = self.failures.setdefault(change.task, {})
        for index, errors in zip(change.indexes, change.errors, strict=True):
            if index not in done:
                rows.setdefault(index, errors)
            else:
                self._tell_owner(change.task, index)

    def _tell_owner(self, task: str, index: int) -> None:
        place = self._place(task, index)
        if place is not None:
            matched = [index] if index in self.matches.get(task, ()) else []
            notice = Notice(id="", task=task, done=[(index, index + 1)], matched=matched)
            self._notify(self.stretches[place].owner, place[1], notice)

    def fresh(self, change: ch.AddForeign) -> set[Payload]:
        """Return the results that a change would add to those there are."""
        rows, task = change.rows, change.rows.task
        if not isinstance(rows, ch.AddResults) or not self.is_open(task):
            return set()
        return {(task, index) for index in rows.indexes if index not in self.results.get(task, ())}

    def told(self, stretches: Sequence[StretchRecord]) -> None:
        """Note that an owner knows all rows of stretches."""
        for stretch in stretches:
            self.untold = {
                (task, index)
                for task, index in self.untold
                if task != stretch.task or not stretch.start <= index < stretch.stop
            }

    # Reading

    def is_there(self, task: str) -> bool:
        """Tell whether a task is not deleted."""
        return task in self.tasks

    def is_open(self, task: str) -> bool:
        """Tell whether a task is there and not closed."""
        record = self.tasks.get(task)
        return record is not None and record.state in OPEN_STATES

    def is_closed_index(self, task: str, index: int) -> bool:
        """Tell whether an index has a result or a failure."""
        return index in self.results.get(task, ()) or index in self.failures.get(task, ())

    def blocks_of(self, task: str) -> list[BlockRecord]:
        """Return the blocks of a task."""
        return [block for block in self.blocks.values() if block.task == task]

    def stretches_of(self, task: str) -> list[StretchRecord]:
        """Return the stretches of a task, by start."""
        return self._stretches(task)

    def owner_of(self, task: str, index: int) -> str:
        """Return who looks after an index; nobody = an empty text."""
        place = self._place(task, index)
        return "" if place is None else self.stretches[place].owner

    def load_task(self, task: str, manager: str, only: set[int] | None = None) -> LoadedTask | None:
        """Return a task as one manager finds it; counters of its stretches are written as they are counted."""
        for row in self._stretches(task):
            if row.owner == manager and (only is None or row.start in only):
                self.stretches[task, row.start] = self._counted(row, manager)
        return super().load_task(task, manager, only)

    def tasks_of(self, manager: str) -> list[LoadedTask]:
        """Return open tasks as a manager finds them that starts."""
        return self.load(manager)

    def recount(self, manager: str) -> bool:
        """Tell a manager of results in its stretches that it need not know of; return whether there are any."""
        mine = sorted((task, index) for task, index in self.untold if self.owner_of(task, index) == manager)
        found = [each for each in mine if self.is_open(each[0])]
        for task, index in found:
            self._tell_owner(task, index)
        return bool(found)

    def _known_results(self, task: str) -> Collection[int]:
        """Whoever loads a task reads what documents of stretches name."""
        return [index for index in self.results.get(task, {}) if (task, index) not in self.untold]
