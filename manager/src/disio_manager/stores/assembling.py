"""From rows to a task as the core wants it, repaired where a crash came between writes.

Rule: whatever is found, every index is closed by a row, or in exactly one block, or not below the frontier.
"""

import msgspec

from disio_manager.core.records import BlockRecord, LoadedTask, TaskRecord
from disio_shared.payloads import parse_spec
from disio_shared.ranges import RangeSet, Run


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


def gaps(blocks: list[BlockRecord], frontier: int) -> list[Run]:
    """Return the runs below the frontier that are in no block's span."""
    return RangeSet([(0, frontier)]).difference([(block.start, block.stop) for block in blocks]).runs()


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
    record: TaskRecord, blocks: list[BlockRecord], closed: dict[str, list[Run]], done: int, failed: list[Run]
) -> LoadedTask:
    """Put a task together; its counters are those of the rows."""
    counted = sum(stop - start for start, stop in failed)
    record = msgspec.structs.replace(record, done=done, failed=counted)
    spec = parse_spec(msgspec.json.decode(record.payloads))
    return LoadedTask(record=record, spec=spec, blocks=blocks, closed=closed, failed=failed)


def open_in(blocks: list[BlockRecord], closed: dict[str, list[Run]]) -> int:
    """Return how many indexes of blocks are open."""
    spans = sum(block.stop - block.start for block in blocks)
    return spans - sum(stop - start for runs in closed.values() for start, stop in runs)
