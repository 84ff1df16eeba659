"""Payloads of a growing task: given by and by, until it is closed.

Rule: what was acknowledged is in the task's log, which alone says how many payloads it has; the core hears of it then.
"""

import asyncio
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import Grown, json_answer
from disio_manager.api.bodies import decode_json, read_json_text
from disio_manager.api.chained import check_closing
from disio_manager.api.context import Context, context_of
from disio_manager.api.tasks import known_record, show
from disio_manager.core.records import TaskRecord
from disio_manager.growth_news import close_log, tell_growth
from disio_manager.stores.segments import Segment, segment_of
from disio_shared.errors import IllegalVerb
from disio_shared.payload_parsing import MAX_PAYLOADS, listed_values
from disio_shared.taskdoc import OPEN_STATES

MAX_BODY = 8 << 20
"""Bytes of payloads that are given at a time."""
IN_PLACE_BYTES = 64 << 10
"""Larger bodies are parsed in a thread."""


class More(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The payloads that come next."""

    start: Annotated[int, Meta(ge=0, le=MAX_PAYLOADS, description="Number of the first of them")]
    values: Annotated[list[Any], Meta(min_length=1)]


async def append_payloads(request: web.Request) -> web.Response:
    """``POST /api/tasks/{id}/payloads``."""
    context, task = context_of(request), request.match_info["id"]
    text = await read_json_text(request, MAX_BODY)
    segment = _segment(text) if len(text) <= IN_PLACE_BYTES else await asyncio.to_thread(_segment, text)
    record = await _growing(context, task)
    if record.form != "open":
        raise IllegalVerb(task, "append to", "chained: its payloads are the results of another task")
    if record.state not in OPEN_STATES:
        raise IllegalVerb(task, "grow", record.state)
    await context.service.store.segments.append(task, segment)
    return json_answer(Grown(id=task, total=await tell_growth(context.service, task, record.total)))


def _segment(text: bytes) -> Segment:
    more = decode_json(text, More)
    return segment_of(more.start, listed_values(more.values, "values"))


async def close_task(request: web.Request) -> web.Response:
    """``POST /api/tasks/{id}/close``; of one that is closed it changes nothing."""
    context, task = context_of(request), request.match_info["id"]
    record = await _growing(context, task)
    if record.growing and record.state in OPEN_STATES:
        check_closing(record)
        await close_log(context.service, record)
        await tell_growth(context.service, task, record.total)
    return json_answer(await show(context, task))


async def _growing(context: Context, task: str) -> TaskRecord:
    """Return a task that may grow, or could once.

    Raises:
        IllegalVerb: Its payloads all came with it.
    """
    record = await known_record(context, task)
    if not record.form:
        raise IllegalVerb(task, "grow", "complete: all its payloads came with its document")
    return record
