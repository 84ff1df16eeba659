"""Whose turn it is: the held tasks in the order in which they are to be served, per kind of client.

Rule: a task's place only ever moves back while it stands in a line, so a line is put right at its front alone and
serving one of a thousand tasks costs what serving one of ten does.
"""

import heapq
from collections.abc import Callable, Iterable

from disio_distributor.core.blocks import TaskWork, Turn
from disio_distributor.core.roster import Capability

MAX_LINES = 256
"""Kinds of clients whose lines are kept."""


class _Line:
    """The tasks that one kind of client can run."""

    def __init__(self, works: list[TaskWork]) -> None:
        self.works = works
        self._all = {work.manifest.task for work in works}
        self._in: set[str] = set()
        self._heap: list[tuple[Turn, TaskWork]] = []
        for work in works:
            self.join(work)

    def join(self, work: TaskWork) -> None:
        """Let a task stand in the line, if it belongs there and does not yet."""
        task = work.manifest.task
        if task in self._all and task not in self._in:
            self._in.add(task)
            heapq.heappush(self._heap, (work.turn, work))

    def first(self) -> TaskWork | None:
        """Return the task whose turn it is among those with ready payloads; the others leave the line."""
        while self._heap:
            turn, work = self._heap[0]
            if not work.has_ready:
                heapq.heappop(self._heap)
                self._in.discard(work.manifest.task)
            elif turn != work.turn:
                heapq.heapreplace(self._heap, (work.turn, work))
            else:
                return work
        return None

    def choose(self, suits: Callable[[TaskWork], bool]) -> TaskWork | None:
        """Return the first task in turn that suits."""
        passed: list[tuple[Turn, TaskWork]] = []
        while (work := self.first()) is not None and not suits(work):
            passed.append(heapq.heappop(self._heap))
        for entry in passed:
            heapq.heappush(self._heap, entry)
        return work


class Turns:
    """All lines; made anew when tasks come, go, or change, and kept right as their payloads do."""

    def __init__(self, servable: Callable[[], Iterable[TaskWork]]) -> None:
        self._servable = servable
        """Returns the tasks that are not paused and whose code is here."""
        self._lines: dict[Capability, _Line] = {}

    def changed(self) -> None:
        """Tasks came, went, were paused or resumed, or got their code."""
        self._lines.clear()

    def woke(self, work: TaskWork) -> None:
        """A task has ready payloads again."""
        for line in self._lines.values():
            line.join(work)

    def any_ready(self, capability: Capability) -> bool:
        """Tell whether anything is ready that such a client can run."""
        return self._line(capability).first() is not None

    def choose(self, capability: Capability, suits: Callable[[TaskWork], bool]) -> TaskWork | None:
        """Return the task whose turn it is of those with something ready that such a client can run, and that suit."""
        return self._line(capability).choose(suits)

    def runnable(self, capability: Capability) -> list[TaskWork]:
        """Return all tasks that such a client could be served from, in no order."""
        return self._line(capability).works

    def _line(self, capability: Capability) -> _Line:
        line = self._lines.get(capability)
        if line is None:
            if len(self._lines) >= MAX_LINES:
                del self._lines[next(iter(self._lines))]
            works = [work for work in self._servable() if capability.runs(work.manifest)]
            line = self._lines[capability] = _Line(works)
        return line
