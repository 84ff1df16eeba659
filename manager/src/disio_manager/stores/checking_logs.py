"""What must be true of the log of a growing task while no manager runs.

Rule: as in ``checking``. A log may hold more than the task's stretch reaches to: the owner's next look takes that in.
"""

from collections.abc import AsyncIterator, Sequence

from disio_manager.core.records import StretchRecord, TaskRecord
from disio_manager.core.stopping import STOPPED
from disio_manager.stores.segments import SegmentStore


async def log_problems(
    segments: SegmentStore, record: TaskRecord, stretches: Sequence[StretchRecord]
) -> AsyncIterator[str]:
    """Yield what is wrong with the log of a growing task, one sentence each.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    growth = await segments.growth(record.id, 0)
    at = 0
    for head in growth.segments:
        if head.start != at:
            yield f"of its log payloads {at} to {head.start - 1} are lost"
        at = max(at, head.start + head.count)
    reach = max((stretch.stop for stretch in stretches), default=0)
    if reach > at:
        yield f"its stretch ends at {reach}, its log at {at}"
    if growth.end is not None and growth.end != at:
        yield f"it is closed with {growth.end} payloads, its log holds {at}"
    if record.state == "done" and record.ended_by != STOPPED and growth.end is None:
        yield f"it is done with {record.done} payloads, and its log is not closed"
