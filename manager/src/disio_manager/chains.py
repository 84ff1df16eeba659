"""Chained tasks: results of one task become payloads of another.

Rule: a result is taken once. What was taken is noted with the payloads made of it, in one write that only succeeds
where the log ended; after any doubt it is read from there anew.
"""

import asyncio
import contextlib

import msgspec

from disio_manager.chain_parts import Gathering, Mark, Part
from disio_manager.core.commands import Announce
from disio_manager.core.events import TaskCommanded
from disio_manager.core.records import TaskRecord
from disio_manager.growth_news import tell_growth
from disio_manager.service import ManagerService
from disio_manager.stores.journal import PAGE_ROWS, JournalReader, Position
from disio_manager.stores.rows import ResultRow
from disio_manager.stores.segments import GrowthRefused, segment_of
from disio_shared.errors import DisioError, UnavailableError
from disio_shared.logs import logger
from disio_shared.payloads import Chain
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import OPEN_STATES

LOOK_S = 1.0
"""Seconds between looks at what nobody here tells of: results that came to other managers."""
PAUSE_S = 0.2
"""Seconds at least between looks: what comes meanwhile is taken together."""
SEGMENTS_A_SECOND = 20_000
"""A log of so many segments waits a second between two: the results that trickle in for months fit into one."""
CLOSED_S = 5.0
"""Seconds between looks at a source that is not open: it may be retried."""
ENDED = ("cancelled", "expired")
"""States in which a task never has all its results."""
_marks = msgspec.msgpack.Decoder(Mark)


def chain_of(record: TaskRecord) -> Chain:
    """Return how a chained task takes results."""
    told = msgspec.json.decode(record.payloads)
    return Chain(told["task"], told.get("stream", False), told.get("batch", 0))


class Chains:
    """Follows the sources of the chained tasks that this manager grows."""

    def __init__(self, service: ManagerService) -> None:
        self._service = service
        self._links: dict[str, Link] = {}
        self._troubles: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._log = logger("manager.chains")

    def note(self, command: Announce) -> None:
        """Know that something became of a task."""
        if command.topic.startswith("task"):
            self._wake.set()

    def told(self, task: str) -> list[str]:
        """Return a sentence about what keeps results from being taken over."""
        return [f"They cannot be taken over now: {self._troubles[task]}."] if task in self._troubles else []

    async def run(self) -> None:
        """Follow until cancelled; a database that is away is waited for."""
        while True:
            self._wake.clear()
            has_more = False
            with contextlib.suppress(UnavailableError):
                has_more = await self._round()
            if not has_more:
                await self._rest()

    async def _rest(self) -> None:
        await asyncio.sleep(PAUSE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._wake.wait()

    async def _round(self) -> bool:
        """Go one step with each; tell whether there is more to take."""
        records = {record.id: record for record in self._service.coordinator.chained()}
        self._links = {task: link for task, link in self._links.items() if task in records}
        self._troubles = {task: told for task, told in self._troubles.items() if task in records}
        steps = [await self._step(record) for record in records.values()]
        return any(steps)

    async def _step(self, record: TaskRecord) -> bool:
        try:
            if record.id not in self._links:
                self._links[record.id] = await Link.open(self._service, record)
            has_more = await self._links[record.id].step()
        except DisioError as error:  # whether it was written or not: the log tells
            self._links.pop(record.id, None)
            self._note_trouble(record.id, error)
            return False
        self._troubles.pop(record.id, None)
        return has_more

    def _note_trouble(self, task: str, error: DisioError) -> None:
        if self._troubles.get(task) != str(error):
            self._log.warning("results cannot be taken over", task=task, problem=str(error))
        self._troubles[task] = str(error)


class Link:
    """One chained task with its source.

    Args:
        record: The chained task.
        total: How many payloads its log holds.
        marks: What they were made of.
    """

    def __init__(self, service: ManagerService, record: TaskRecord, total: int, marks: list[Mark]) -> None:
        self._service, self._store, self._task = service, service.store, record.id
        self._chain = chain_of(record)
        self._total, self._segments = total, len(marks)
        self._had = RangeSet()
        for mark in marks:
            self._had.add_all(mark.runs)
        position = Position.parse(marks[-1].position) if marks else Position()
        self._reader = JournalReader(self._store.journal, self._chain.source, position, self._had)
        self._gathering = Gathering(self._chain.batch)
        self._not_before = 0.0
        self._closed: TaskRecord | None = None
        """The source as it was when it was last seen in the store."""
        self._look_at = 0.0
        """When to look there again."""
        self._is_sweeping = not self._chain.stream
        """Results are read in index order, to the last."""
        self._next = marks[-1].runs[-1][1] if marks and self._is_sweeping else 0
        """Where to."""

    @classmethod
    async def open(cls, service: ManagerService, record: TaskRecord) -> "Link":
        """Return the link as the log of the chained task tells.

        Raises:
            StoreUnavailable: It cannot be read.
        """
        log = service.store.segments
        marks = [_marks.decode(mark) for mark in await log.marks(record.id)]
        growth = await log.growth(record.id, 0)
        return cls(service, record, sum(head.count for head in growth.segments), marks)

    async def step(self) -> bool:
        """Take some results; tell whether there may be more by now.

        Raises:
            DisioError: It is to be opened anew.
        """
        now = self._service.clock.steady()
        if now < self._not_before:
            return False
        source = await self._source()
        if source is None or source.state in ENDED:
            await self._service.submit(TaskCommanded(self._task, "cancel", self._service.clock.wall()))
            return False
        if not self._is_sweeping:
            has_more = await self._take_next(source)
        else:
            has_more = source.state == "done" and await self._sweep(source)
        if not has_more:
            self._not_before = now + self._segments / SEGMENTS_A_SECOND
        return has_more

    async def _source(self) -> TaskRecord | None:
        now = self._service.clock.steady()
        view = self._service.coordinator.task_view(self._chain.source, now)
        if view is not None:
            self._closed = None
            return view.record
        if self._closed is None or now >= self._look_at:
            found = await self._store.task(self._chain.source)
            self._closed = None if found is None else msgspec.structs.replace(found, payloads=b"")
            self._look_at = now + CLOSED_S
        return self._closed

    async def _take_next(self, source: TaskRecord) -> bool:
        """Take what came next. ``source`` was read before, so at its end nothing more comes."""
        before = self._reader.position.text()
        page = await self._reader.page()
        await self._write(self._gathering.take(page.results), before)
        if not page.is_end:
            return True
        if source.state not in OPEN_STATES:
            await self._write(self._gathering.rest(), before)
        if source.state == "done":
            if len(self._had) < source.done:  # a manager that crashed had not told of all of them
                self._is_sweeping = True
                return True
            await self._close()
        return False

    async def _sweep(self, source: TaskRecord) -> bool:
        """Take some results in index order that were not taken yet; close the task behind the last."""
        position = self._reader.position.text()
        rows = [row async for page in self._store.results(source.id, self._next, PAGE_ROWS) for row in page]
        await self._write(self._gathering.take(self._fresh(rows)), position)
        if len(rows) == PAGE_ROWS:
            self._next = rows[-1].index + 1
            return True
        await self._write(self._gathering.rest(), position)
        await self._close()
        return False

    def _fresh(self, rows: list[ResultRow]) -> list[ResultRow]:
        return [row for row in rows if self._had.add(row.index, row.index + 1)]

    async def _write(self, parts: list[Part], position: str) -> None:
        for part in parts:
            mark = msgspec.msgpack.encode(Mark(position, part.runs))
            if not await self._store.segments.append(self._task, segment_of(self._total, part.values), mark):
                raise GrowthRefused(self._task, self._total, "somebody else gave it the same payloads")
            self._total += len(part.values)
            self._segments += 1
        if parts:
            await tell_growth(self._service, self._task, self._total)

    async def _close(self) -> None:
        await self._store.segments.append(self._task, segment_of(self._total, []))
        await tell_growth(self._service, self._task, self._total)
