"""What payloads went through before they were closed: past tries, and what units wrote to their log.

Rule: rows come with the results they belong to and never change; what a limit leaves out is counted. A row is named by
its payload, when it ended and its place among the payload's rows, so that a repeat adds nothing.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from disio_manager.core.changes import AddTries


class TryRow(NamedTuple):
    """One try of a payload that is over."""

    client: str
    distributor: str
    outcome: str
    """``done``, ``failed`` or ``lost``."""
    error: str
    log: str
    ended_at: float
    """Seconds since 1970 by the distributor's clock; 0: not known."""


class TriesKept(NamedTuple):
    """How many rows there are, and how many no limit let in. Left out ones that come again are counted again."""

    kept: int
    left_out: int


class PastOf(NamedTuple):
    """What is kept of one payload."""

    rows: list[TryRow]
    """By when they ended."""
    left_out: int
    """Of this payload, because it has ``MAX_TRIES``."""
    task: TriesKept
    """Of its whole task; left out because that has ``MAX_TASK_TRIES`` or ``MAX_TASK_CHARS``."""


class NewTry(NamedTuple):
    """A row as it is written."""

    payload: int
    """Its index."""
    at: int
    """When it ended, milliseconds since 1970."""
    nth: int
    """Place among the rows of its payload that came together."""
    client: str
    distributor: str
    outcome: str
    error: str
    log: str

    @property
    def chars(self) -> int:
        """How many characters of texts it has."""
        return len(self.error) + len(self.log)


def rows_of(change: AddTries) -> Iterator[NewTry]:
    """Yield the rows of a change."""
    places: dict[int, int] = {}
    columns = (change.clients, change.distributors, change.outcomes, change.errors, change.logs)
    for index, ended_at, *texts in zip(change.indexes, change.ended_at, *columns, strict=True):
        nth = places[index] = places.get(index, -1) + 1
        yield NewTry(index, round(ended_at * 1000), nth, *texts)


class TryStore(Protocol):
    """Tells what is kept; ``AddTries`` keeps it."""

    async def of(self, task: str, index: int) -> PastOf:
        """Return what is kept of a payload."""
        ...


class HasTries(Protocol):
    """A store that keeps past tries."""

    @property
    def tries(self) -> TryStore:
        """Where they are."""
        ...
