"""What distributors counted of sites: one row for each distributor, site and day.

Rule: a row is replaced by a newer version of itself and by nothing else, so repeats and late ones change nothing.
"""

from collections.abc import Sequence
from typing import Protocol

from disio_shared.messages import SiteDay


class SiteStore(Protocol):
    """Keeps rows."""

    async def put(self, distributor: str, rows: Sequence[SiteDay]) -> None:
        """Keep the rows of a distributor that are newer than what is there."""
        ...

    async def since(self, day: int) -> list[SiteDay]:
        """Return all rows from a day on, in no order: of one site and day one for each distributor."""
        ...

    async def of(self, site: str, day: int) -> list[SiteDay]:
        """Return the rows of one site from a day on, in no order; those of others are not read."""
        ...

    async def drop_before(self, day: int) -> None:
        """Forget older days."""
        ...


class HasSites(Protocol):
    """A store that keeps what was counted of sites."""

    @property
    def sites(self) -> SiteStore:
        """Where it is."""
        ...
