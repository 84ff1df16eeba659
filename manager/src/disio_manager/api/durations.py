"""``GET /api/tasks/{id}/durations``: how long the units of a task took.

Rule: an answer never waits long for many results; it says how many are in it.
"""

from aiohttp import web

from disio_manager.api.answers import Shape, json_answer
from disio_manager.api.context import context_of
from disio_manager.api.tasks import task_record

WAIT_S = 0.1
"""Seconds to wait at most for durations that are counted just now."""


class DurationBin(Shape, kw_only=True, frozen=True):
    """Units that took about as long."""

    from_s: float
    below_s: float
    count: int


class TaskDurations(Shape, kw_only=True, frozen=True):
    """Of the canonical results, in bins of a quarter of a doubling."""

    id: str
    done: int
    counted: int
    """Results that are in the numbers; other than ``done`` while the manager counts anew: ask again."""
    least_s: float | None
    most_s: float | None
    mean_s: float | None
    p50_s: float | None
    """Half of the units took no longer; like ``p95_s`` the middle of a bin, within 9.1 %."""
    p95_s: float | None
    bins: list[DurationBin]


async def get_durations(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}/durations``."""
    context, task = context_of(request), request.match_info["id"]
    found = await context.watching.timing.read(await task_record(context, task), WAIT_S)
    record = await task_record(context, task)
    is_any = found.counted > 0
    shown = TaskDurations(
        id=task,
        done=record.done,
        counted=found.counted,
        least_s=found.least_s if is_any else None,
        most_s=found.most_s if is_any else None,
        mean_s=found.total_s / found.counted if is_any else None,
        p50_s=found.quantile(0.5),
        p95_s=found.quantile(0.95),
        bins=[DurationBin(from_s=begin, below_s=end, count=count) for begin, end, count in found.rows()],
    )
    return json_answer(shown)
