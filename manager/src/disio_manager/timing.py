"""Keeps the durations of units counted, task by task, for who asks.

Rule: as in ``grouping``: numbers are of one moment, which is told; they are counted anew when results came since, never
more than a tenth of the time, and lie in a snapshot.
"""

import asyncio
import contextlib
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from disio_manager.core.records import TaskRecord
from disio_manager.durations import Durations
from disio_manager.stores.base import ManagerStore
from disio_shared.clock import Clock
from disio_shared.errors import UnavailableError

NAME = "durations"
"""Of the snapshots."""
FORM = 1
PAGE = 5_000
"""Few enough that other answers do not wait for one page: it is decoded while nothing else runs."""
MAX_KEPT = 64
RESTS = 9.0
"""Times as long as it counted, counting rests."""
MAX_COUNTING = 2
Mark = tuple[int, int]
"""What changes whenever results come: number, results."""


class _Snapshot(msgspec.Struct, array_like=True):
    form: int
    mark: Mark
    durations: Durations


_decoder = msgspec.msgpack.Decoder(_Snapshot)


@dataclass(slots=True)
class _Kept:
    mark: Mark
    durations: Durations
    rests_until: float = float("-inf")


class Timing:
    """Counts durations.

    Args:
        store: Of this manager.
        clock: Steady seconds.
    """

    def __init__(self, store: ManagerStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._counting: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(MAX_COUNTING)

    async def read(self, record: TaskRecord, wait_s: float) -> Durations:
        """Return the durations of a task as they were counted last; those of now, if that takes no longer than a while.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        kept = self._kept.get(record.id) or await self._loaded(record.id)
        mark = (record.number, record.done)
        if kept is not None and (kept.mark == mark or self._clock.steady() < kept.rests_until):
            return kept.durations
        counting = self._counting.get(record.id)
        if counting is None:
            counting = self._counting[record.id] = asyncio.create_task(self._count(record.id, mark))
            counting.add_done_callback(lambda _: self._counting.pop(record.id, None))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(counting), wait_s)
        found = self._kept.get(record.id)
        return Durations() if found is None else found.durations

    async def stop(self) -> None:
        """Count no more."""
        counting = list(self._counting.values())
        for task in counting:
            task.cancel()
        await asyncio.gather(*counting, return_exceptions=True)

    async def _loaded(self, task: str) -> _Kept | None:
        body = await self._store.snapshots.get(task, NAME)
        if body is None:
            return None
        with contextlib.suppress(ValueError):
            found = _decoder.decode(body)
            if found.form == FORM:
                return self._keep(task, _Kept(found.mark, found.durations))
        return None

    def _keep(self, task: str, kept: _Kept) -> _Kept:
        self._kept[task] = kept
        self._kept.move_to_end(task)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _count(self, task: str, mark: Mark) -> None:
        async with self._places:
            durations, start, began = Durations(), 0, self._clock.steady()
            while True:
                page = await self._store.origins.seconds(task, start, PAGE)
                await asyncio.to_thread(durations.add, page.seconds)
                if page.next is None:
                    break
                start = page.next
            now = self._clock.steady()
            self._keep(task, _Kept(mark, durations, now + RESTS * (now - began)))
            with contextlib.suppress(UnavailableError):
                await self._store.snapshots.put(task, NAME, msgspec.msgpack.encode(_Snapshot(FORM, mark, durations)))
