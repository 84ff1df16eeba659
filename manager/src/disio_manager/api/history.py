"""How things went: points for charts, of all tasks together or of one.

Rule: whoever asks gets the answer of this second, shared by all; a point that nobody saw is null, never 0.
"""

from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import Shape
from disio_manager.api.context import Context, context_of
from disio_manager.api.queries import Query
from disio_manager.api.tasks import task_record
from disio_manager.history import KINDS, OTHER, VIEWS, Point, bounds, gathered

GOOD_S = 5.0
"""Seconds for which points are good: this manager's own come every ten, and then there is a new answer at once."""


class HistoryQuery(Query, kw_only=True, frozen=True):
    """How far back."""

    span: Annotated[
        Literal["1h", "6h", "2d", "90d"],
        Meta(description="An hour in points of 10 s, 6 hours of 1 min, 2 days of 10 min, 90 days of 6 h"),
    ] = "1h"


Column = list[int | None]
Means = list[float | None]


class History(Shape, kw_only=True, frozen=True):
    """Points, as columns of the same length; the first begins at ``since``, each next one ``step`` seconds later."""

    task: str
    """Empty: of all tasks together."""
    since: int
    step: int
    seconds: Means
    """Of each point those that a manager looked; null where none did. A rate is a count divided by these."""
    ok: Column
    """Results accepted."""
    failed: Column
    """Payloads given up."""
    tries_failed: Column
    lost: Column
    copies: Column
    invalid: Column
    """Results that were outvoted; known within a minute."""
    clients: dict[str, Means]
    """Mean number by kind, of all tasks together only."""
    most_clients: Column
    slots: Means
    most_slots: Column
    queue: Means
    """Mean number of open payloads."""
    most_queue: Column
    left_out: int
    """Tasks of this hour that have no points of their own, for there are too many."""
    is_left_out: bool
    """This task is one of them."""


async def get_history(request: web.Request, query: HistoryQuery) -> web.Response:
    """``GET /api/history``."""
    return await _answer(context_of(request), "", query.span)


async def get_task_history(request: web.Request, query: HistoryQuery) -> web.Response:
    """``GET /api/tasks/{id}/history``."""
    context, task = context_of(request), request.match_info["id"]
    record = await task_record(context, task)
    return await _answer(context, task, query.span, record.created_at)


async def _answer(context: Context, task: str, span: str, since: float = 0.0) -> web.Response:
    async def make() -> bytes:
        return msgspec.json.encode(await _read(context, task, span, since))

    body = await context.watching.shared.get(
        f"history/{context.watching.recording.written}/{span}/{task}", make, GOOD_S
    )
    return web.Response(body=body, content_type="application/json")


async def _read(context: Context, task: str, span: str, since: float) -> History:
    view, recording = VIEWS[span], context.watching.recording
    now = context.service.clock.wall()
    start, stop = bounds(view, now)
    kept = await context.service.store.history.read(task, view.span, start, stop)
    points = gathered([(each.manager, each.row.at, each.row.point) for each in kept], view, start, stop)
    seen = points
    if task:  # of a task only those whiles are kept in which something came
        points = [_whole(point, start + nth * view.step, view.step, now, since) for nth, point in enumerate(points)]
    return History(
        task=task,
        since=start,
        step=view.step,
        seconds=[None if each is None else round(each.seconds, 1) for each in points],
        ok=_column(points, "ok"),
        failed=_column(points, "failed"),
        tries_failed=_column(points, "tries_failed"),
        lost=_column(points, "lost"),
        copies=_column(points, "copies"),
        invalid=_column(points, "invalid"),
        clients={} if task else {kind: [_mean_of(each, kind) for each in points] for kind in (*sorted(KINDS), OTHER)},
        most_clients=_column(points, "most_clients"),
        slots=[_mean(each, "slots") for each in points],
        most_slots=_column(points, "most_slots"),
        queue=[_mean(each, "queue") for each in seen],
        most_queue=_column(seen, "most_queue"),
        left_out=recording.left_out,
        is_left_out=recording.is_left_out(task),
    )


def _whole(point: Point | None, at: int, step: int, now: float, since: float) -> Point | None:
    """Return a task's point over all of its time; None before there was such a task."""
    if at + step <= since:
        return None
    seconds = max(1.0, min(at + step, now) - max(float(at), since))
    return msgspec.structs.replace(Point() if point is None else point, seconds=seconds)


def _column(points: list[Point | None], name: str) -> Column:
    return [None if point is None else int(getattr(point, name)) for point in points]


def _mean(point: Point | None, name: str) -> float | None:
    return None if point is None or not point.seconds else round(getattr(point, name) / point.seconds, 2)


def _mean_of(point: Point | None, kind: str) -> float | None:
    return None if point is None or not point.seconds else round(point.kinds.get(kind, 0.0) / point.seconds, 2)
