"""The story of one payload: its input, where it stands, what came of it, and who disagreed.

Rule: what the store has of it decides; the core is asked only about a payload that has neither result nor failure.
"""

import re
from typing import Any

import msgspec
from aiohttp import web
from msgspec import UNSET

from disio_manager.api.answers import BlockShown, PayloadStory, TryShown, VoteShown, json_answer
from disio_manager.api.context import Context, context_of
from disio_manager.api.inputs import inputs_of
from disio_manager.api.past_tries import past_tries
from disio_manager.api.problems import BadRequest
from disio_manager.api.tasks import known_record
from disio_manager.core.changes import MAX_VOTES
from disio_manager.core.records import TaskRecord
from disio_manager.core.views import PayloadView
from disio_manager.stores.base import VoteRow
from disio_shared.errors import FieldProblem, NotFoundError, TaskNotFound
from disio_shared.values import as_json


class PayloadNotFound(NotFoundError):
    """A task has no payload of that index."""

    kind = "payload"


async def get_payload(request: web.Request) -> web.Response:
    """``GET /api/tasks/{id}/payloads/{i}``."""
    context = context_of(request)
    index = _index(request.match_info["index"])
    record = await known_record(context, request.match_info["id"])
    if index >= record.total:
        raise PayloadNotFound(f"{index}: the task's payloads are 0 to {record.total - 1}")
    inputs = await inputs_of(context.service.sources, record)
    votes = [row for row in await context.service.store.votes(record.id, index, MAX_VOTES) if row.index == index]
    story = await _outcome(context, record.id, index) or await _standing(context, record, index)
    shown: dict[str, Any] = {
        "i": index,
        "name": inputs.names([index])[0],
        "payload": (await inputs.shown([index]))[0],
    }
    story |= await past_tries(context.service.store, record, index, story)
    return json_answer(PayloadStory(**shown, **story, votes=[_vote(row) for row in votes]))


def _index(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        message = "must be a payload's index, an integer from 0 on"
        raise BadRequest(400, "bad-request", f"the index {message}", [FieldProblem("index", message)])
    return int(text)


async def _outcome(context: Context, task: str, index: int) -> dict[str, Any] | None:
    """Return what came of a payload, or None when nothing did yet."""
    store = context.service.store
    async for page in store.results(task, index, 1):
        for row in page:
            if row.index == index:
                told = f"Client {row.client} computed it in {row.seconds:.3g} s."
                return {
                    "state": "done",
                    "result": as_json(row.value),
                    "client": row.client,
                    "seconds": row.seconds,
                    "sentences": [told],
                }
    failures = await store.failures(task, index, 1)
    if not failures or failures[0].index != index:
        return None
    errors = failures[0].errors
    often = "once" if len(errors) == 1 else f"{len(errors)} times"
    told = f"It failed {often} and is quarantined: retry the task to have it tried again."
    return {"state": "failed", "errors": errors, "sentences": [told]}


async def _standing(context: Context, record: TaskRecord, index: int) -> dict[str, Any]:
    """Return where a payload stands that has no outcome."""
    service = context.service
    try:
        view = service.coordinator.payload_view(record.id, index, service.clock.steady())
    except TaskNotFound:
        told = f"The task is {record.state}: this payload was not computed, and is not handed out any more."
        return {"state": "waiting", "sentences": [told]}
    if view.state != "closed":
        return _placed(view) | await _tries(context, record.id, index, view.holder)
    told = "It was closed at this very moment: ask again."
    return await _outcome(context, record.id, index) or {"state": "waiting", "sentences": [told]}


def _placed(view: PayloadView) -> dict[str, Any]:
    story: dict[str, Any] = {"state": view.state, "manager": view.manager, "sentences": view.sentences}
    if view.block:
        story["block"] = BlockShown(
            id=view.block,
            lease=view.lease,
            holder=view.holder,
            holder_name=view.holder_name,
            lease_ends_s=None if view.lease_ends_s is None else round(view.lease_ends_s, 1),
        )
    return story


async def _tries(context: Context, task: str, index: int, holder: str) -> dict[str, Any]:
    """Return what the distributor that holds a payload tells of it."""
    told = await context.questions.story(holder, task, index) if holder else None
    if told is None:
        return {}
    rows = zip(told.clients, told.outcomes, told.errors, told.ages_s, strict=True)
    tries = [
        TryShown(
            client=client,
            distributor=holder,
            outcome=outcome,
            error=error,
            age_s=None if age_s < 0 else round(age_s, 1),
            ended_at=None,
            log="",
        )
        for client, outcome, error, age_s in rows
    ]
    return {"tries": tries, "saved_bytes": told.saved_bytes}


def _vote(row: VoteRow) -> VoteShown:
    result = as_json(row.value) if row.value else msgspec.Raw(b"null")
    return VoteShown(
        client=row.client,
        distributor=row.distributor,
        agrees=row.agrees,
        seconds=row.seconds,
        result=UNSET if row.agrees else result,
    )
