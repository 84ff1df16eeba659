"""Fleet actions: what operators want of distributors, and which clients are kept out.

Rule: an answer comes when the order is durable; the distributors hear of it within a second, or when they are back.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import json_answer
from disio_manager.api.context import context_of
from disio_manager.api.fleet_view import DistributorShown
from disio_manager.api.problems import BadRequest
from disio_manager.api.queries import Query, next_link
from disio_manager.core.orders import BlockedClient, DistributorOrders
from disio_manager.operating import TooManyOrders
from disio_shared.errors import DistributorNotFound, FieldProblem
from disio_shared.fleet_messages import MAX_STOPPED_TASKS

MAX_ID = 100
Reason = Annotated[str, Meta(max_length=200, pattern="^[^\\x00-\\x1f\\x7f]*$", description="For the volunteers")]
TaskName = Annotated[str, Meta(max_length=100, description="Of this task alone")]
Wanted = Callable[[DistributorOrders], DistributorOrders]
replace = msgspec.structs.replace


class ReasonQuery(Query, kw_only=True, frozen=True):
    """Why."""

    reason: Reason = ""


class StopQuery(Query, kw_only=True, frozen=True):
    """What, and why."""

    task: TaskName = ""
    reason: Reason = ""


class ResumeQuery(Query, kw_only=True, frozen=True):
    """What."""

    task: TaskName = ""


class BlockedQuery(Query, kw_only=True, frozen=True):
    """Which page."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Meta(max_length=MAX_ID, description="next_cursor of the page before")] = ""


class Cap(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How many clients a distributor may have, and how many units they may run at a time."""

    max_clients: Annotated[int, Meta(ge=0, le=1_000_000, description="0 = as it was started")] = 0
    max_slots: Annotated[int, Meta(ge=0, le=10_000_000, description="0 = any number")] = 0


class BlockedList(msgspec.Struct, kw_only=True, frozen=True):
    """One page of clients that are kept out, by id."""

    items: list[BlockedClient]
    next_cursor: str | None
    total: int


async def drain(request: web.Request, query: ReasonQuery) -> web.Response:
    """``POST /api/distributors/{id}/drain``."""
    return await _order(request, lambda now: replace(now, drained=True, reason=query.reason))


async def undrain(request: web.Request) -> web.Response:
    """``POST /api/distributors/{id}/undrain``."""
    return await _order(request, lambda now: replace(now, drained=False))


async def pause(request: web.Request, query: ReasonQuery) -> web.Response:
    """``POST /api/distributors/{id}/pause``."""
    return await _order(request, lambda now: replace(now, paused=True, reason=query.reason))


async def stop(request: web.Request, query: StopQuery) -> web.Response:
    """``POST /api/distributors/{id}/stop``."""

    def wanted(now: DistributorOrders) -> DistributorOrders:
        if not query.task:
            return replace(now, paused=True, stopped=True, reason=query.reason)
        tasks = [*(each for each in now.tasks if each != query.task), query.task]
        if len(tasks) > MAX_STOPPED_TASKS:
            raise TooManyOrders(f"{MAX_STOPPED_TASKS} tasks are stopped there already: stop the distributor as a whole")
        return replace(now, tasks=tasks)

    if query.task:
        context_of(request).service.coordinator.explain(query.task, 0.0)  # an open one, or nothing to stop
    return await _order(request, wanted)


async def resume(request: web.Request, query: ResumeQuery) -> web.Response:
    """``POST /api/distributors/{id}/resume``."""

    def wanted(now: DistributorOrders) -> DistributorOrders:
        if query.task:
            return replace(now, tasks=[each for each in now.tasks if each != query.task])
        return replace(now, paused=False, stopped=False, tasks=[])

    return await _order(request, wanted)


async def cap(request: web.Request, body: Cap) -> web.Response:
    """``PUT /api/distributors/{id}/cap``."""
    return await _order(request, lambda now: replace(now, max_clients=body.max_clients, max_slots=body.max_slots))


async def block(request: web.Request, query: ReasonQuery) -> web.Response:
    """``POST /api/clients/{id}/block``."""
    return json_answer(await context_of(request).operating.block(_client(request), query.reason))


async def unblock(request: web.Request) -> web.Response:
    """``POST /api/clients/{id}/unblock``."""
    await context_of(request).operating.unblock(_client(request))
    return web.Response(status=204)


async def list_blocked(request: web.Request, query: BlockedQuery) -> web.Response:
    """``GET /api/blocked``."""
    blocked = context_of(request).operating.orders.blocked
    following = [blocked[client] for client in sorted(blocked) if client > query.cursor]
    shown = following[: query.limit]
    cursor = shown[-1].client if len(following) > len(shown) else None
    return json_answer(
        BlockedList(items=shown, next_cursor=cursor, total=len(blocked)), headers=next_link(request, cursor)
    )


async def _order(request: web.Request, wanted: Wanted) -> web.Response:
    context, distributor = context_of(request), request.match_info["id"]
    _row(request, distributor)
    await context.operating.order(distributor, wanted)
    return json_answer(_row(request, distributor))


def _row(request: web.Request, distributor: str) -> DistributorShown:
    row = next((row for row in context_of(request).fleet.rows() if row.id == distributor), None)
    if row is None:
        raise DistributorNotFound(distributor)
    return row


def _client(request: web.Request) -> str:
    client = request.match_info["id"]
    if len(client) > MAX_ID or not client.isprintable():
        message = f"must be at most {MAX_ID} printable characters"
        raise BadRequest(400, "bad-request", f"id: {message}", [FieldProblem("id", message)])
    return client
