"""Writes down what this manager sees, every ten seconds, for the charts.

Rule: never in the way of a commit: it reads counts that grow anyhow, and writes once in ten seconds. What a crash takes
is at most the last ten seconds of a chart; how far a task is, its rows say.
"""

import asyncio
import contextlib
from collections.abc import Callable

from disio_manager.core.coordinator import Coordinator
from disio_manager.core.counting import Counts
from disio_manager.core.records import TaskRecord
from disio_manager.core.views import Standing
from disio_manager.history import LEVELS, Point, Row, Series, kinds_of, start_of
from disio_manager.stores.base import ManagerStore
from disio_shared.clock import Clock
from disio_shared.errors import UnavailableError
from disio_shared.logs import logger

PERIOD_S = 10.0
MAX_TASKS = 100
"""Tasks with points of their own in one hour; more are in those of all together only, which say how many."""
MAX_UNSAVED = 10_000
"""Points that wait for a database that is away; then the oldest are dropped."""
TIDY_S = 600.0
OUTVOTED_S = 60.0
"""Seconds between looks at what was outvoted: that is a question to the database for each task with votes."""
MAX_OUTVOTED = 20
LAST_S = 3.0
"""Seconds that the last points may take when the manager stops."""
LONG_S = 30.0
"""A while longer than this was not looked at as a whole: the machine slept, or the database was away."""
HOUR_S = LEVELS[-1].span


class Recording:
    """Keeps the history of one manager.

    Args:
        store: Of this manager.
        clock: Its clock.
        coordinator: Returns its core as it is now.
        is_mine: Tells whether this manager is to count payloads of a task that nobody looks after yet.
    """

    def __init__(
        self,
        store: ManagerStore,
        clock: Clock,
        coordinator: Callable[[], Coordinator],
        is_mine: Callable[[TaskRecord], bool],
    ) -> None:
        self._store, self._clock, self._coordinator, self._is_mine = store, clock, coordinator, is_mine
        self._series: dict[str, Series] = {}
        self._active: dict[str, int] = {}
        """Task to the hour in which something of it was counted last."""
        self._left_out: set[str] = set()
        self._hour = 0
        self._core: Coordinator | None = None
        self._total, self._tasks = Counts(), dict[str, Counts]()
        self._noted_at, self._born = clock.steady(), clock.wall()
        self._unsaved: dict[tuple[str, int, int], Row] = {}
        self._voted: dict[str, int] = {}
        """Tasks with fresh votes, to what was known to be outvoted (-1: not yet)."""
        self._known: dict[str, int] = {}
        self._looked_at = self._tidied_at = float("-inf")
        self.written = 0
        """Grows with every write: what was read before it may be old."""
        self._log = logger("manager.recording")

    @property
    def left_out(self) -> int:
        """How many tasks of this hour have no points of their own."""
        return len(self._left_out)

    def is_left_out(self, task: str) -> bool:
        """Tell whether a task has no points of its own in this hour."""
        return task in self._left_out

    async def run(self) -> None:
        """Record until cancelled; the last points are written then."""
        resumed = False
        try:
            while True:
                with contextlib.suppress(UnavailableError):
                    if not resumed:
                        await self.resume()
                        resumed = True
                await asyncio.sleep(PERIOD_S - self._clock.wall() % PERIOD_S)
                await self.note()
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_S):
                    await self.note()

    async def resume(self) -> None:
        """Go on with this manager's points that are not over yet.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        now = self._clock.wall()
        rows = [row for span, _ in LEVELS for row in await self._store.history.own(span, start_of(now, span))]
        for task in {row.task for row in rows}:
            if task not in self._series and len(self._series) <= MAX_TASKS:
                self._series[task] = Series(task, [row for row in rows if row.task == task])
                self._active[task] = start_of(now, HOUR_S)

    async def note(self) -> None:
        """Write down what was counted since the last time; a database that is away is waited for."""
        try:
            coordinator = self._coordinator()
            await self._look_for_outvoted(coordinator)
            rows = self._rows(coordinator)
            self._unsaved |= {(row.task, row.span, row.at): row for row in rows}
            while len(self._unsaved) > MAX_UNSAVED:
                del self._unsaved[next(iter(self._unsaved))]
            await self._save()
            await self._tidy()
        except UnavailableError as error:
            self._log.debug("cannot record", problem=str(error))

    async def _save(self) -> None:
        rows = dict(self._unsaved)
        await self._store.history.put(list(rows.values()))
        self._unsaved = {key: row for key, row in self._unsaved.items() if rows.get(key) is not row}
        self.written += 1

    async def _tidy(self) -> None:
        if self._clock.steady() - self._tidied_at < TIDY_S:
            return
        self._tidied_at = self._clock.steady()
        now = self._clock.wall()
        for span, kept in LEVELS:
            await self._store.history.drop(span, start_of(now - kept, span))

    def _rows(self, coordinator: Coordinator) -> list[Row]:
        """Return the points that changed."""
        now, wall = self._clock.steady(), self._clock.wall()
        seconds, self._noted_at = now - self._noted_at, now
        if seconds > LONG_S:
            seconds = PERIOD_S
        at = wall - min(seconds, PERIOD_S) / 2
        grown, tasks = self._grown(coordinator)
        standing = coordinator.standing()
        queue = self._queue(coordinator, standing)
        rows = self._of("").note(_platform(grown, standing, sum(queue.values()), seconds), at)
        self._begin_hour(start_of(at, HOUR_S))
        for task, counts in tasks.items():
            if self._has_room(task):
                rows += self._of(task).note(_point(counts, queue.get(task, 0), seconds), at)
        return rows

    def _grown(self, coordinator: Coordinator) -> tuple[Counts, dict[str, Counts]]:
        """Return what was counted since the last time, in all and of the tasks of which anything was."""
        total, tasks = coordinator.counted()
        if coordinator is not self._core:
            self._core, self._total, self._tasks = coordinator, Counts(), {}
        grown = total.less(self._total)
        own = {task: counts.less(self._tasks.get(task, Counts())) for task, counts in tasks.items()}
        self._total, self._tasks = total, tasks
        for task, counts in own.items():
            if counts.votes and len(self._voted) < MAX_TASKS:
                self._voted.setdefault(task, -1)
        return grown, {task: counts for task, counts in own.items() if counts}

    def _queue(self, coordinator: Coordinator, standing: Standing) -> dict[str, int]:
        """Return the open payloads of tasks that this manager is to count."""
        found = {}
        for task, (own, unclaimed) in standing.queue.items():
            record = coordinator.record(task) if unclaimed else None
            found[task] = own + (unclaimed if record is not None and self._is_mine(record) else 0)
        return found

    def _of(self, task: str) -> Series:
        return self._series.setdefault(task, Series(task))

    def _begin_hour(self, hour: int) -> None:
        """Let go of tasks of which nothing was counted in the hour before."""
        if hour == self._hour:
            return
        self._hour = hour
        self._left_out.clear()
        quiet = [task for task, last in self._active.items() if last < hour - HOUR_S]
        for task in quiet:
            del self._active[task]
            self._series.pop(task, None)

    def _has_room(self, task: str) -> bool:
        if task not in self._active and len(self._active) >= MAX_TASKS:
            if len(self._left_out) < 100 * MAX_TASKS:
                self._left_out.add(task)
            return False
        self._active[task] = self._hour
        return True

    async def _look_for_outvoted(self, coordinator: Coordinator) -> None:
        """Count what was outvoted of tasks with fresh votes."""
        if not self._voted or self._clock.steady() - self._looked_at < OUTVOTED_S:
            return
        self._looked_at = self._clock.steady()
        for task in list(self._voted)[:MAX_OUTVOTED]:
            del self._voted[task]
            found = await self._store.disagreements(task)
            before = self._known.get(task, 0 if self._is_young(coordinator, task) else found)
            self._known[task] = found
            if found > before and self._has_room(task):
                self._note_outvoted(task, found - before)
        while len(self._known) > MAX_TASKS:
            del self._known[next(iter(self._known))]

    def _is_young(self, coordinator: Coordinator, task: str) -> bool:
        record = coordinator.record(task)
        return record is not None and record.created_at >= self._born

    def _note_outvoted(self, task: str, number: int) -> None:
        at = self._clock.wall() - PERIOD_S / 2
        rows = [row for name in ("", task) for row in self._of(name).note(Point(invalid=number), at)]
        self._unsaved |= {(row.task, row.span, row.at): row for row in rows}


def _point(counts: Counts, queue: int, seconds: float) -> Point:
    return Point(
        seconds=seconds,
        ok=counts.ok,
        failed=counts.failed,
        tries_failed=counts.tries_failed,
        lost=counts.lost,
        copies=counts.copies,
        queue=queue * seconds,
        most_queue=queue,
    )


def _platform(counts: Counts, standing: Standing, queue: int, seconds: float) -> Point:
    kinds = kinds_of(standing.kinds)
    point = _point(counts, queue, seconds)
    point.slots, point.most_slots = standing.slots * seconds, standing.slots
    point.kinds, point.most_clients = {kind: number * seconds for kind, number in kinds.items()}, sum(kinds.values())
    return point
