"""``GET /api/tasks/{id}/payloads``: the payloads of a task that are in one state.

Rule: a page is read from where the one before ended and never gathers more than it shows; where it must look for gaps
between rows it looks at so many rows, and goes on with the next page.
"""

from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from disio_manager.api.answers import Shape, json_answer
from disio_manager.api.context import Context, context_of
from disio_manager.api.queries import Query, next_link
from disio_manager.api.tasks import known_record
from disio_manager.core.records import TaskRecord
from disio_manager.stores.base import IndexedRows, ManagerStore
from disio_shared.errors import TaskNotFound

PayloadState = Literal["done", "failed", "leased", "waiting"]
GAP_ROWS = 5_000
LOOK_S = 0.1
"""Seconds that one page looks for gaps at most, and that many rows more."""


class PayloadsQuery(Query, kw_only=True, frozen=True):
    """Which payloads."""

    state: Annotated[
        PayloadState,
        Meta(description="done, failed for good, leased to a distributor, or waiting for one"),
    ] = "waiting"
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    cursor: Annotated[str, Meta(pattern="^[0-9]{0,15}$", description="next_cursor of the page before, or an index")] = (
        ""
    )


class PayloadListed(Shape, kw_only=True, frozen=True):
    """One of them."""

    i: int
    state: Literal["done", "failed", "leased", "ready", "waiting"]
    """``ready``: given back, or never taken out of its block."""
    distributor: str | UnsetType = UNSET
    """Which holds it."""


class PayloadList(Shape, kw_only=True, frozen=True):
    """By index. A page may be short, or empty, and have a next one all the same."""

    items: list[PayloadListed]
    next_cursor: str | None
    total: int
    elsewhere: int
    """Open ones that other managers look after: those list them."""


async def get_payloads(request: web.Request, query: PayloadsQuery) -> web.Response:
    """``GET /api/tasks/{id}/payloads``."""
    context = context_of(request)
    record = await known_record(context, request.match_info["id"])
    start = int(query.cursor or 0)
    if query.state in ("done", "failed"):
        shown = await _closed(context.service.store, record, query.state, start, query.limit)
    else:
        shown = await _open(context, record, query.state == "leased", start, query.limit)
    return json_answer(shown, headers=next_link(request, shown.next_cursor))


async def _closed(
    store: ManagerStore, record: TaskRecord, state: Literal["done", "failed"], start: int, limit: int
) -> PayloadList:
    rows: IndexedRows = "results" if state == "done" else "failures"
    found = await store.indexes(rows, record.id, start, limit + 1)
    return PayloadList(
        items=[PayloadListed(i=index, state=state) for index in found[:limit]],
        next_cursor=str(found[limit]) if len(found) > limit else None,
        total=record.done if state == "done" else record.failed,
        elsewhere=0,
    )


async def _open(context: Context, record: TaskRecord, is_leased: bool, start: int, limit: int) -> PayloadList:
    try:
        found = context.service.coordinator.listing(record.id, is_leased, start, limit)
    except TaskNotFound:  # it is over: nothing is handed out any more
        return await _never_computed(context, record, is_leased, start, limit)
    items = [
        PayloadListed(
            i=each.payload,
            state=msgspec.convert(each.state, Literal["leased", "ready", "waiting"]),
            distributor=each.holder or UNSET,
        )
        for each in found.items
    ]
    following = None if found.next is None else str(found.next)
    return PayloadList(items=items, next_cursor=following, total=found.total, elsewhere=found.elsewhere)


async def _never_computed(context: Context, record: TaskRecord, is_leased: bool, start: int, limit: int) -> PayloadList:
    """Return payloads of a task that is over which have neither a result nor a failure."""
    total = 0 if is_leased else max(0, record.total - record.done - record.failed)
    items: list[PayloadListed] = []
    clock = context.service.clock
    end = clock.steady() + LOOK_S
    while total and start < record.total:
        gaps, stop = await _gaps(context.service.store, record, start)
        wanted = gaps[: limit - len(items)]
        items += [PayloadListed(i=index, state="waiting") for index in wanted]
        start = stop if len(wanted) == len(gaps) else gaps[len(wanted)]
        if len(items) >= limit or clock.steady() >= end:
            break
    following = str(start) if total and start < record.total else None
    return PayloadList(items=items, next_cursor=following, total=total, elsewhere=0)


async def _gaps(store: ManagerStore, record: TaskRecord, start: int) -> tuple[list[int], int]:
    """Return indexes without a row from ``start`` to where it was looked, and that end."""
    closed: set[int] = set()
    stop = min(record.total, start + GAP_ROWS)
    names: tuple[IndexedRows, ...] = ("results", "failures")
    for rows in names:
        closed.update(await store.indexes(rows, record.id, start, GAP_ROWS))
    return [index for index in range(start, stop) if index not in closed], stop
