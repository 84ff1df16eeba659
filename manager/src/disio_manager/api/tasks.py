"""Tasks: list, show, edit, and the verbs.

Rule: a verb answers when its effect is durable, with the task as it is then.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from disio_manager.api.bodies import check_query, query_choice, query_number, read_object
from disio_manager.api.context import Context, context_of
from disio_manager.api.shapes import task_document, task_item
from disio_manager.core.events import Event, TaskCommanded, TaskEdited
from disio_manager.core.records import LoadedTask, TaskRecord
from disio_shared.errors import StoreUnavailable, TaskNotFound
from disio_shared.taskdoc import OPEN_STATES

STATES = ("", "queued", "running", "paused", "done", "failed", "cancelled", "expired")
DEFAULT_PAGE, MAX_PAGE = 50, 500
MAX_NUMBER = 10**15
"""Of a task: far more than there will be."""


def json_answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return an answer in JSON."""
    body = msgspec.json.encode(data)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


async def task_record(context: Context, task: str) -> TaskRecord:
    """Return a task in any state.

    Raises:
        TaskNotFound: There is none.
    """
    view = context.service.coordinator.task_view(task, context.service.clock.steady())
    record = view.record if view is not None else await context.service.store.task(task)
    if record is None:
        raise TaskNotFound(task)
    return record


async def known_record(context: Context, task: str) -> TaskRecord:
    """Return a task in any state; an open one is known to the core from then on.

    Another manager may just have made or retried it: then this one looks there and then.

    Raises:
        TaskNotFound: There is none.
    """
    record = await task_record(context, task)
    if record.state in OPEN_STATES and not _is_in_core(context, task):
        await context.managers.look()
        record = await task_record(context, task)
    return record


async def show(context: Context, task: str) -> dict[str, Any]:
    """Return a task as ``GET /tasks/{id}`` shows it.

    Raises:
        TaskNotFound: There is none.
    """
    invalid = await context.service.store.disagreements(task)
    view = context.service.coordinator.task_view(task, context.service.clock.steady())
    if view is not None:
        return task_document(view.record, view, invalid)
    return task_document(await task_record(context, task), None, invalid)


async def list_tasks(request: web.Request) -> web.Response:
    """``GET /api/tasks``."""
    check_query(request, ("state", "q", "limit", "cursor"))
    context = context_of(request)
    limit = query_number(request, "limit", DEFAULT_PAGE, MAX_PAGE) or DEFAULT_PAGE
    state = query_choice(request, "state", "", STATES)
    cursor = query_number(request, "cursor", 0, MAX_NUMBER)
    text = request.query.get("q", "")[:200]
    page = await context.service.store.tasks(state, text, limit, str(cursor or ""))
    coordinator, now = context.service.coordinator, context.service.clock.steady()
    items = [task_item(record, coordinator.task_view(record.id, now)) for record in page.items]
    return json_answer({"items": items, "next_cursor": page.next_cursor, "total": page.total})


async def get_task(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}``."""
    return json_answer(await show(context_of(request), request.match_info["id"]))


async def edit_task(request: web.Request) -> web.Response:
    """``PATCH /api/tasks/{id}``."""
    context, task = context_of(request), request.match_info["id"]
    changes = await read_object(request)
    await _submit(context, task, lambda stored: TaskEdited(task, changes, stored))
    return json_answer(await show(context, task))


async def delete_task(request: web.Request) -> web.Response:
    """``DELETE /api/tasks/{id}``."""
    context, task = context_of(request), request.match_info["id"]

    def deleted(stored: LoadedTask | None) -> Event:
        context.note_deleted(task)
        return TaskCommanded(task, "delete", context.service.clock.wall(), stored)

    await _submit(context, task, deleted)
    return web.Response(status=204)


async def use_verb(request: web.Request) -> web.Response:
    """``POST /api/tasks/{id}/pause`` and the like."""
    context, task, verb = context_of(request), request.match_info["id"], request.match_info["verb"]
    await _submit(context, task, lambda stored: TaskCommanded(task, verb, context.service.clock.wall(), stored))
    return json_answer(await show(context, task))


async def explain_task(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}/explain``: sentences."""
    context, task = context_of(request), request.match_info["id"]
    record = await known_record(context, task)
    try:
        sentences = context.service.coordinator.explain(task, context.service.clock.steady())
    except TaskNotFound:  # closed
        sentences = [f"The task is {record.state}: {record.done} done and {record.failed} failed of {record.total}."]
    if record.blob and record.state in OPEN_STATES and await context.service.store.blobs.size(record.blob) is None:
        sentences.insert(0, f"Its payloads cannot be read: blob {record.blob} is lost; restore it, or upload it again.")
    trouble = context.service.trouble
    if trouble is not None:
        sentences.insert(0, f"Nothing can be saved, so nothing is handed out or taken in: {trouble}.")
    return json_answer({"id": task, "state": record.state, "sentences": sentences})


async def _submit(context: Context, task: str, make: Callable[[LoadedTask | None], Event]) -> None:
    """Hand in an event about a task, with what is stored of it if it is closed.

    Reading that may take long, so it is done before; but it counts only if it is still so when the event's turn comes.
    """
    await known_record(context, task)
    before = None if _is_in_core(context, task) else await context.service.store.load_task(task)

    async def made() -> Event:
        if _is_in_core(context, task):
            return make(None)
        record = await task_record(context, task)
        is_same = before is not None and _stamp(record) == _stamp(before.record)
        stored = before if is_same else await context.service.store.load_task(task)
        if stored is None:
            raise TaskNotFound(task)
        if stored.record.state in OPEN_STATES:
            raise StoreUnavailable("task", f"{task} is only just being opened", "try again")
        return make(stored)

    await context.service.submit_alone(made)


def _stamp(record: TaskRecord) -> tuple[int, int, str, str]:
    """Return what tells whether a closed task changed."""
    return record.number, record.version, record.changed_by, record.state


def _is_in_core(context: Context, task: str) -> bool:
    return context.service.coordinator.task_view(task, context.service.clock.steady()) is not None
