"""From rows to a task as the core wants it, repaired where a crash came between writes.

Rule: whatever is found, every index of a stretch is closed by a row, or in exactly one block, or not below the
frontier.
"""

from array import array
from typing import NamedTuple

import msgspec

from disio_manager.core.records import BlockRecord, LoadedTask, StretchRecord, TaskRecord
from disio_manager.tar_index import Files
from disio_shared.payloads import FilesSpec, PayloadSpec, parse_spec
from disio_shared.ranges import RangeSet, Run


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
    record: TaskRecord, stretches: list[StretchRecord], rows: list[StretchRows], index: bytes | None = None
) -> LoadedTask:
    """Put a task together out of all its stretches as they are written, and some of them with their rows.

    Args:
        record: The task.
        stretches: All of them.
        rows: Of those that are looked after.
        index: Of the archive that its payloads are in.
    """
    counted = {part.stretch.start: part.stretch for part in rows}
    stretches = [counted.get(stretch.start, stretch) for stretch in stretches]
    return LoadedTask(
        record=with_counters(record, stretches),
        spec=_spec_of(record, index),
        stretches=stretches,
        blocks=[block for part in rows for block in part.blocks],
        closed={name: runs for part in rows for name, runs in part.closed.items()},
        failed=[run for part in rows for run in part.failed],
    )


def _spec_of(record: TaskRecord, index: bytes | None) -> PayloadSpec:
    """Return a task's payload spec. Files whose archive is lost count as empty: granting them fails, one by one."""
    spec = parse_spec(msgspec.json.decode(record.payloads))
    if not isinstance(spec, FilesSpec):
        return spec
    return FilesSpec(spec.blob, Files.decode(index).sizes if index else array("I", bytes(4 * record.total)))


def with_counters(record: TaskRecord, stretches: list[StretchRecord]) -> TaskRecord:
    """Return a task's record with the sums of its stretches."""
    done, failed = sum(each.done for each in stretches), sum(each.failed for each in stretches)
    return msgspec.structs.replace(record, done=done, failed=failed)


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
