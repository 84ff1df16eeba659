"""``POST /api/bulk``: one verb on all tasks that fit a filter.

Rule: a task that one may not change alone is not changed here either. ``dry_run`` tells how many fit, and that is what
a person is asked about; a filter that nothing narrows must say so by ``all``, so that nobody deletes everything by
leaving a field out.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from disio_manager.api.answers import Shape, json_answer
from disio_manager.api.calling import DETAIL, caller_of
from disio_manager.api.context import Context, context_of
from disio_manager.api.problems import BadRequest
from disio_manager.api.tasks import Moment, between, command, delete, task_record
from disio_manager.bulk import BulkVerb, Job
from disio_manager.people.auditing import MAX_DETAIL
from disio_manager.people.roles import check_owner
from disio_manager.stores.finding import MAX_IDS, TaskFilter
from disio_shared.errors import DisioError, FieldProblem
from disio_shared.ranges import RangeSet
from disio_shared.taskdoc import TaskStateName

Number = Annotated[int, Meta(ge=1, le=10**15)]


class BulkFilter(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which tasks; all that is given must fit."""

    all: Annotated[bool, Meta(description="Nothing else is given: every task is meant")] = False
    state: Annotated[list[TaskStateName], Meta(max_length=7)] = []
    q: Annotated[str, Meta(max_length=200)] = ""
    numbers: Annotated[list[Number], Meta(max_length=500, description="Those alone")] = []
    created_from: Moment | UnsetType = UNSET
    created_before: Moment | UnsetType = UNSET
    ended_from: Moment | UnsetType = UNSET
    ended_before: Moment | UnsetType = UNSET
    owner: Annotated[str, Meta(max_length=200)] = ""
    failures: bool = False

    def wanted(self) -> TaskFilter:
        """Return it as stores want it."""
        return TaskFilter(
            states=tuple(self.state),
            q=self.q,
            numbers=tuple(RangeSet([(number, number + 1) for number in sorted(set(self.numbers))]).runs()),
            created=between(self.created_from, self.created_before),
            ended=between(self.ended_from, self.ended_before),
            owner=self.owner,
            has_failures=self.failures,
        )


class Bulk(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is done to which tasks."""

    filter: BulkFilter
    verb: BulkVerb
    dry_run: Annotated[bool, Meta(description="Do nothing, and tell how many fit")] = False


class BulkRefusal(Shape, kw_only=True, frozen=True):
    """Why one task stayed as it was."""

    task: str
    code: str
    reason: str


class BulkJob(Shape, kw_only=True, frozen=True):
    """How far it is."""

    id: str | UnsetType = UNSET
    """A dry run has none: there is nothing to ask for later."""
    verb: BulkVerb
    state: Literal["dry-run", "running", "done", "given-up"]
    matched: int
    done: int
    refused: int
    refusals: list[BulkRefusal]
    """The first 100."""
    trouble: str
    """Why it waits, or was given up."""
    begun_at: float


class BulkNotFound(DisioError):
    """No such bulk action, or one of long ago, of another manager, or of before a restart."""

    code = "not-found"
    http_status = 404


async def use_bulk(request: web.Request, asked: Bulk) -> web.Response:
    """``POST /api/bulk``."""
    context = context_of(request)
    wanted = asked.filter.wanted()
    if (wanted == TaskFilter()) != asked.filter.all:
        message = "all goes with nothing else" if asked.filter.all else 'is empty: {"all": true} means every task'
        raise BadRequest(422, "invalid", f"filter: {message}", [FieldProblem("filter", message)])
    found = await context.service.store.finding.ids(wanted)
    if asked.dry_run:
        return json_answer(_shown(Job("", asked.verb, found.total, context.service.clock.wall())))
    if found.total > len(found.ids):
        message = f"fits {found.total} tasks, and at most {MAX_IDS} are done at once: narrow it"
        raise BadRequest(422, "invalid", f"filter: {message}", [FieldProblem("filter", message)])
    caller = caller_of(request)
    request[DETAIL] = _told(asked.verb, found.ids)

    async def check(task: str) -> None:
        if not caller.may("operator"):
            check_owner(asked.verb, (await task_record(context, task)).owner, caller)

    return json_answer(_shown(context.watching.bulks.begin(asked.verb, found.ids, check)), status=202)


async def get_bulk(request: web.Request) -> web.Response:
    """``GET /api/bulk/{id}``."""
    name = request.match_info["id"]
    job = context_of(request).watching.bulks.find(name)
    if job is None:
        raise BulkNotFound(f"no bulk action {name[:100]!r} is known to this manager")
    return json_answer(_shown(job))


async def use(context: Context, task: str, verb: BulkVerb) -> None:
    """Do a verb to one task.

    Raises:
        DisioError: It is refused, or the database does not answer.
    """
    await (delete(context, task) if verb == "delete" else command(context, task, verb))


def _told(verb: BulkVerb, tasks: Sequence[str]) -> str:
    """Return which tasks a bulk action is of, as far as the audit has room for their ids."""
    told = f"{verb} of {len(tasks)} tasks"
    named: list[str] = []
    for at, task in enumerate(tasks, 1):
        rest = f"; {at} of {len(tasks)} named"
        if len(told) + 2 + sum(len(each) + 1 for each in [*named, task]) + len(rest) > MAX_DETAIL:
            return f"{told}: {' '.join(named)}; {len(named)} of {len(tasks)} named"
        named.append(task)
    return f"{told}: {' '.join(named)}" if named else told


def _shown(job: Job) -> BulkJob:
    over: Literal["done", "given-up"] = "given-up" if job.trouble else "done"
    return BulkJob(
        id=job.id or UNSET,
        verb=job.verb,
        state="dry-run" if not job.id else (over if job.is_over else "running"),
        matched=job.matched,
        done=job.done,
        refused=job.refused,
        refusals=[BulkRefusal(task=each.task, code=each.code, reason=each.reason) for each in job.refusals],
        trouble=job.trouble,
        begun_at=job.begun_at,
    )
