"""Keeps failures grouped, task by task, for who asks.

Rule: groups are of one moment, which is told; they are counted anew when failures came or went, never more than a tenth
of the time, and lie in a snapshot, so that a restart or another manager has them at once.
"""

import asyncio
import contextlib
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from disio_manager.core.records import TaskRecord
from disio_manager.failure_groups import Groups
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.rows import FailureRow
from disio_manager.stores.snapshots import MAX_BYTES
from disio_shared.clock import Clock
from disio_shared.errors import UnavailableError

NAME = "failure-groups"
"""Of the snapshots."""
FORM = 2
PAGE = 2_000
MAX_KEPT = 32
RESTS = 9.0
"""Times as long as it counted, counting rests."""
MAX_COUNTING = 4
Mark = tuple[int, int, int]
"""What changes whenever failures come or go: number, failed payloads, retries."""


class _Snapshot(msgspec.Struct, array_like=True):
    form: int
    mark: Mark
    groups: Groups


_decoder = msgspec.msgpack.Decoder(_Snapshot)


@dataclass(slots=True)
class _Kept:
    mark: Mark
    groups: Groups
    rests_until: float = float("-inf")


class Grouping:
    """Groups failures.

    Args:
        store: Of this manager.
        clock: Steady seconds.
    """

    def __init__(self, store: ManagerStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._counting: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(MAX_COUNTING)

    async def read(self, record: TaskRecord, wait_s: float) -> Groups:
        """Return the groups of a task as they were counted last; those of now, if that takes no longer than a while.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        kept = self._kept.get(record.id) or await self._loaded(record.id)
        mark = (record.number, record.failed, record.retries)
        if kept is not None and (kept.mark == mark or self._clock.steady() < kept.rests_until):
            return kept.groups
        counting = self._counting.get(record.id)
        if counting is None:
            counting = self._counting[record.id] = asyncio.create_task(self._count(record.id, mark))
            counting.add_done_callback(lambda _: self._counting.pop(record.id, None))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(counting), wait_s)
        found = self._kept.get(record.id)
        return Groups() if found is None else found.groups

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
                return self._keep(task, _Kept(found.mark, found.groups))
        return None

    def _keep(self, task: str, kept: _Kept) -> _Kept:
        self._kept[task] = kept
        self._kept.move_to_end(task)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _count(self, task: str, mark: Mark) -> None:
        async with self._places:
            groups, start, began = Groups(), 0, self._clock.steady()
            while rows := await self._store.failures(task, start, PAGE):
                await asyncio.to_thread(_add, groups, rows)
                start = rows[-1].index + 1
            now = self._clock.steady()
            self._keep(task, _Kept(mark, groups, now + RESTS * (now - began)))
            body = msgspec.msgpack.encode(_Snapshot(FORM, mark, groups))
            if len(body) <= MAX_BYTES:
                with contextlib.suppress(UnavailableError):
                    await self._store.snapshots.put(task, NAME, body)


def _add(groups: Groups, rows: list[FailureRow]) -> None:
    for row in rows:
        groups.add(row.index, row.errors, row.at)
