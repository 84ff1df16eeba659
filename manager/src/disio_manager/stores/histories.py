"""Where the points of the past are kept.

Rule: each manager writes its own, and a repeat changes nothing; whoever reads gets those of all managers.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from disio_manager.history import Row


class Kept(NamedTuple):
    """A point of one manager."""

    manager: str
    row: Row


class HistoryStore(Protocol):
    """Keeps points by task, span, begin and manager; those of a task go with it."""

    async def put(self, rows: Sequence[Row]) -> None:
        """Keep points of this manager in place of those there; of tasks that are gone nothing."""
        ...

    async def own(self, span: int, at: int) -> list[Row]:
        """Return this manager's points that begin at a moment, of all series, at most 1,000."""
        ...

    async def read(self, task: str, span: int, start: int, stop: int) -> list[Kept]:
        """Return a task's points (empty: those of all together) from ``start`` to before ``stop``, of every manager."""
        ...

    async def drop(self, span: int, before: int) -> None:
        """Remove points that begin before a moment."""
        ...


class HasHistory(Protocol):
    """A store that keeps points."""

    @property
    def history(self) -> HistoryStore:
        """Where they are."""
        ...
