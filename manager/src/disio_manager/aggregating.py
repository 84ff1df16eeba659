"""Keeps aggregates of tasks, from their journals.

Rule: a result goes in once, in the order of the journal; how far that is lies beside the numbers, in one snapshot, so
whoever goes on (after a restart, or on another manager) goes on from there. A result never changes, so nothing is ever
taken out: a retry only brings results that were not there before.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from disio_manager.aggregates import Aggregate
from disio_manager.api.awaiting import TooManyWaiting
from disio_manager.core.commands import Announce
from disio_manager.core.records import TaskRecord
from disio_manager.core.views import TaskView
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.journal import ArrivalPage, Position
from disio_manager.stores.snapshots import MAX_BYTES
from disio_shared.clock import Clock
from disio_shared.errors import StoreUnavailable, UnavailableError
from disio_shared.logs import logger
from disio_shared.ranges import RangeSet, Run, runs_of
from disio_shared.task_parts import Aggregates

NAME = "aggregates"
"""Of the snapshots."""
FORM = 1
LOOK_S = 5.0
"""Seconds between looks at open tasks whose documents want aggregates, and between two snapshots of one task."""
RESTS = 9.0
"""Times as long as it read, reading rests while nobody waits: taking results in goes before."""
AWAY_S = 1.0
"""Seconds until a database that does not answer is asked again."""
MAX_KEPT = 64
"""Tasks whose numbers are in memory; those of others are in their snapshots."""
MAX_BEHIND = 10_000
"""Tasks that wait to be read on."""


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    form: int
    wanted: Aggregates
    position: str
    had: list[Run]
    numbers: bytes


_decoder = msgspec.msgpack.Decoder(_Snapshot)


@dataclass(slots=True)
class Kept:
    """The numbers of one task, and how far its journal is read."""

    aggregate: Aggregate
    position: Position
    had: RangeSet | None
    """Payloads that are counted, where a journal may tell of one again."""
    saved_at: float
    """Steady time of the last snapshot."""
    is_saved: bool = True

    def fresh(self, page: ArrivalPage) -> list[tuple[int, bytes]]:
        """Return payloads and results of a page that are not counted yet, each once."""
        had = self.had
        if had is None:
            return [(row.index, row.value) for row in page.results]
        return list({row.index: row.value for row in page.results if row.index not in had}.items())

    def take(self, page: ArrivalPage, part: Aggregate) -> None:
        """Put in what the fresh ones of a page come to."""
        self.aggregate.merge(part)
        if self.had is not None:
            self.had.add_all(runs_of([row.index for row in page.results]))
        self.is_saved = self.is_saved and page.position == self.position
        self.position = page.position

    def packed(self) -> bytes:
        """Return it as a snapshot."""
        had = [] if self.had is None else self.had.runs()
        wanted, text = self.aggregate.wanted, self.position.text()
        return msgspec.msgpack.encode(_Snapshot(FORM, wanted, text, had, self.aggregate.packed()))


@dataclass(slots=True)
class _Behind:
    """A task that is to be read on."""

    wanted: Aggregates
    asked: int = 0
    """How often: what was read before the last time may not hold all that came before it."""
    is_read: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the end of the journal was reached."""


class Aggregating:
    """Reads journals, a page of one task after the other.

    Args:
        store: Of this manager.
        clock: Steady seconds.
        views: Gives every open task.
        is_mine: Tells whether a task falls to this manager; what is asked for is read by any.
    """

    def __init__(
        self,
        store: ManagerStore,
        clock: Clock,
        views: Callable[[], Iterable[TaskView]],
        is_mine: Callable[[TaskRecord], bool],
    ) -> None:
        self._store, self._clock, self._views, self._is_mine = store, clock, views, is_mine
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._behind: dict[str, _Behind] = {}
        self._wake = asyncio.Event()
        self._waiting = 0
        """Requests that wait."""
        self._look_at = float("-inf")
        self._log = logger("manager.aggregating")

    def note(self, command: Announce) -> None:
        """Forget a task that is deleted."""
        if command.topic == "task-deleted":
            self._forget(command.task)

    async def read(self, record: TaskRecord, wait_s: float) -> Aggregate:
        """Return the numbers of a task's results, as many as could be read in a while.

        Args:
            record: The task.
            wait_s: Seconds to wait at most for the end of its journal; reading goes on afterwards.

        Raises:
            StoreUnavailable: The database does not answer.
            TooManyWaiting: Too many tasks wait already.
        """
        behind = self._put_behind(record)
        self._waiting += 1
        try:
            async with asyncio.timeout(wait_s):
                await behind.is_read.wait()
        except TimeoutError:
            pass  # what is read by now will do
        finally:
            self._waiting -= 1
        kept = self._kept.get(record.id)
        if kept is None or kept.aggregate.wanted != behind.wanted:
            kept = await self._loaded(record.id, behind.wanted)
        return kept.aggregate

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            self._wake.clear()
            began = self._clock.steady()
            try:
                await self._round()
            except UnavailableError as error:
                self._log.debug("cannot read on", problem=str(error))
                await self._rest(AWAY_S)
                continue
            now = self._clock.steady()
            if not self._behind:
                await self._rest(self._look_at - now)
            elif not self._waiting:
                await self._rest(RESTS * (now - began))

    async def _round(self) -> None:
        """Read a page of each of some tasks."""
        now = self._clock.steady()
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            self._look()
            await self._save_old(now)
        for task in list(self._behind)[:MAX_KEPT]:
            await self._step(task)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()

    def _look(self) -> None:
        """Find open tasks whose documents want it, and of which there is something new."""
        for view in self._views():
            record, kept = view.record, self._kept.get(view.record.id)
            is_wanted = record.aggregates is not None and self._is_mine(record)
            is_new = kept is None or kept.aggregate.counted < record.done
            if is_wanted and is_new and len(self._behind) < MAX_BEHIND:
                self._put_behind(record)

    def _put_behind(self, record: TaskRecord) -> _Behind:
        wanted = record.aggregates or Aggregates()
        behind = self._behind.get(record.id)
        if behind is None or behind.wanted != wanted:
            if len(self._behind) >= MAX_BEHIND:
                raise TooManyWaiting(f"{MAX_BEHIND} tasks wait for their results to be read")
            behind = self._behind[record.id] = _Behind(wanted)
        behind.asked += 1
        self._wake.set()
        return behind

    async def _step(self, task: str) -> None:
        """Read a page of a task."""
        behind = self._behind.get(task)
        if behind is None:
            return
        kept = self._kept.get(task)
        if kept is None or kept.aggregate.wanted != behind.wanted:
            kept = await self._loaded(task, behind.wanted)
            await self._keep(task, kept)
        asked = behind.asked
        page = await self._store.journal.arrivals(task, kept.position, 0)
        part = await asyncio.to_thread(Aggregate.of, behind.wanted, kept.fresh(page))
        if self._kept.get(task) is not kept:
            return  # deleted meanwhile
        kept.take(page, part)
        self._kept.move_to_end(task)
        if page.is_end and behind.asked == asked and self._behind.get(task) is behind:
            self._behind.pop(task).is_read.set()
        if self._clock.steady() - kept.saved_at >= LOOK_S:
            await self._save(task, kept)

    async def _loaded(self, task: str, wanted: Aggregates) -> Kept:
        """Return what the snapshot says, or nothing yet where there is none of what is wanted."""
        body = await self._store.snapshots.get(task, NAME)
        aggregate, position, had = _unpacked(body, wanted)
        return Kept(aggregate, position, had if self._store.is_shared else None, self._clock.steady())

    async def _keep(self, task: str, kept: Kept) -> None:
        self._kept[task] = kept
        while len(self._kept) > MAX_KEPT:
            other, oldest = next(iter(self._kept.items()))
            await self._save(other, oldest)
            self._kept.pop(other, None)

    async def _save_old(self, now: float) -> None:
        for task, kept in list(self._kept.items()):
            if now - kept.saved_at >= LOOK_S:
                await self._save(task, kept)

    async def _save(self, task: str, kept: Kept) -> None:
        if kept.is_saved:
            return
        body = kept.packed()
        kept.is_saved, kept.saved_at = True, self._clock.steady()
        if len(body) > MAX_BYTES:
            self._log.warning("too scattered for a snapshot: a restart reads all again", task=task, bytes=len(body))
            return
        try:
            await self._store.snapshots.put(task, NAME, body)
        except StoreUnavailable:
            kept.is_saved = False
            raise

    def _forget(self, task: str) -> None:
        self._kept.pop(task, None)
        behind = self._behind.pop(task, None)
        if behind is not None:
            behind.is_read.set()


def _unpacked(body: bytes | None, wanted: Aggregates) -> tuple[Aggregate, Position, RangeSet]:
    """Return what a snapshot says; nothing of one that cannot be read, or that something else was wanted for."""
    if body is not None:
        with contextlib.suppress(ValueError):
            found = _decoder.decode(body)
            if found.form == FORM and found.wanted == wanted:
                return Aggregate.unpacked(wanted, found.numbers), Position.parse(found.position), RangeSet(found.had)
    return Aggregate(wanted), Position(), RangeSet()
