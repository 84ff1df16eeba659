"""``GET /api/audit``: who did what.

Rule: what was noted before the call is in its answer: what waits is written first.
"""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import json_answer
from disio_manager.api.context import context_of
from disio_manager.api.operation import NDJSON
from disio_manager.api.people_shapes import AuditFormat, Deed, DeedList
from disio_manager.api.queries import Query, next_link
from disio_manager.stores.audit import AuditFilter, AuditPage, AuditRow

EXPORT_PAGE = 1_000


class AuditQuery(Query, kw_only=True, frozen=True):
    """Which deeds."""

    who: Annotated[str, Meta(max_length=200, description="A user, machine, system or token:ID")] = ""
    verb: Annotated[str, Meta(max_length=200, description="The name of a call")] = ""
    kind: Annotated[str, Meta(max_length=200, description="Of the subject: task, user, token...")] = ""
    subject: Annotated[str, Meta(max_length=200, description="Its id")] = ""
    outcome: Annotated[str, Meta(pattern="^(ok|refused|failed)?$")] = ""
    since: Annotated[float, Meta(ge=0, le=1e12, description="Seconds since 1970; 0: from the beginning")] = 0.0
    until: Annotated[float, Meta(ge=0, le=1e12, description="Before this; 0: until now")] = 0.0
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    cursor: Annotated[
        str, Meta(max_length=100, pattern="^[0-9a-z]*$", description="next_cursor of the page before")
    ] = ""
    format: Annotated[AuditFormat, Meta(description="ndjson: all that match, whatever the limit")] = "json"


async def get_audit(request: web.Request, query: AuditQuery) -> web.StreamResponse:
    """``GET /api/audit``."""
    await context_of(request).gate.audit.flush()
    if query.format == "ndjson":
        return await _export(request, query)
    page = await _page(request, query, query.cursor, query.limit)
    shown = DeedList(items=[_deed(row) for row in page.items], next_cursor=page.next_cursor, total=page.total)
    return json_answer(shown, headers=next_link(request, page.next_cursor))


async def _export(request: web.Request, query: AuditQuery) -> web.StreamResponse:
    """Stream every deed that matches, the newest first, a line each."""
    page = await _page(request, query, query.cursor, EXPORT_PAGE, counts=False)
    response = web.StreamResponse(
        headers={"Content-Type": NDJSON, "Content-Disposition": 'attachment; filename="audit.ndjson"'}
    )
    await response.prepare(request)
    while True:
        lines = b"".join(msgspec.json.encode(_deed(row)) + b"\n" for row in page.items)
        await response.write(lines)
        if page.next_cursor is None:
            break
        page = await _page(request, query, page.next_cursor, EXPORT_PAGE, counts=False)
    await response.write_eof()
    return response


async def _page(request: web.Request, query: AuditQuery, cursor: str, limit: int, *, counts: bool = True) -> AuditPage:
    wanted = AuditFilter(
        who=query.who,
        verb=query.verb,
        kind=query.kind,
        subject=query.subject,
        outcome=query.outcome,
        since=query.since,
        until=query.until,
    )
    return await context_of(request).service.store.audit.page(wanted, cursor, limit, counts=counts)


def _deed(row: AuditRow) -> Deed:
    return Deed(**msgspec.structs.asdict(row))
