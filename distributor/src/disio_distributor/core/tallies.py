"""What happened to hand-outs, per task, for people.

Rule: a tally only grows and outlives its task here; the longest unchanged are forgotten beyond a bound.
"""

from collections.abc import Iterable

from disio_shared.messages import TaskTally


class Tally:
    """One task's."""

    __slots__ = ("copies", "failed", "lost")

    def __init__(self) -> None:
        self.lost = self.failed = self.copies = 0


class Tallies:
    """Those of all tasks, the longest unchanged first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_task: dict[str, Tally] = {}

    def count(self, task: str, lost: int = 0, failed: int = 0, copies: int = 0) -> None:
        """Add to a task's tally."""
        tally = self._by_task.pop(task, None) or Tally()
        self._by_task[task] = tally
        tally.lost, tally.failed, tally.copies = tally.lost + lost, tally.failed + failed, tally.copies + copies
        if len(self._by_task) > self._most:
            del self._by_task[next(iter(self._by_task))]

    def of(self, tasks: Iterable[str]) -> list[TaskTally]:
        """Return those of some tasks, as managers are told of them."""
        return [_told(task, self._by_task[task]) for task in tasks if task in self._by_task]

    def report(self) -> list[TaskTally]:
        """Return them as managers are told of them."""
        return [_told(task, tally) for task, tally in self._by_task.items()]


def _told(task: str, tally: Tally) -> TaskTally:
    return TaskTally(task=task, lost=tally.lost, failed=tally.failed, copies=tally.copies)
