"""Who computed the results of a task: rows grouped by client and distributor.

Rule: a page groups a bounded number of rows, and reads no values of them.
"""

from typing import NamedTuple, Protocol


class OriginRow(NamedTuple):
    """What one client computed at one distributor, of the rows of a page."""

    client: str
    distributor: str
    results: int
    seconds: float
    """Of the client's time."""
    first_at: float
    """When the first of them was stored, seconds since 1970, and below the last."""
    last_at: float


class OriginPage(NamedTuple):
    """Rows of a run of indexes, grouped."""

    rows: list[OriginRow]
    next: int | None
    """Index to go on from; None after the last row."""


class SecondsPage(NamedTuple):
    """How long the units of a run of results took."""

    seconds: list[float]
    next: int | None
    """Index to go on from; None after the last row."""


class OriginStore(Protocol):
    """Groups canonical results."""

    async def page(self, task: str, start: int, limit: int) -> OriginPage:
        """Group up to ``limit`` results from index ``start`` on."""
        ...

    async def seconds(self, task: str, start: int, limit: int) -> SecondsPage:
        """Return how long the units of up to ``limit`` results from index ``start`` on took."""
        ...

    async def votes(self, task: str) -> tuple[int, int]:
        """Return how many further results are like the canonical ones, and how many differ."""
        ...


class HasOrigins(Protocol):
    """A store that tells who computed what."""

    @property
    def origins(self) -> OriginStore:
        """Where that is asked."""
        ...
