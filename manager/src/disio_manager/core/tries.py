"""Tries that came to nothing, of payloads that distributors gave back: whoever gets those next counts on.

Rule: kept in memory only and bounded; where it is lost, a payload is tried a few times more, and nothing else.
"""

from collections.abc import Iterable

from disio_shared.messages import TryColumns
from disio_shared.ranges import RangeSet, Run

MAX_ROWS = 10_000
"""Tries kept of all tasks together; beyond it the payload noted first is forgotten."""
MAX_CHARS = 500
Try = tuple[str, str, bool, str, float]
"""Client, error, whether the client vanished, distributor, and when it was over (seconds since 1970; 0: not known)."""


class Tries:
    """What is known of open payloads."""

    def __init__(self) -> None:
        self._tasks: dict[str, dict[int, list[Try]]] = {}
        self._rows = 0

    def keep(self, columns: TryColumns, indexes: set[int], distributor: str = "") -> None:
        """Take in what a distributor knows of some payloads; it was told of what was known here before."""
        found: dict[int, list[Try]] = {}
        number = len(columns.indexes)
        where, when = columns.distributors or [""] * number, columns.ended_at or [0.0] * number
        rows = zip(columns.indexes, columns.clients, columns.errors, columns.lost, where, when, strict=True)
        for index, client, error, lost, at, ended_at in rows:
            if index in indexes:
                row = (client, error[:MAX_CHARS], lost, at or distributor, ended_at)
                found.setdefault(index, []).append(row)
        for index, tries in found.items():
            self._drop(columns.task, index)
            self._tasks.setdefault(columns.task, {})[index] = tries
            self._rows += len(tries)
        while self._rows > MAX_ROWS:
            task = next(iter(self._tasks))
            self._drop(task, next(iter(self._tasks[task])))

    def of(self, task: str, remaining: RangeSet) -> TryColumns | None:
        """Return what is known of a block's open payloads."""
        known = self._tasks.get(task, {})
        rows = [(index, tried) for index in known if index in remaining for tried in known[index]]
        if not rows:
            return None
        return TryColumns(
            task=task,
            indexes=[index for index, _ in rows],
            clients=[tried[0] for _, tried in rows],
            errors=[tried[1] for _, tried in rows],
            lost=[tried[2] for _, tried in rows],
            distributors=[tried[3] for _, tried in rows],
            ended_at=[tried[4] for _, tried in rows],
        )

    def forget(self, task: str, runs: Iterable[Run] = ((0, 1 << 62),)) -> None:
        """Forget payloads: they are closed, or begin anew."""
        gone = RangeSet(runs) if task in self._tasks else ()
        for index in [index for index in self._tasks.get(task, ()) if index in gone]:
            self._drop(task, index)

    def _drop(self, task: str, index: int) -> None:
        known = self._tasks.get(task, {})
        self._rows -= len(known.pop(index, ()))
        if not known:
            self._tasks.pop(task, None)
