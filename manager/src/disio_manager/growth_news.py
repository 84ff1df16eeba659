"""The core hears what the log of a growing task holds; and how logs end.

Rule: news may come late, or again; whoever wrote to a log tells its own core, and others look.
"""

from disio_manager.core.events import TaskGrown
from disio_manager.core.records import TaskRecord
from disio_manager.service import ManagerService
from disio_manager.stores.segments import GrowthRefused, segment_of

CLOSING_TRIES = 100
"""How often payloads may come between the look at where a log ends and its end."""


async def tell_growth(service: ManagerService, task: str, total: int) -> int:
    """Have the core follow a task's log.

    Args:
        service: Of this manager.
        task: Its id.
        total: So many payloads are known, if the core does not hold the task.

    Returns:
        How many payloads the log holds.

    Raises:
        DisioError: The database does not answer.
    """
    view = service.coordinator.task_view(task, service.clock.steady())
    known = total if view is None else view.record.total
    growth = await service.store.segments.growth(task, known)
    await service.submit(TaskGrown(growth, service.clock.wall()))
    return known + sum(head.count for head in growth.segments)


async def close_log(service: ManagerService, record: TaskRecord) -> None:
    """End a task's log, wherever it ends by now.

    Raises:
        GrowthRefused: Payloads come without a pause.
        StoreUnavailable: The database does not answer.
    """
    segments, end = service.store.segments, record.total
    for left in reversed(range(CLOSING_TRIES)):
        growth = await segments.growth(record.id, end)
        if growth.end is not None:
            return
        end += sum(head.count for head in growth.segments)
        try:
            await segments.append(record.id, segment_of(end, []))
            return
        except GrowthRefused:
            if not left:
                raise
