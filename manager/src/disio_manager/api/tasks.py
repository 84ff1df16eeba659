"""Tasks: list, show, edit, and the verbs.

Rule: a verb answers when its effect is durable, with the task as it is then.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, cast

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from disio_manager.api.answers import Explanation, Task, TaskList, json_answer
from disio_manager.api.chained import check_unneeded, waits_for
from disio_manager.api.context import Context, context_of
from disio_manager.api.etags import check_version, tagged
from disio_manager.api.problems import BadRequest, Handler
from disio_manager.api.queries import Query, next_link
from disio_manager.api.shapes import PayloadsShown, task_item, whole_task
from disio_manager.api.sharing import GOOD_S, age_taken
from disio_manager.core.events import Event, TaskCommanded, TaskEdited
from disio_manager.core.records import LoadedTask, TaskRecord
from disio_manager.core.stopping import STOPPED
from disio_manager.stores.finding import Cursor, Sort, TaskFilter
from disio_shared.errors import FieldProblem, StoreUnavailable, TaskNotFound
from disio_shared.ranges import RangeSet, Run
from disio_shared.taskdoc import MAX_TIME, OPEN_STATES, TaskStateName

STATES = "queued|running|paused|done|failed|cancelled|expired"
CURSOR = "^([0-9]{1,15}|[0-9]{1,20}([.][0-9]{1,20})?(e-?[0-9]{1,3})?_[0-9]{1,15})?$"
"""A task's number, or what the order is by and the number."""
Moment = Annotated[float, Meta(ge=0, le=MAX_TIME, description="Seconds since 1970")]


class TaskQuery(Query, kw_only=True, frozen=True):
    """Which tasks."""

    state: Annotated[
        str,
        Meta(
            max_length=100,
            pattern=f"^(({STATES})(,({STATES}))*)?$",
            description="One of queued, running, paused, done, failed, cancelled, expired; or several: queued,running",
        ),
    ] = ""
    q: Annotated[str, Meta(max_length=200, description="A part of the name or of a tag")] = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    cursor: Annotated[str, Meta(pattern=CURSOR, max_length=60, description="next_cursor of the page before")] = ""
    numbers: Annotated[
        str,
        Meta(
            max_length=2_000,
            pattern=r"^([0-9]{1,15}(-[0-9]{1,15})?(,[0-9]{1,15}(-[0-9]{1,15})?)*)?$",
            description="Those with these numbers alone: 3-8,12",
        ),
    ] = ""
    created_from: Moment | UnsetType = UNSET
    created_before: Moment | UnsetType = UNSET
    ended_from: Moment | UnsetType = UNSET
    ended_before: Moment | UnsetType = UNSET
    owner: Annotated[str, Meta(max_length=200, description="Those of this user, or token:ID")] = ""
    failures: Annotated[bool, Meta(description="Those with payloads that failed for good alone")] = False
    sort: Annotated[Sort, Meta(description="Newest first; last ended first, open ones last; or furthest first")] = (
        "newest"
    )

    def wanted(self) -> TaskFilter:
        """Return it as stores want it.

        Raises:
            BadRequest: Its numbers are none.
        """
        return TaskFilter(
            states=tuple(self.state.split(",")) if self.state else (),
            q=self.q,
            numbers=numbers_of(self.numbers) if self.numbers else (),
            created=between(self.created_from, self.created_before),
            ended=between(self.ended_from, self.ended_before),
            owner=self.owner,
            has_failures=self.failures,
        )


def between(start: float | UnsetType, stop: float | UnsetType) -> tuple[float, float] | None:
    """Return a stretch of time, or None for all of it."""
    if start is UNSET and stop is UNSET:
        return None
    return (0.0 if start is UNSET else start, float(MAX_TIME) if stop is UNSET else stop)


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


class ShownQuery(Query, kw_only=True, frozen=True):
    """How much of a task."""

    payloads: Annotated[PayloadsShown, Meta(description="Show the payload spec; auto: up to 64 KiB of it")] = "auto"


async def show(context: Context, task: str, payloads: PayloadsShown = "auto") -> Task:
    """Return a task as ``GET /tasks/{id}`` shows it.

    Raises:
        TaskNotFound: There is none.
    """
    invalid = await context.service.store.disagreements(task)
    view = context.service.coordinator.task_view(task, context.service.clock.steady())
    if view is not None:
        return whole_task(view.record, view, invalid, payloads)
    return whole_task(await task_record(context, task), None, invalid, payloads)


async def list_tasks(request: web.Request, query: TaskQuery) -> web.Response:
    """``GET /api/tasks``."""
    context = context_of(request)
    try:
        cursor = Cursor.parse(query.cursor, query.sort)
    except ValueError as error:
        problem = FieldProblem("cursor", f"is none of a list that is sorted by {query.sort}")
        raise BadRequest(400, "bad-request", f"{problem.path}: {problem.message}", [problem]) from error
    wanted = query.wanted()

    async def make() -> tuple[bytes, str | None]:
        page = await context.service.store.finding.page(wanted, query.sort, query.limit, cursor)
        coordinator, now = context.service.coordinator, context.service.clock.steady()
        items = [task_item(record, coordinator.task_view(record.id, now)) for record in page.items]
        shown = TaskList(items=items, next_cursor=page.next_cursor, total=page.total)
        return msgspec.json.encode(shown), page.next_cursor

    name = f"tasks/{context.service.asked}/{query}"  # what people did is in every answer at once
    good_s = min(GOOD_S, age_taken(request))
    body, following = await (context.watching.shared.get(name, make, good_s) if good_s else make())
    return web.Response(body=body, content_type="application/json", headers=next_link(request, following))


def numbers_of(text: str) -> list[Run]:
    """Return the runs of numbers that a text such as ``3-8,12`` means.

    Raises:
        BadRequest: One is no run.
    """
    runs = [
        (int(first), int(last or first) + 1) for first, _, last in (part.partition("-") for part in text.split(","))
    ]
    wrong = next((run for run in runs if run[0] >= run[1]), None)
    if wrong is not None:
        problem = FieldProblem("numbers", f"{wrong[0]}-{wrong[1] - 1} is no range of numbers: the smaller one is first")
        raise BadRequest(400, "bad-request", f"{problem.path}: {problem.message}", [problem])
    return RangeSet(runs).runs()


async def get_task(request: web.Request, query: ShownQuery) -> web.StreamResponse:
    """``GET /api/tasks/{id}``."""
    shown = await show(context_of(request), request.match_info["id"], query.payloads)
    return tagged(request, json_answer(shown), str(shown.version))


async def edit_task(request: web.Request, changes: dict[str, Any]) -> web.Response:
    """``PATCH /api/tasks/{id}``."""
    context, task = context_of(request), request.match_info["id"]
    await submit_about(context, task, lambda stored: TaskEdited(task, changes, stored), partial(check_version, request))
    return json_answer(await show(context, task))


async def delete_task(request: web.Request) -> web.Response:
    """``DELETE /api/tasks/{id}``."""
    await delete(context_of(request), request.match_info["id"])
    return web.Response(status=204)


async def delete(context: Context, task: str) -> None:
    """Remove a task.

    Raises:
        DisioError: There is none, another one needs it, or the database does not answer.
    """
    await known_record(context, task)
    check_unneeded(context, task)
    await context.service.store.keys.void(task)  # first: a late repeat of the request that made it makes none anew
    await command(context, task, "delete")


async def command(context: Context, task: str, verb: str) -> None:
    """Use a verb on a task.

    Raises:
        DisioError: It is refused, or the database does not answer.
    """
    await submit_about(context, task, lambda stored: TaskCommanded(task, verb, context.service.clock.wall(), stored))


def verb_handler(verb: str) -> Handler:
    """Return what serves ``POST /api/tasks/{id}/pause`` and the like."""

    async def use_verb(request: web.Request) -> web.Response:
        context, task = context_of(request), request.match_info["id"]
        await command(context, task, verb)
        return json_answer(await show(context, task))

    return use_verb


async def explain_task(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}/explain``: sentences."""
    context, task = context_of(request), request.match_info["id"]
    record = await known_record(context, task)
    try:
        sentences = context.service.coordinator.explain(task, context.service.clock.steady())
    except TaskNotFound:  # closed
        sentences = _ending(record)
    if record.blob and record.state in OPEN_STATES and await context.service.store.blobs.size(record.blob) is None:
        sentences.insert(0, f"Its payloads cannot be read: blob {record.blob} is lost; restore it, or upload it again.")
    sentences += [*await waits_for(context, record), *_untold(context, task)]
    trouble = context.service.trouble
    if trouble is not None:
        sentences.insert(0, f"Nothing can be saved, so nothing is handed out or taken in: {trouble}.")
    return json_answer(Explanation(id=task, state=cast(TaskStateName, record.state), sentences=sentences))


def _ending(record: TaskRecord) -> list[str]:
    """Return what there is to say of a closed task."""
    lines = [f"The task is {record.state}: {record.done} done and {record.failed} failed of {record.total}."]
    if record.ended_by == STOPPED:
        satisfy = "1 result satisfies" if record.matched == 1 else f"{record.matched} results satisfy"
        lines.append(f"{satisfy} stop_when, so nothing more of it is computed: GET results?matched=true shows what.")
    return lines


def _untold(context: Context, task: str) -> list[str]:
    """Return sentences about a stall, and about webhooks that could not be told."""
    silent_s = context.webhooks.stalls.since(task, context.service.clock.steady())
    told = [] if silent_s is None else [f"No result has come for {silent_s / 60:.0f} min: the task counts as stalled."]
    return [*told, *context.webhooks.told(task)]


async def submit_about(
    context: Context,
    task: str,
    make: Callable[[LoadedTask | None], Event],
    check: Callable[[TaskRecord], None] = lambda record: None,
) -> None:
    """Hand in an event about a task, with what is stored of it if it is closed.

    Reading that may take long, so it is done before; but it counts only if it is still so when the event's turn comes.
    That is when ``check`` sees the task.
    """
    await known_record(context, task)
    before = None if _is_in_core(context, task) else await context.service.store.load_task(task)

    async def made() -> Event:
        record = await task_record(context, task)
        check(record)
        if _is_in_core(context, task):
            return make(None)
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
