"""Chained tasks over REST: what they may take results of, and what they wait for.

Rule: a task whose results another one still takes stays; who deletes or closes hears what to do instead.
"""

from disio_manager.api.context import Context
from disio_manager.chains import ENDED, chain_of
from disio_manager.core.records import TaskRecord
from disio_shared.errors import ConflictError, FieldProblem, IllegalVerb, InvalidDocument
from disio_shared.payloads import Chain
from disio_shared.taskdoc import OPEN_STATES

MAX_NAMED = 3


class SourceInUse(ConflictError):
    """Other tasks still take the results of this one."""

    code = "in-use"


async def record_of(context: Context, task: str) -> TaskRecord | None:
    """Return a task in any state, or None."""
    view = context.service.coordinator.task_view(task, context.service.clock.steady())
    return view.record if view is not None else await context.service.store.task(task)


async def check_source(context: Context, chain: Chain | None) -> None:
    """Refuse a task whose payloads would never come.

    Raises:
        InvalidDocument: The task whose results it wants is not there, or was broken off.
    """
    if chain is None:
        return
    source = await record_of(context, chain.source)
    if source is None:
        raise InvalidDocument([FieldProblem("payloads.task", f"there is no task {chain.source}")])
    if source.state in ENDED:
        raise InvalidDocument([FieldProblem("payloads.task", f"task {chain.source} is {source.state}")])


def check_unneeded(context: Context, task: str) -> None:
    """Refuse to delete a task whose results others still take.

    Raises:
        SourceInUse: So it is.
    """
    views = context.service.coordinator.task_views(context.service.clock.steady())
    users = [view.record.id for view in views if view.record.source == task and view.record.growing]
    if users:
        named = ", ".join(users[:MAX_NAMED]) + (" and others" if len(users) > MAX_NAMED else "")
        raise SourceInUse(
            f"task {task} cannot be deleted: its results are to be payloads of {named}; cancel that first"
        )


def check_closing(record: TaskRecord) -> None:
    """Refuse to close a task that has taken nothing yet.

    Raises:
        IllegalVerb: It takes results when all are there.
    """
    if record.source and not chain_of(record).stream:
        raise IllegalVerb(record.id, "close", f"to take the results of task {record.source} when that is done")


async def waits_for(context: Context, record: TaskRecord) -> list[str]:
    """Return sentences about the task whose results are a task's payloads."""
    if not record.source:
        return []
    source = await record_of(context, record.source)
    if record.state not in OPEN_STATES:
        return _ended(record, source)
    if not record.growing:
        return [f"Its payloads are the results of task {record.source}, all of which are there."]
    if source is None:
        return [f"Its payloads are the results of task {record.source}, which is gone: it is being cancelled."]
    is_stream = chain_of(record).stream
    told = f"Its payloads are the results of task {source.id}, which is {source.state}"
    progress = f" ({source.done} of {source.total} payloads done)"
    if source.state == "failed":
        instead = (
            "close this one to go on with what there is"
            if is_stream
            else 'cancel this one and chain one with "stream": true, which takes what there is'
        )
        return [f"{told}{progress}: retry that, or {instead}."]
    if source.state == "done":
        return [f"{told}: its results are being taken over."]
    how = "they are taken as they come" if is_stream else "they are taken when that is done"
    return [f"{told}{progress}: {how}.", *context.chains.told(record.id)]


def _ended(record: TaskRecord, source: TaskRecord | None) -> list[str]:
    if record.state != "cancelled" or (source is not None and source.state not in ENDED):
        return []
    why = "gone" if source is None else source.state
    return [f"Its payloads were to be the results of task {record.source}, which is {why}."]
