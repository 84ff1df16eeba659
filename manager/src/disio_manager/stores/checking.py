"""What must be true of a manager's rows while no manager runs: ``disio check`` reads a store and names what is not.

Rule: reads rows as they are written and changes nothing; whatever the size of a task, only a page of rows is in
memory at a time.

A commit to MongoDB that broke off leaves what the owner's next start puts right: such a problem says so.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple, Protocol

from disio_manager.core.records import SharedTask, StretchRecord, TaskRecord
from disio_manager.core.stopping import STOPPED
from disio_manager.stores.assembling import index_of
from disio_manager.stores.base import (
    BlobStore,
    CheckStore,
    HasBlobs,
    IndexedRows,
    ReadStore,
    SharedStore,
    StoredBlock,
    WorkunitStore,
)
from disio_manager.stores.checking_logs import log_problems
from disio_manager.stores.segments import HasSegments
from disio_shared.ranges import RangeSet, Run, runs_of
from disio_shared.taskdoc import OPEN_STATES

PAGE_TASKS = 100
PAGE_ROWS = 10_000
HAS_BLOCKS = OPEN_STATES | {"failed"}
"""States in which a payload that is not closed must be in a block: of a failed task a retry opens it again."""
READ_BYTES = 4 << 20
WHATEVER = 1 << 62
"""Above every index."""


class CheckedStore(CheckStore, ReadStore, WorkunitStore, SharedStore, HasBlobs, HasSegments, Protocol):
    """What a check reads."""


class _Window(NamedTuple):
    """Rows of a task from one index to another, all of them."""

    start: int
    stop: int
    done: RangeSet
    failed: RangeSet
    matched: RangeSet
    blocks: list[StoredBlock]


class _Counted:
    """What the rows of one stretch add up to."""

    def __init__(self) -> None:
        self.done = self.failed = self.matched = 0


async def problems(store: CheckedStore) -> AsyncIterator[str]:
    """Yield what is wrong, one sentence each, oldest task first.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    after = 0
    while True:
        page = await store.tasks_after(after, PAGE_TASKS)
        if not page:
            return
        for shared in page:
            async for problem in _Check(store, shared).run():
                yield f"task {shared.record.id}: {problem}"
        after = page[-1].record.number


class _Check:
    """Checks one task."""

    def __init__(self, store: CheckedStore, shared: SharedTask) -> None:
        self._store, self._stretches = store, shared.stretches
        self._record: TaskRecord = shared.record
        self._mended = _remedy(shared.record.state) if store.is_shared else ""
        is_ended = shared.record.state in ("cancelled", "expired") or shared.record.ended_by == STOPPED
        self._is_cut_short = store.is_shared and is_ended
        """It ended with payloads open: what another manager took in just before its owner may not have counted."""
        self._covered = 0
        """End of the blocks seen so far."""

    async def run(self) -> AsyncIterator[str]:
        for problem in self._bounds():
            yield problem
        done = failed = matched = 0
        for stretch in self._stretches:
            counted = _Counted()
            async for problem in self._stretch(stretch, counted):
                yield problem
            done, failed, matched = done + counted.done, failed + counted.failed, matched + counted.matched
        async for problem in self._outside():
            yield problem
        for problem in [*self._closing(done, failed), *self._stopping(matched)]:
            yield problem
        async for problem in self._inputs():
            yield problem

    async def _inputs(self) -> AsyncIterator[str]:
        """Its code and its payloads are there."""
        async for problem in self._workunit():
            yield problem
        async for problem in self._blob():
            yield problem
        if self._record.form:
            async for problem in log_problems(self._store.segments, self._record, self._stretches):
                yield problem

    def _bounds(self) -> Iterator[str]:
        """Stretches follow one another from 0 on and end within the task."""
        at = 0
        for stretch in self._stretches:
            if stretch.start > at:
                yield f"nobody looks after payloads {_named((at, stretch.start))}, though a later stretch is there"
            if stretch.start < at:
                yield f"payloads {_named((stretch.start, min(at, stretch.stop)))} are in two stretches"
            if not self._record.form and not stretch.start < stretch.stop <= self._record.total:
                yield f"the stretch at {stretch.start} ends at {stretch.stop}, the task at {self._record.total}"
            if not stretch.start <= stretch.frontier <= stretch.stop:
                yield f"the frontier {stretch.frontier} is not in its stretch {stretch.start} to {stretch.stop}"
            at = max(at, stretch.stop)

    async def _stretch(self, stretch: StretchRecord, counted: _Counted) -> AsyncIterator[str]:
        self._covered = stretch.start
        async for window in self._windows(stretch.start, stretch.stop):
            for problem in self._window(stretch, window):
                yield problem
            counted.done += len(window.done)
            counted.failed += len(window.failed)
            counted.matched += len(window.matched)
        for problem in self._counters(stretch, counted):
            yield problem

    def _counters(self, stretch: StretchRecord, counted: _Counted) -> Iterator[str]:
        if self._is_cut_short and counted.done >= stretch.done and counted.matched >= stretch.matched:
            return
        if (counted.done, counted.failed) != (stretch.done, stretch.failed):
            yield (
                f"the stretch at {stretch.start} counts {stretch.done} done and {stretch.failed} failed payloads, "
                f"its rows are {counted.done} and {counted.failed}{self._mended}"
            )
        if counted.matched != stretch.matched:
            yield (
                f"the stretch at {stretch.start} counts {stretch.matched} results that satisfy stop_when, "
                f"its rows are {counted.matched}{self._mended}"
            )

    def _window(self, stretch: StretchRecord, window: _Window) -> Iterator[str]:
        yield from self._contradictions(window)
        for name, rows in (("a result", window.done), ("a failure", window.failed)):
            for run in rows.difference([(0, stretch.frontier)]).runs():
                yield f"payloads {_named(run)} have {name} and were never handed out"
        unblocked = RangeSet([(window.start, min(self._covered, window.stop))])
        for stored in window.blocks:
            yield from self._block(stretch, stored)
            unblocked.add(stored.block.start, min(stored.block.stop, window.stop))
        if self._record.state not in HAS_BLOCKS:
            return
        lost = RangeSet([(window.start, min(window.stop, stretch.frontier))])
        for part in (unblocked, window.done, window.failed):
            lost.remove_all(part.runs())
        for run in lost.runs():
            yield f"payloads {_named(run)} are in no block and have no result{self._mended}"

    def _contradictions(self, window: _Window) -> Iterator[str]:
        both = window.failed.difference(window.failed.difference(window.done.runs()).runs())
        for run in both.runs():
            yield f"payloads {_named(run)} have a result and are recorded as failed{self._mended}"
        for run in window.matched.difference(window.done.runs()).runs():
            yield f"payloads {_named(run)} are said to satisfy stop_when and have no result"

    def _block(self, stretch: StretchRecord, stored: StoredBlock) -> Iterator[str]:
        block = stored.block
        name = f"block {block.id} of payloads {_named((block.start, block.stop))}"
        if block.start >= block.stop or block.stop > stretch.stop:
            yield f"{name} reaches out of its stretch {stretch.start} to {stretch.stop}"
        elif block.stop > stretch.frontier:
            yield f"{name} reaches beyond the frontier {stretch.frontier}{self._mended}"
        if block.start < self._covered:
            yield f"{name} overlaps another block{self._mended}"
        if stored.owner != stretch.owner:
            yield f"{name} belongs to manager {stored.owner}, its stretch to {stretch.owner}{self._mended}"
        self._covered = max(self._covered, block.stop)

    async def _outside(self) -> AsyncIterator[str]:
        """No row is where no stretch is."""
        spans = [(stretch.start, stretch.stop) for stretch in self._stretches]
        for start, stop in RangeSet([(0, WHATEVER)]).difference(spans).runs():
            async for window in self._windows(start, stop):
                for run in [*window.done.runs(), *window.failed.runs()]:
                    of = f"the task has {self._record.total}" if run[1] > self._record.total else "in no stretch"
                    yield f"payloads {_named(run)} have a result or a failure: {of}"
                for stored in window.blocks:
                    yield f"block {stored.block.id} begins at {stored.block.start}, in no stretch"

    def _closing(self, done: int, failed: int) -> Iterator[str]:
        """A task that is over has an answer for each payload."""
        record = self._record
        limit = record.policy.max_task_failures
        if record.state == "done" and done != record.total and record.ended_by != STOPPED:
            yield f"it is done with {done} results of {record.total}"
        if record.state == "failed" and done + failed < record.total and (limit is None or failed < limit):
            yield f"it is failed with {done} results and {failed} failures of {record.total}"

    def _stopping(self, matched: int) -> Iterator[str]:
        """A task is done by its ``stop_when`` exactly if enough results satisfy that."""
        record, stop = self._record, self._record.policy.stop_when
        wanted = 0 if stop is None else stop.count
        if record.ended_by == STOPPED and (not wanted or matched < wanted or record.state != "done"):
            yield f"it is {record.state}, ended by stop_when, and {matched} results of {wanted} satisfy that"
        if record.state in OPEN_STATES and wanted and matched >= wanted:
            yield f"it is {record.state}, and {matched} results satisfy stop_when, enough to end it{self._mended}"

    async def _workunit(self) -> AsyncIterator[str]:
        if self._record.state not in OPEN_STATES:
            return
        found = await self._store.workunit(self._record.workunit)
        if found is None:
            yield f"its work unit {self._record.workunit} is not there"
        elif hashlib.sha256(found[1]).hexdigest() != self._record.workunit:
            yield f"its work unit {self._record.workunit} is damaged: its bytes have another SHA-256"

    async def _blob(self) -> AsyncIterator[str]:
        """The archive that payloads are read from is there, as long as any may be handed out."""
        blob = self._record.blob
        if not blob or self._record.state not in OPEN_STATES:
            return
        if await self._store.blobs.size(blob) is None:
            yield f"its payloads are lost: blob {blob} is not there"
        elif not await self._has_index():
            yield f"blob {blob} of its payloads has no index"
        elif await _hash_of(self._store.blobs, blob) != blob:
            yield f"blob {blob} of its payloads is damaged: its bytes have another SHA-256"

    async def _has_index(self) -> bool:
        whole = await self._store.task(self._record.id)
        place = index_of(whole) if whole is not None else None
        return place is not None and await self._store.blobs.index(*place) is not None

    async def _windows(self, start: int, stop: int) -> AsyncIterator[_Window]:
        """Cut a run into parts whose rows are at most a page of each kind."""
        task = self._record.id
        while start < stop:
            pages: dict[IndexedRows, list[int]] = {
                "results": await self._store.indexes("results", task, start, PAGE_ROWS),
                "failures": await self._store.indexes("failures", task, start, PAGE_ROWS),
                "matches": await self._matches(start),
            }
            blocks = await self._store.blocks(task, start, PAGE_ROWS)
            ends = [page[-1] + 1 for page in pages.values() if len(page) == PAGE_ROWS]
            if len(blocks) == PAGE_ROWS:
                ends.append(blocks[-1].block.start + 1)
            end = min([stop, *ends])
            done, failed, matched = (RangeSet(runs_of([i for i in page if i < end])) for page in pages.values())
            yield _Window(start, end, done, failed, matched, [each for each in blocks if each.block.start < end])
            start = end

    async def _matches(self, start: int) -> list[int]:
        if self._record.policy.stop_when is None:
            return []
        return await self._store.indexes("matches", self._record.id, start, PAGE_ROWS)


async def _hash_of(blobs: BlobStore, sha256: str) -> str:
    digest, at = hashlib.sha256(), 0
    while part := await blobs.read(sha256, at, READ_BYTES):
        digest.update(part)
        at += len(part)
    return digest.hexdigest()


def _remedy(state: str) -> str:
    """Return what puts right what a commit to MongoDB left that broke off."""
    if state in OPEN_STATES:
        return " (what a broken-off commit left, the next start of the manager that owns it puts right)"
    return " (a retry of the task puts this right)" if state == "failed" else ""


def _named(run: Run) -> str:
    start, stop = run
    return str(start) if stop - start == 1 else f"{start} to {stop - 1}"
