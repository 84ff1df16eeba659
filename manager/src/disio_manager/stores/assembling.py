"""From rows to a task as the core wants it, repaired where a crash came between writes.

Rule: whatever is found, every index of a stretch is closed by a row, or in exactly one block, or not below the
frontier.
"""

from typing import NamedTuple

import msgspec

from disio_manager.blob_index import decode_index, index_kind
from disio_manager.core.changes import AddResults
from disio_manager.core.growing import Segments
from disio_manager.core.records import BlockRecord, Growth, LoadedTask, StretchRecord, TaskRecord
from disio_manager.core.stopping import matching
from disio_shared.extents import Unmeasured
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import PayloadSpec, StoredSpec
from disio_shared.ranges import RangeSet, Run
from disio_shared.task_parts import StopWhen


class StretchRows(NamedTuple):
    """One stretch with what its rows say."""

    stretch: StretchRecord
    """Counted."""
    blocks: list[BlockRecord]
    closed: dict[str, list[Run]]
    failed: list[Run]


def untangle(blocks: list[BlockRecord], frontier: int) -> list[BlockRecord]:
    """Return blocks that overlap nowhere and end at the frontier.

    A block that begins at the frontier was never granted: the crash came before the task's own row. Of two that
    overlap the second was cut off the first, and the crash came before the first's new row.
    """
    kept: list[BlockRecord] = []
    for block in sorted(blocks, key=lambda block: (block.start, -block.stop)):
        if block.start >= frontier:
            break
        if kept and block.start < kept[-1].stop:
            last = kept.pop()
            if last.start < block.start:
                kept.append(msgspec.structs.replace(last, stop=block.start))
        kept.append(msgspec.structs.replace(block, stop=min(block.stop, frontier)))
    return kept


def adopt(own: list[BlockRecord], others: list[BlockRecord], frontier: int) -> list[BlockRecord]:
    """Return the blocks of a stretch whose owner wrote ``own``, and somebody before it ``others``.

    A block of an owner before was left behind when the stretch was taken over, unless it lies where the present owner
    has one: then it was written by a manager that was taken for gone, and never granted.
    """
    kept = untangle(own, frontier)
    spans = [(block.start, block.stop) for block in kept]
    for block in untangle(others, frontier):
        left = RangeSet([(block.start, block.stop)]).difference(spans)
        if len(left) == block.stop - block.start:
            kept.append(block)
    return sorted(kept, key=lambda block: block.start)


def gaps(blocks: list[BlockRecord], start: int, frontier: int) -> list[Run]:
    """Return the runs from ``start`` to the frontier that are in no block's span."""
    return RangeSet([(start, frontier)]).difference([(block.start, block.stop) for block in blocks]).runs()


def lost(found_gaps: list[Run], closed: list[Run]) -> list[Run]:
    """Return the indexes of gaps that no row closes: they must become blocks again."""
    left = RangeSet(found_gaps)
    left.remove_all(closed)
    return left.runs()


def lost_blocks(task: str, runs: list[Run], largest: int = 10_000) -> list[BlockRecord]:
    """Return ready blocks for lost runs. Their names end in the index, so that a second repair finds the same."""
    cuts = [(at, min(stop, at + largest)) for start, stop in runs for at in range(start, stop, largest)]
    return [BlockRecord(id=f"{task}-lost-{start}", task=task, start=start, stop=stop) for start, stop in cuts]


def assemble(
    record: TaskRecord,
    stretches: list[StretchRecord],
    rows: list[StretchRows],
    index: bytes | None = None,
    growth: Growth | None = None,
) -> LoadedTask:
    """Put a task together out of all its stretches as they are written, and some of them with their rows.

    Args:
        record: The task.
        stretches: All of them.
        rows: Of those that are looked after.
        index: Of the blob that its payloads are in, see ``index_of``.
        growth: Its whole log, if it has one.
    """
    if growth is not None:
        record.growing = growth.end is None
    counted = {part.stretch.start: part.stretch for part in rows}
    stretches = [counted.get(stretch.start, stretch) for stretch in stretches]
    return LoadedTask(
        record=with_counters(record, stretches),
        spec=_spec_of(record, index, growth),
        stretches=stretches,
        blocks=[block for part in rows for block in part.blocks],
        closed={name: runs for part in rows for name, runs in part.closed.items()},
        failed=[run for part in rows for run in part.failed],
    )


def index_of(record: TaskRecord) -> tuple[str, str] | None:
    """Return which blob's index of which kind ``assemble`` wants, if any."""
    spec = parse_spec(msgspec.json.decode(record.payloads)) if record.blob else None
    return (spec.blob, index_kind(spec)) if isinstance(spec, StoredSpec) else None


def _spec_of(record: TaskRecord, index: bytes | None, growth: Growth | None) -> PayloadSpec:
    """Return a task's payload spec. Those whose blob is lost count as empty: granting them fails, one by one."""
    if growth is not None:
        return StoredSpec("values", task=record.id, extents=Segments(growth.segments))
    spec = parse_spec(msgspec.json.decode(record.payloads))
    if not isinstance(spec, StoredSpec):
        return spec
    extents = decode_index(spec, index).extents if index else Unmeasured(record.total)
    return msgspec.structs.replace(spec, extents=extents)


def with_counters(record: TaskRecord, stretches: list[StretchRecord]) -> TaskRecord:
    """Return a task's record with the sums of its stretches."""
    done, failed = sum(each.done for each in stretches), sum(each.failed for each in stretches)
    total = max((each.stop for each in stretches), default=0) if record.form else record.total
    matched = sum(each.matched for each in stretches)
    return msgspec.structs.replace(record, done=done, failed=failed, matched=matched, total=total)


def with_matching(rows: AddResults, stop: StopWhen | None) -> AddResults:
    """Return results of another manager's payloads with those named that satisfy the task's condition."""
    found = matching(stop, rows.values)
    return msgspec.structs.replace(rows, matching=[rows.indexes[at] for at in found]) if found else rows


def open_in(blocks: list[BlockRecord], closed: dict[str, list[Run]]) -> int:
    """Return how many indexes of blocks are open."""
    spans = sum(block.stop - block.start for block in blocks)
    return spans - size_of([run for runs in closed.values() for run in runs])


def done_in(
    stretch: StretchRecord, blocks: list[BlockRecord], closed: dict[str, list[Run]], failed: list[Run]
) -> RangeSet:
    """Return the indexes of a stretch that have a result: those below its frontier, neither open nor failed."""
    done = RangeSet([(stretch.start, stretch.frontier)])
    for block in blocks:
        done.remove_all(RangeSet([(block.start, block.stop)]).difference(closed[block.id]).runs())
    done.remove_all(failed)
    return done


def size_of(runs: list[Run]) -> int:
    """Return how many indexes disjoint runs hold."""
    return sum(stop - start for start, stop in runs)
