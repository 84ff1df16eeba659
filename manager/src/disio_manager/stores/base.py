"""What the manager needs of a store, as three small protocols.

Rule: every method raises ``StoreUnavailable`` when the database does not answer, and nothing else of the driver's.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from disio_manager.core.changes import Change
from disio_manager.core.records import DistributorRecord, LoadedTask, TaskRecord


class ResultRow(msgspec.Struct, frozen=True):
    """One canonical result."""

    index: int
    value: bytes
    client: str
    seconds: float


class FailureRow(msgspec.Struct, frozen=True):
    """One quarantined payload."""

    index: int
    errors: list[str]


class TaskPage(msgspec.Struct, frozen=True):
    """One page of tasks, newest first."""

    items: list[TaskRecord]
    """With empty ``payloads``: those may be megabytes; ``task()`` gives them."""
    next_cursor: str | None
    total: int
    """Tasks that match, on all pages."""


class CoreStore(Protocol):
    """What the core's shell needs."""

    async def load(self) -> list[LoadedTask]:
        """Return all open tasks with their blocks; counters are counted again from the rows."""
        ...

    async def load_task(self, task: str) -> LoadedTask | None:
        """Return one task in any state, as ``load`` does; what ``TaskCommanded.stored`` wants."""
        ...

    async def commit(self, changes: Sequence[Change]) -> None:
        """Make changes durable (SQLite: fsync; MongoDB: majority) before returning."""
        ...

    async def next_number(self) -> int:
        """Return a task number never given before."""
        ...


class ReadStore(Protocol):
    """What the REST interface reads."""

    async def cluster_id(self) -> str:
        """Return this database's id, made at first use."""
        ...

    async def task(self, task: str) -> TaskRecord | None:
        """Return a task by id."""
        ...

    async def tasks(self, state: str, q: str, limit: int, cursor: str) -> TaskPage:
        """Return tasks whose state is ``state`` (empty = any) and whose name or tag holds ``q``, newest first."""
        ...

    def results(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield pages of results in index order from index ``start``, at most ``limit`` rows (0 = all)."""
        ...

    async def failures(self, task: str, start: int, limit: int) -> list[FailureRow]:
        """Return quarantined payloads in index order from index ``start``, at most ``limit`` rows (0 = all)."""
        ...

    async def distributors(self) -> list[DistributorRecord]:
        """Return every distributor ever seen, at most 10,000."""
        ...

    async def ping(self) -> None:
        """Return when the database answers."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


class WorkunitStore(Protocol):
    """Immutable code by its SHA-256."""

    async def put_workunit(self, sha256: str, language: str, code: bytes) -> None:
        """Keep code; a repeat is harmless."""
        ...

    async def workunit(self, sha256: str) -> tuple[str, bytes] | None:
        """Return language and code."""
        ...


class ManagerEntry(msgspec.Struct, frozen=True):
    """One manager that serves the database, by its own word."""

    id: str
    url: str
    since: float
    """When it started, seconds since 1970-01-01 UTC, like ``seen``."""
    seen: float


class ManagerRegistry(Protocol):
    """Who serves the database."""

    async def enlist(self, entry: ManagerEntry) -> None:
        """Put a manager in, or renew its entry."""
        ...

    async def managers(self) -> list[ManagerEntry]:
        """Return every entry, at most 100; of a store that one process alone can open, none."""
        ...

    async def strike_off(self, manager: str) -> None:
        """Take an entry out; one that is not there is fine."""
        ...


class ManagerStore(CoreStore, ReadStore, WorkunitStore, ManagerRegistry, Protocol):
    """All of it."""
