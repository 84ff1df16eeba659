"""``POST /api/tasks/{id}/retry``: failed payloads again, all of them or those that are named.

Rule: whoever names one that has not failed hears of it by its place, and nothing is retried.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from disio_manager.api.answers import json_answer
from disio_manager.api.bodies import read_json
from disio_manager.api.context import Context, context_of
from disio_manager.api.problems import MAX_ERRORS, BadRequest
from disio_manager.api.tasks import show, submit_about, task_record
from disio_manager.core.events import TaskCommanded
from disio_manager.failure_groups import key_of, message_of
from disio_shared.errors import FieldProblem
from disio_shared.ranges import runs_of

MAX_INDEXES = 10_000
MAX_INDEX = 10**12
PAGE = 500
"""Failures that are read at a time: each may have kilobytes of error texts."""


class Retry(msgspec.Struct, forbid_unknown_fields=True):
    """Which failed payloads are queued again."""

    indexes: (
        Annotated[
            list[Annotated[int, Meta(ge=0, lt=MAX_INDEX)]],
            Meta(min_length=1, max_length=MAX_INDEXES, description="None given: all that failed"),
        ]
        | UnsetType
    ) = UNSET
    group: (
        Annotated[
            str,
            Meta(
                pattern="^[0-9a-f]{16}$",
                description="In place of indexes: the key of a group of failures; the first 10,000 of it",
            ),
        ]
        | UnsetType
    ) = UNSET


async def retry_task(request: web.Request) -> web.Response:
    """``POST /api/tasks/{id}/retry``."""
    context, task = context_of(request), request.match_info["id"]
    asked = await read_json(request, Retry) if request.can_read_body else Retry()
    indexes = [] if asked.indexes is UNSET else asked.indexes
    await task_record(context, task)
    if asked.group is not UNSET:
        indexes = await _alike(context, task, asked.group, indexes)
    await _check(context, task, indexes)
    only, at = tuple(runs_of(sorted(set(indexes)))), context.service.clock.wall()
    await submit_about(context, task, lambda stored: TaskCommanded(task, "retry", at, stored, only))
    return json_answer(await show(context, task))


async def _alike(context: Context, task: str, group: str, indexes: Sequence[int]) -> list[int]:
    """Return the first payloads of a group of failures.

    Raises:
        BadRequest: Indexes are given too, or no payload of the task has failed like that.
    """
    if indexes:
        raise BadRequest(422, "invalid", "group: give a group or indexes", [FieldProblem("group", "or indexes")])
    found: list[int] = []
    start = 0
    while len(found) < MAX_INDEXES:
        rows = await context.service.store.failures(task, start, PAGE)
        if not rows:
            break
        found += [row.index for row in rows if key_of(message_of(row.errors)) == group]
        start = rows[-1].index + 1
    if not found:
        message = "no payload of the task has failed like that (any more)"
        raise BadRequest(409, "not-failed", f"group: {message}", [FieldProblem("group", message)])
    return found[:MAX_INDEXES]


async def _check(context: Context, task: str, indexes: Sequence[int]) -> None:
    """See that payloads have failed.

    Raises:
        BadRequest: Some have not; with one problem for each of the first of these.
    """
    failed = await _failed_among(context, task, sorted(set(indexes)))
    problems = [
        FieldProblem(f"indexes.{at}", f"payload {index} has not failed")
        for at, index in enumerate(indexes)
        if index not in failed
    ]
    if problems:
        told = f"{len(problems)} of the payloads have not failed: {problems[0].path} and others"
        detail = f"{problems[0].path}: {problems[0].message}" if len(problems) == 1 else told
        raise BadRequest(409, "not-failed", detail, problems[:MAX_ERRORS])


async def _failed_among(context: Context, task: str, indexes: Sequence[int]) -> set[int]:
    """Return those of some sorted indexes whose payloads failed."""
    wanted, found = set(indexes), set()
    at = 0
    while at < len(indexes):
        rows = await context.service.store.failures(task, indexes[at], min(PAGE, len(indexes) - at))
        if not rows:
            break
        found |= {row.index for row in rows if row.index in wanted}
        while at < len(indexes) and indexes[at] <= rows[-1].index:
            at += 1
    return found
