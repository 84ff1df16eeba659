"""Failures of a task by what they say.

Rule: an answer never waits long for many failures; it says how many are in it.
"""

from aiohttp import web

from disio_manager.api.answers import Shape, json_answer
from disio_manager.api.context import context_of
from disio_manager.api.tasks import task_record

WAIT_S = 0.1
"""Seconds to wait at most for groups that are counted just now."""


class FailureGroup(Shape, kw_only=True, frozen=True):
    """Payloads that failed alike."""

    key: str
    """Names the group, for a retry of it."""
    message: str
    """How the last try ended, with numbers, paths, hashes and quoted texts replaced by what they are."""
    kind: str
    """The class of error it begins with, or empty."""
    count: int
    example: str
    sample: list[int]
    """The first ten payloads, by index."""
    last: int
    first_at: float
    """When the first of them failed for good, seconds since 1970."""
    last_at: float


class FailureGroups(Shape, kw_only=True, frozen=True):
    """Groups, the largest first."""

    id: str
    failed: int
    counted: int
    """Failures that are in the groups; other than ``failed`` while the manager counts anew: ask again."""
    others: int
    """Failures of groups beyond the 500 that are kept."""
    items: list[FailureGroup]


async def get_failure_groups(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}/failures/groups``."""
    context, task = context_of(request), request.match_info["id"]
    found = await context.watching.grouping.read(await task_record(context, task), WAIT_S)
    items = [
        FailureGroup(
            key=each.key,
            message=each.message,
            kind=each.kind,
            count=each.count,
            example=each.example,
            sample=each.sample,
            last=each.last,
            first_at=each.first_at,
            last_at=each.last_at,
        )
        for each in found.largest()
    ]
    record = await task_record(context, task)
    shown = FailureGroups(id=task, failed=record.failed, counted=found.counted, others=found.others, items=items)
    return json_answer(shown)
