"""Creating tasks, and looking at payload specs before.

Rule: code is stored before the task that names it. A request with an ``Idempotency-Key`` makes a task whose id follows
from the key, so a repeat finds that task again, after a restart too.
"""

import asyncio
import hashlib
from typing import Any

import msgspec
from aiohttp import web

from disio_manager.api.bodies import read_json_text
from disio_manager.api.context import Context, context_of
from disio_manager.api.inputs import inputs_of_spec
from disio_manager.api.javascript import syntax_problem
from disio_manager.api.problems import BadRequest
from disio_manager.api.tasks import json_answer, show, task_record
from disio_manager.core.events import TaskCommanded, TaskCreated
from disio_manager.core.records import TaskRecord
from disio_manager.tar_index import BadArchive
from disio_shared import payloads
from disio_shared.errors import FieldProblem, InvalidDocument
from disio_shared.ids import fresh_id
from disio_shared.messages import Terms
from disio_shared.taskdoc import MAX_DOCUMENT_BYTES, ParsedTask, TaskDocument, parse_task
from disio_shared.wording import not_json

PREVIEW_FIRST, PREVIEW_LAST = 20, 3
MAX_KEY = 255
IN_PLACE_BYTES = 64 << 10
"""Larger documents are parsed in a thread, so that the others are served meanwhile."""


async def create_task(request: web.Request) -> web.Response:
    """``POST /api/tasks``."""
    context = context_of(request)
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
        message = f"at most {MAX_KEY} printable ASCII characters"
        raise BadRequest(400, "bad-request", f"Idempotency-Key: {message}", [FieldProblem("Idempotency-Key", message)])
    body = await read_json_text(request, MAX_DOCUMENT_BYTES)
    parsed = await _off_loop(_parse, body, len(body))
    if not key:
        return await _created(context, await _create(context, parsed, fresh_id()))
    async with context.creating:
        return await _created(context, await _create_once(context, parsed, key, hashlib.sha256(body).hexdigest()))


async def clone_task(request: web.Request) -> web.Response:
    """``POST /api/tasks/{id}/clone``: the same document as a new task."""
    context = context_of(request)
    record = await task_record(context, request.match_info["id"])
    spec = await context.service.archives.resolved(await _off_loop(_spec_of, record.payloads, len(record.payloads)))
    copy = msgspec.structs.replace(
        record,
        id=fresh_id(),
        number=await context.service.store.next_number(),
        state="queued",
        created_at=context.service.clock.wall(),
        finished_at=None,
        done=0,
        failed=0,
        retries=0,
        lost=0,
        tries_failed=0,
        copies=0,
    )
    await _submit(context, copy, spec)
    return await _created(context, copy.id)


async def preview_payloads(request: web.Request) -> web.Response:
    """``POST /api/payloads/preview``: the body is a payload spec, bare or under ``payloads``."""
    body = await read_json_text(request, MAX_DOCUMENT_BYTES)
    archives = context_of(request).service.archives
    spec = await archives.resolved(await _off_loop(_spec_of, body, len(body)))
    inputs, total = await inputs_of_spec(archives, spec), payloads.count(spec)
    first = inputs.shown(range(min(total, PREVIEW_FIRST)))
    last = inputs.shown(range(max(0, total - PREVIEW_LAST), total))
    return json_answer({"count": total, "first": first, "last": last})


def _parse(body: bytes) -> ParsedTask:
    """Check a document, the syntax of JavaScript included."""
    parsed = parse_task(body)
    if parsed.code is not None and parsed.document.workunit.language == "javascript":
        problem = syntax_problem(parsed.code)
        if problem is not None:
            given = "source" if parsed.document.workunit.source is not None else "source_base64"
            raise InvalidDocument([FieldProblem(f"workunit.{given}", problem)])
    return parsed


def _spec_of(text: bytes) -> payloads.PayloadSpec:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocument([FieldProblem("", f"the document {not_json(error)}")]) from error
    if isinstance(document, dict) and set(document) == {"payloads"}:
        document = document["payloads"]
    try:
        return payloads.parse_spec(document)
    except InvalidDocument as error:
        named = [FieldProblem(f"payloads.{at.path}" if at.path else "payloads", at.message) for at in error.problems]
        raise InvalidDocument(named) from error


async def _off_loop(work: Any, text: bytes, size: int) -> Any:
    return work(text) if size <= IN_PLACE_BYTES else await asyncio.to_thread(work, text)


async def _create(context: Context, parsed: ParsedTask, task: str) -> str:
    """Store the code and create the task; return its id."""
    store, document = context.service.store, parsed.document
    spec = await context.service.archives.resolved(parsed.spec)
    language = document.workunit.language
    if parsed.code is not None:
        await store.put_workunit(parsed.workunit, language, parsed.code)
        size = len(parsed.code)
    else:
        size = await _stored_size(context, parsed)
    record = TaskRecord(
        id=task,
        number=await store.next_number(),
        name=document.name,
        tags=document.tags,
        workunit=parsed.workunit,
        language=language,
        runtime=document.workunit.runtime,
        terms=_terms(document),
        workunit_bytes=size,
        payloads=msgspec.json.encode(document.payloads),
        blob=spec.blob if isinstance(spec, payloads.FilesSpec) else "",
        policy=document.policy,
        total=payloads.count(spec),
        state="queued",
        created_at=context.service.clock.wall(),
    )
    await _submit(context, record, spec)
    return task


async def _submit(context: Context, record: TaskRecord, spec: payloads.PayloadSpec) -> None:
    """Create a task; the archive it names may just be going with the last task that named it.

    Raises:
        BadArchive: So it is, and the task is removed.
    """
    await context.service.submit(TaskCreated(record, spec))
    if record.blob and await context.service.store.blobs.size(record.blob) is None:
        await context.service.submit(TaskCommanded(record.id, "delete", context.service.clock.wall()))
        raise BadArchive("was removed at this moment, with the last task that named it: upload it again")


async def _stored_size(context: Context, parsed: ParsedTask) -> int:
    """Return the bytes of code that the document only names.

    Raises:
        InvalidDocument: It was not uploaded, or as another language.
    """
    found = await context.service.store.workunit(parsed.workunit)
    if found is None:
        raise InvalidDocument(
            [FieldProblem("workunit.sha256", "is not uploaded: PUT it to /api/workunits/{sha256} first")]
        )
    language, code = found
    if language and language != parsed.document.workunit.language:
        raise InvalidDocument([FieldProblem("workunit.language", f"the uploaded code is {language}")])
    return len(code)


async def _create_once(context: Context, parsed: ParsedTask, key: str, body: str) -> str:
    """Create the task of an idempotency key, or find it again.

    Raises:
        BadRequest: The key came before with another document, or its task is deleted.
    """
    digest = hashlib.sha256(f"{context.cluster}\n{key}".encode()).hexdigest()
    task = f"k{digest[:23]}"
    view = context.service.coordinator.task_view(task, context.service.clock.steady())
    record = view.record if view is not None else await context.service.store.task(task)
    if record is None and task in context.deleted:
        raise _used_up("made a task that is deleted: use a fresh key")
    if record is None:
        await _create(context, parsed, task)
        context.note_body(task, body)
    elif context.bodies.get(task, body) != body or not _is_same(record, parsed):
        raise _used_up("came before with another document: use a fresh key")
    return task


def _used_up(message: str) -> BadRequest:
    problem = FieldProblem("Idempotency-Key", message)
    return BadRequest(422, "idempotency-key", f"Idempotency-Key {message}", [problem])


def _is_same(record: TaskRecord, parsed: ParsedTask) -> bool:
    """Compare what nobody can edit afterwards; name, tags and policy may have been edited since."""
    unit, terms = parsed.document.workunit, record.terms
    return (record.workunit, record.language, record.runtime, terms.output, terms.clock, record.payloads) == (
        parsed.workunit,
        unit.language,
        unit.runtime,
        unit.output,
        unit.clock,
        msgspec.json.encode(parsed.document.payloads),
    )


def _terms(document: TaskDocument) -> Terms:
    unit, policy = document.workunit, document.policy
    return Terms(
        output=unit.output,
        clock=unit.clock,
        max_result_bytes=policy.max_result_bytes,
        max_log_bytes=policy.max_log_bytes,
    )


async def _created(context: Context, task: str) -> web.Response:
    return json_answer(await show(context, task), 201, {"Location": f"/api/tasks/{task}"})
