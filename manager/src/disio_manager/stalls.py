"""Tasks of which no result comes.

Rule: a task that is not paused and has open payloads (a growing one may have none) counts as stalled when nothing of it
was closed for as long as its policy says; that is told once, until something is.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from disio_manager.core.views import TaskView

Progress = tuple[int, int]


@dataclass(slots=True)
class _Watched:
    closed: Progress
    since: float
    is_told: bool = False


class Stalls:
    """Watches open tasks; it knows nothing of before the manager's start."""

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}

    def look(self, views: Iterable[TaskView], now: float) -> list[TaskView]:
        """Return the tasks that have become stalled since the last look.

        Args:
            views: Every open task.
            now: Steady time, seconds.
        """
        stalled, seen = [], {}
        for view in views:
            record = view.record
            closed = (record.done, record.failed)
            known = self._watched.get(record.id)
            is_waiting = record.growing and record.done + record.failed == record.total
            if known is None or known.closed != closed or record.state == "paused" or is_waiting:
                known = _Watched(closed, now)
            elif not known.is_told and now - known.since >= record.policy.stall_s:
                known.is_told = True
                stalled.append(view)
            seen[record.id] = known
        self._watched = seen
        return stalled

    def since(self, task: str, now: float) -> float | None:
        """Return for how many seconds a task that counts as stalled has had no result, or None for others."""
        known = self._watched.get(task)
        return now - known.since if known is not None and known.is_told else None
