"""Finds out who computed the results of a task.

Rule: it reads a page at a time, for one request at a time, for a bounded time; of a task that is over it goes on where
the last request ended, so asking again comes to an end however many results there are.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from disio_manager.api.awaiting import TooManyWaiting
from disio_manager.core.records import TaskRecord
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.origins import OriginRow
from disio_shared.clock import Clock
from disio_shared.taskdoc import OPEN_STATES

PAGE_ROWS = 20_000
MAX_KEPT = 16
"""Tasks whose origins are in memory."""
MAX_WAITING = 32
MAX_ORIGINS = 100_000
"""Clients that are told apart."""


@dataclass(slots=True)
class Origins:
    """What is known of a task's results."""

    counted: int = 0
    by: dict[tuple[str, str], OriginRow] = field(default_factory=dict)
    """Client and distributor to what it computed; at most ``MAX_ORIGINS``."""
    beyond: int = 0
    """Results of others."""
    first_at: float | None = None
    last_at: float | None = None
    seconds: float = 0.0
    next: int | None = 0
    """Index to go on from."""

    def add(self, row: OriginRow) -> None:
        """Put in what one client computed."""
        self.counted += row.results
        self.seconds += row.seconds
        self.first_at = row.first_at if self.first_at is None else min(self.first_at, row.first_at)
        self.last_at = row.last_at if self.last_at is None else max(self.last_at, row.last_at)
        key = (row.client, row.distributor)
        known = self.by.get(key)
        if known is None and len(self.by) >= MAX_ORIGINS:
            self.beyond += row.results
        else:
            self.by[key] = row if known is None else _together(known, row)


class Tracing:
    """Reads origins.

    Args:
        store: Of this manager.
        clock: Steady seconds.
    """

    def __init__(self, store: ManagerStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._kept: OrderedDict[tuple[str, int, int], Origins] = OrderedDict()
        self._reading = asyncio.Lock()
        self._waiting = 0

    async def read(self, record: TaskRecord, most_s: float) -> Origins:
        """Return who computed a task's results, as far as could be read in some seconds.

        Raises:
            StoreUnavailable: The database does not answer.
            TooManyWaiting: Too many requests wait already.
        """
        if self._waiting >= MAX_WAITING:
            raise TooManyWaiting(f"{MAX_WAITING} requests for provenance wait already")
        self._waiting += 1
        try:
            async with self._reading:
                return await self._read(record, most_s)
        finally:
            self._waiting -= 1

    async def _read(self, record: TaskRecord, most_s: float) -> Origins:
        found, end = self._begun(record), self._clock.steady() + most_s
        while found.next is not None:
            page = await self._store.origins.page(record.id, found.next, PAGE_ROWS)
            for row in page.rows:
                found.add(row)
            found.next = page.next
            if self._clock.steady() >= end:
                break
        return found

    def _begun(self, record: TaskRecord) -> Origins:
        """Return what was read of a task before; of one that is open results come everywhere, so nothing."""
        if record.state in OPEN_STATES:
            return Origins()
        stamp = (record.id, record.version, record.done)
        found = self._kept.setdefault(stamp, Origins())
        self._kept.move_to_end(stamp)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return found


def _together(one: OriginRow, other: OriginRow) -> OriginRow:
    return one._replace(
        results=one.results + other.results,
        seconds=one.seconds + other.seconds,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
    )
