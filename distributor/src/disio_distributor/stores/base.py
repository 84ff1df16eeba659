"""What a distributor needs of its cache, as two small protocols.

Rule: every method raises ``StoreUnavailable`` when the cache does not answer, and nothing else of the driver's.
"""

from collections.abc import Sequence
from typing import Protocol

from disio_distributor.core.changes import Change
from disio_distributor.core.records import KnownClient, OutboxEntry, Snapshot
from disio_shared.messages import SiteDay


class CoreCache(Protocol):
    """What the core's shell needs."""

    async def load(self) -> Snapshot:
        """Return everything; makes id and token key at first use."""
        ...

    async def commit(self, changes: Sequence[Change]) -> None:
        """Make changes durable before returning."""
        ...

    async def outbox(self, ids: Sequence[int]) -> list[OutboxEntry]:
        """Return those of these entries that are there, by id."""
        ...


class ServingCache(Protocol):
    """What the client link and the web server read and write by themselves."""

    async def workunit(self, sha256: str) -> tuple[str, bytes] | None:
        """Return language and code."""
        ...

    async def client(self, client: str) -> KnownClient | None:
        """Return a client that was welcomed before."""
        ...

    async def put_client(self, client: KnownClient) -> None:
        """Remember a client; the longest unseen go beyond 100,000."""
        ...

    async def site_days(self) -> list[SiteDay]:
        """Return what was counted of sites, by day and site."""
        ...

    async def put_site_days(self, rows: list[SiteDay], oldest: int) -> None:
        """Keep rows in place of those of their site and day, and drop those of days before ``oldest``."""
        ...

    async def durability(self) -> str:
        """Return ``full``, or in a sentence why an acknowledged result may be lost."""
        ...

    async def used_bytes(self) -> int:
        """Return about how many bytes the cache takes."""
        ...

    async def room(self) -> int:
        """Return how many bytes the cache could grow by: what is free on its disk, or below Redis' ``maxmemory``."""
        ...

    async def close(self) -> None:
        """Let go of the cache."""
        ...


class DistributorCache(CoreCache, ServingCache, Protocol):
    """All of it."""
