"""``GET /api/tasks/{id}/events``: what people and the manager did with one task.

Rule: it is of the audit, less the addresses, which are for operators.
"""

from typing import Annotated

from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import Shape, json_answer
from disio_manager.api.context import context_of
from disio_manager.api.queries import Query, next_link
from disio_manager.api.tasks import task_record
from disio_manager.stores.audit import AuditFilter, Outcome


class TaskEventsQuery(Query, kw_only=True, frozen=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    cursor: Annotated[
        str, Meta(max_length=100, pattern="^[0-9a-z]*$", description="next_cursor of the page before")
    ] = ""


class TaskEvent(Shape, kw_only=True, frozen=True):
    """One thing that was done, or refused."""

    id: str
    at: float
    """Seconds since 1970."""
    who: str
    verb: str
    """The name of the call in OpenAPI."""
    outcome: Outcome
    detail: str
    times: int
    """How often, in a short time."""


class TaskEvents(Shape, kw_only=True, frozen=True):
    """Newest first."""

    items: list[TaskEvent]
    next_cursor: str | None
    total: int


async def get_task_events(request: web.Request, query: TaskEventsQuery) -> web.Response:
    """``GET /api/tasks/{id}/events``."""
    context = context_of(request)
    record = await task_record(context, request.match_info["id"])
    await context.gate.audit.flush()
    wanted = AuditFilter(kind="task", subject=record.id)
    page = await context.service.store.audit.page(wanted, query.cursor, query.limit)
    items = [
        TaskEvent(
            id=row.id,
            at=row.at,
            who=row.who,
            verb=row.verb,
            outcome=row.outcome,
            detail=row.detail,
            times=row.times,
        )
        for row in page.items
    ]
    shown = TaskEvents(items=items, next_cursor=page.next_cursor, total=page.total)
    return json_answer(shown, headers=next_link(request, page.next_cursor))
