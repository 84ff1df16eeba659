"""Clients that came to help one task: they get of it first, and it is asked for where nothing of it is held.

Rule: a wish changes the order in which one client is served, and nothing else: what a client may run, how much it gets
and what the task is charged stay as they are for everybody.
"""

from collections.abc import Iterable

from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.links import Link
from disio_distributor.core.roster import Session
from disio_distributor.core.state import State

MAX_SOUGHT = 16
"""Tasks that are asked for because of wishes, at a time."""
SEEK_S = 2.0
"""Seconds before a task that no manager had anything of is asked for again."""


def wished(state: State, session: Session) -> TaskWork | None:
    """Return the task that a client wants to help, if it can be served from it now."""
    work = state.tasks.get(session.prefers) if session.prefers else None
    if work is None or not work.has_ready or not state.is_servable(work):
        return None
    return work if session.capability.runs(work.manifest) else None


class Wishes:
    """Which of the wished tasks are to be asked for."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sought: dict[str, float] = {}

    def due(self, now: float) -> list[str]:
        """Return the tasks to ask for now: clients want them, and little or nothing of them is held."""
        wanted = list(dict.fromkeys(each.prefers for each in self._wishing()))[:MAX_SOUGHT]
        self._sought = {task: at for task, at in self._sought.items() if task in wanted}
        found = [task for task in wanted if self._is_short(task) and now >= self._sought.get(task, now)]
        for task in found:
            self._sought[task] = now + SEEK_S
        return found

    def slots_for(self, task: str) -> int:
        """Return how many units the clients that want a task run at a time."""
        return sum(each.slots for each in self._wishing() if each.prefers == task)

    def links_to(self, task: str) -> list[Link]:
        """Return the links over which a task may be had: of its cluster, or all while nobody knows."""
        work = self._state.tasks.get(task)
        return list(self._state.links.values()) if work is None else self._state.links_of(work.cluster)

    def _wishing(self) -> Iterable[Session]:
        return self._state.roster.wishing.values()

    def _is_short(self, task: str) -> bool:
        if task in self._state.standing.tasks:
            return False
        work = self._state.tasks.get(task)
        return work is None or (not work.paused and work.open_count <= self.slots_for(task))
