"""What a person should look at.

Rule: made of what is in memory, at most once a second, and shared by all who ask.
"""

import asyncio
import contextlib
import shutil
from pathlib import Path

import msgspec
from aiohttp import web

from disio_manager.api.answers import Shape
from disio_manager.api.context import Context, context_of
from disio_manager.attention import MAX_TOLD, Disk, Item, Seen, attention
from disio_shared import __version__
from disio_shared.errors import UnavailableError


class Attention(Shape, kw_only=True, frozen=True):
    """Things to look at, the worst first."""

    items: list[Item]
    """At most 50."""
    total: int


async def get_attention(request: web.Request) -> web.Response:
    """``GET /api/attention``."""
    return web.Response(body=await attention_body(context_of(request)), content_type="application/json")


async def attention_body(context: Context) -> bytes:
    """Return the answer, also while the manager waits for its database: then that is what is told."""

    async def make() -> bytes:
        items = attention(await _seen(context))
        return msgspec.json.encode(Attention(items=items[:MAX_TOLD], total=len(items)))

    return await context.watching.shared.get("attention", make)


async def _seen(context: Context) -> Seen:
    service, now = context.service, context.service.clock.steady()
    trouble = "" if service.trouble is None else str(service.trouble)
    stalls = context.webhooks.stalls
    seen = Seen(
        now=service.clock.wall(),
        version=f"disio/{__version__}",
        trouble=trouble,
        disk=await asyncio.to_thread(_disk, context.watching.data),
        managers=context.managers.rows(),
    )
    with contextlib.suppress(UnavailableError):  # its trouble is told already
        views = service.coordinator.task_views(now)
        silent = {view.record.id: stalls.since(view.record.id, now) for view in views}
        stalled = {task: seconds for task, seconds in silent.items() if seconds is not None}
        seen = msgspec.structs.replace(seen, distributors=context.fleet.rows(), tasks=views, stalled=stalled)
    return seen


def _disk(path: Path) -> Disk | None:
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return None
    return Disk(str(path), usage.free, usage.total)
