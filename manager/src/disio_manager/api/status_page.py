"""``GET /status``: what this platform computes, for everybody.

Rule: it is there only where the operator asked for it, shows tasks alone that their owners made public, and is made at
most every two seconds, however many look at it.
"""

import msgspec
from aiohttp import web

from disio_manager.api.answers import PublicStatus
from disio_manager.api.context import Context, context_of
from disio_manager.api.fleet import STATISTICS, Statistics
from disio_manager.api.public_html import POLICY, renewing
from disio_manager.api.public_page import PageQuery, distributors_of, progress_of
from disio_manager.api.shapes import task_item
from disio_manager.api.status_html import Status, status_page
from disio_manager.core.views import TaskView
from disio_manager.history import VIEWS, bounds
from disio_manager.stores.finding import Cursor, TaskFilter
from disio_shared.errors import DisioError

GOOD_S = 2.0
MOST_OPEN = 50
MOST_ENDED = 10
LOOKED_AT = 200
"""Tasks that ended last, among which public ones are looked for."""
ENDED = ("done", "failed", "cancelled", "expired")


class NoStatusPage(DisioError):
    """This platform shows nothing to everybody."""

    code = "not-found"
    http_status = 404

    def __init__(self) -> None:
        super().__init__("there is no public status page here: the manager was not started with --public-status")


async def get_status_page(request: web.Request, query: PageQuery) -> web.Response:
    """``GET /status``."""
    context, statistics = context_of(request), request.app[STATISTICS]
    if not context.watching.is_public:
        raise NoStatusPage

    async def make() -> bytes:
        return status_page(await _shown(context, statistics)).encode()

    html = await context.watching.shared.get("status", make, GOOD_S)
    if query.renew:
        html = renewing(html.decode()).encode()
    return web.Response(
        body=html, content_type="text/html", charset="utf-8", headers={"Content-Security-Policy": POLICY}
    )


async def get_public_status(request: web.Request) -> web.Response:
    """``GET /status.json``."""
    context, statistics = context_of(request), request.app[STATISTICS]
    if not context.watching.is_public:
        raise NoStatusPage

    async def make() -> bytes:
        stats, views = await statistics.read(), _public_views(context)
        tasks = [progress_of(task_item(view.record, view)) for view in views[:MOST_OPEN]]
        more = max(0, len(views) - MOST_OPEN)
        return msgspec.json.encode(PublicStatus(tasks=tasks, more=more, rate=stats.rate, clients=stats.clients))

    body = await context.watching.shared.get("status.json", make, GOOD_S)
    return web.Response(body=body, content_type="application/json")


def _public_views(context: Context) -> list[TaskView]:
    """Return the public tasks that are computed, newest first."""
    now = context.service.clock.steady()
    return [view for view in context.service.coordinator.task_views(now) if view.record.public]


async def _shown(context: Context, statistics: Statistics) -> Status:
    service, views = context.service, _public_views(context)
    last = await service.store.finding.page(TaskFilter(states=ENDED), "ended", LOOKED_AT, Cursor.parse("", "ended"))
    ended = [task_item(record) for record in last.items if record.public][:MOST_ENDED]
    view = VIEWS["90d"]
    start, stop = bounds(view, service.clock.wall())
    kept = await service.store.history.read("", view.span, start, stop)
    return Status(
        stats=await statistics.read(),
        recent=sum(each.row.point.ok for each in kept),
        open=[task_item(view.record, view) for view in views[:MOST_OPEN]],
        more=max(0, len(views) - MOST_OPEN),
        ended=ended,
        distributors=distributors_of(context),
        at=service.clock.wall(),
    )
