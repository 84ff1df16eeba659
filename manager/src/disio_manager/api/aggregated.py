"""Numbers about the results of a task.

Rule: an answer never waits long for a long journal; it says how many results are in it.
"""

from typing import cast

from aiohttp import web

from disio_manager.api.answers import TaskAggregates, json_answer
from disio_manager.api.context import context_of
from disio_manager.api.tasks import task_record
from disio_shared.taskdoc import TaskStateName

WAIT_S = 1.0
"""Seconds to wait at most until all results are read."""


async def get_aggregates(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}/aggregates``."""
    context, task = context_of(request), request.match_info["id"]
    found = await context.aggregating.read(await task_record(context, task), WAIT_S)
    record = await task_record(context, task)
    return json_answer(
        TaskAggregates(
            id=task,
            state=cast(TaskStateName, record.state),
            done=record.done,
            counted=found.counted,
            more_fields=found.is_cut,
            fields=found.shown(),
        )
    )
