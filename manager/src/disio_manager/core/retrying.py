"""Failed payloads queued again: all of a task, or some.

Rule: each owner of stretches does so with its own as often as it was asked for, whenever it hears of it.
"""

from collections.abc import Sequence

from disio_manager.core.book import Book, Out
from disio_manager.core.changes import DropBlock, DropFailures, PutBlock
from disio_manager.core.records import PartRetry, StretchRecord, TaskRecord
from disio_manager.core.splitting import failed_in, retry_spans
from disio_manager.core.tasks import Block, TaskEntry
from disio_shared.errors import ConflictError
from disio_shared.ranges import RangeSet, Run

MAX_WAITING = 16
"""Retries of parts that owners of stretches may not have heard of."""


def noted(record: TaskRecord, stretches: Sequence[StretchRecord], only: Sequence[Run]) -> tuple[int, list[PartRetry]]:
    """Return ``retries`` and ``part_retries`` of a task whose failed payloads are to be queued again.

    Args:
        record: The task.
        stretches: All that is known of it.
        only: Runs of indexes; none = every failed payload.

    Raises:
        ConflictError: The task would fail again at once, or other managers have too many retries to hear of.
    """
    retries = record.retries + 1
    if not only:
        return retries, []
    left = record.failed - sum(stop - start for start, stop in only)
    most = record.policy.max_task_failures
    if most is not None and left >= most:
        problem = f"{left} of its payloads would still have failed, and it ends at {most} (max_task_failures)"
        raise ConflictError(f"task {record.id} cannot go on: {problem}: retry more of them, or edit that first")
    done = min((each.retries for each in stretches), default=record.retries)
    waiting = [each for each in record.part_retries if each.number > done]
    if len(waiting) >= MAX_WAITING:
        raise ConflictError(f"other managers have not heard of {len(waiting)} retries of task {record.id}: try later")
    return retries, [*waiting, PartRetry(retries, list(only))]


def catch_up(book: Book, entry: TaskEntry, out: Out) -> None:
    """Do what was left undone: drop spent blocks, open failed payloads again as often as the owner asked for it."""
    out.changes += [DropBlock(block, entry.id) for block in entry.spent]
    entry.spent.clear()
    for stretch in entry.stretches.behind(entry.record.retries):
        _reopen(book, entry, stretch, out)
    out.changes += entry.progress()
    book.is_woken = True
    book.fresh.add(entry.id)


def _reopen(book: Book, entry: TaskEntry, stretch: StretchRecord, out: Out) -> None:
    """Make blocks of a stretch's failed payloads: their rows first, the failures last, so that a crash loses none."""
    record = entry.record
    failed = _wanted(entry, stretch)
    inside, spans = retry_spans(entry, stretch, failed, book.settings)
    for run in inside:
        holding = entry.block_at(run[0])
        assert holding is not None, "retry_spans found it"
        entry.reopen(holding, [run])
    for start, stop in spans:
        # The name cannot come twice: no two blocks of one retry begin at the same index.
        name = f"{record.id}-r{record.retries}-{start}"
        block = Block(name, record.id, start, stop, RangeSet(_within(failed, start, stop)))
        book.add_block(entry, block)
        out.changes.append(PutBlock(block.record()))
    book.tries.forget(entry.id, failed)
    entry.failed.remove_all(failed)
    number = sum(stop - start for start, stop in failed)
    entry.record.failed -= number
    entry.stretches.retried(stretch, record.retries, number)
    if failed:
        out.changes.append(DropFailures(record.id, failed))


def _wanted(entry: TaskEntry, stretch: StretchRecord) -> list[Run]:
    """Return the failed runs of a stretch that are to be queued again: those of every retry its owner has not done."""
    failed, record = failed_in(entry, stretch), entry.record
    parts = [each for each in record.part_retries if each.number > stretch.retries]
    if len(parts) < record.retries - stretch.retries:  # one of them is about all
        return failed
    wanted = RangeSet([run for each in parts for run in each.runs])
    return [part for start, stop in failed for part in wanted.within(start, stop)]


def _within(runs: Sequence[Run], start: int, stop: int) -> list[Run]:
    """Return the parts of runs that lie in a span."""
    return [(max(start, low), min(stop, high)) for low, high in runs if low < stop and high > start]
