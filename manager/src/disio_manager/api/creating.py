"""Creating tasks, and looking at payload specs before.

Rule: code is stored before the task that names it.
"""

import asyncio
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from disio_manager.api.answers import Preview, json_answer
from disio_manager.api.beginning import begun, form_of, source_of, values_of
from disio_manager.api.bodies import read_json_text
from disio_manager.api.calling import caller_of
from disio_manager.api.chained import check_source
from disio_manager.api.context import Context, context_of
from disio_manager.api.documents import stored_of
from disio_manager.api.inputs import inputs_of_spec
from disio_manager.api.javascript import syntax_problem
from disio_manager.api.keyed import REPLAYED, Wanted, create_once, key_of
from disio_manager.api.tasks import show, task_record
from disio_manager.blob_problem import BadBlob
from disio_manager.core.events import TaskCommanded, TaskCreated
from disio_manager.core.records import TaskRecord
from disio_manager.stores.segments import Segment
from disio_shared import payload_parsing, payloads
from disio_shared.canonical import document_sha256, stored_document
from disio_shared.errors import FieldProblem, InvalidDocument
from disio_shared.ids import fresh_id
from disio_shared.messages import Terms
from disio_shared.taskdoc import MAX_DOCUMENT_BYTES, ParsedTask, TaskDocument, parse_task
from disio_shared.wording import not_json

PREVIEW_FIRST, PREVIEW_LAST = 20, 3
IN_PLACE_BYTES = 64 << 10
"""Larger documents are parsed in a thread, so that the others are served meanwhile."""


async def create_task(request: web.Request) -> web.Response:
    """``POST /api/tasks``."""
    context = context_of(request)
    key = key_of(request)
    body = await read_json_text(request, MAX_DOCUMENT_BYTES)
    parsed = await _off_loop(_parse, body, len(body))
    return await _made(context, key, parsed, caller_of(request).owns)


async def clone_task(request: web.Request) -> web.Response:
    """``POST /api/tasks/{id}/clone``: the same document, or one with changes, as a new task."""
    context, key = context_of(request), key_of(request)
    patch = await read_json_text(request, MAX_DOCUMENT_BYTES) if request.can_read_body else b"{}"
    record = await task_record(context, request.match_info["id"])
    wanted = await _off_loop(partial(_cloned, record), patch, len(patch) + len(record.payloads))
    return await _made(context, key, wanted, caller_of(request).owns)


async def _made(context: Context, key: str, wanted: Wanted, owner: str) -> web.Response:
    """Create a task, or find the one that a key made before."""
    if not key:
        return await _created(context, await _create(context, wanted, fresh_id(), owner))
    task, is_repeat = await create_once(context, key, wanted, lambda task: _create(context, wanted, task, owner))
    return await _created(context, task, {REPLAYED: "true"} if is_repeat else {})


def _cloned(record: TaskRecord, patch: bytes) -> Wanted:
    """Return a task's document with a JSON merge patch (RFC 7396) applied, checked like any other.

    Raises:
        InvalidDocument: The patch is none, or what comes of it is no document.
    """
    try:
        changes = msgspec.json.decode(patch)
        if not isinstance(changes, dict):
            raise InvalidDocument([FieldProblem("", "the document must be an object")])
        return _parse(
            msgspec.json.encode(_merged(msgspec.json.decode(msgspec.json.encode(stored_of(record))), changes))
        )
    except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError) as error:
        raise InvalidDocument([FieldProblem("", f"the document {not_json(error)}")]) from error


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


async def preview_payloads(request: web.Request) -> web.Response:
    """``POST /api/payloads/preview``: the body is a payload spec, bare or under ``payloads``."""
    body = await read_json_text(request, MAX_DOCUMENT_BYTES)
    sources = context_of(request).service.sources
    spec = await sources.resolved(await _off_loop(_spec_of, body, len(body)))
    if isinstance(spec, payloads.StoredSpec) and spec.kind == "values":
        if spec.chain is not None:
            told = f"its payloads will be results: see those of task {spec.chain.source}"
            raise InvalidDocument([FieldProblem("payloads.task", told)])
        spec = payloads.ListSpec(tuple(await _off_loop(values_of, body, len(body))))
    inputs, total = await inputs_of_spec(sources, spec), payloads.count(spec)
    first = range(min(total, PREVIEW_FIRST))
    last = range(max(0, total - PREVIEW_LAST), total)
    first, last = first[: inputs.fitting(first)], last[-inputs.fitting(last[::-1]) :]
    return json_answer(Preview(count=total, first=await inputs.shown(first), last=await inputs.shown(last)))


def _parse(body: bytes) -> Wanted:
    """Check a document, the syntax of JavaScript included."""
    parsed = parse_task(body)
    if parsed.code is not None and parsed.document.workunit.language == "javascript":
        problem = syntax_problem(parsed.code)
        if problem is not None:
            given = "source" if parsed.document.workunit.source is not None else "source_base64"
            raise InvalidDocument([FieldProblem(f"workunit.{given}", problem)])
    return Wanted(parsed, document_sha256(stored_document(parsed)))


def _spec_of(text: bytes) -> payloads.PayloadSpec:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocument([FieldProblem("", f"the document {not_json(error)}")]) from error
    if isinstance(document, dict) and set(document) == {"payloads"}:
        document = document["payloads"]
    try:
        return payload_parsing.parse_spec(document)
    except InvalidDocument as error:
        named = [FieldProblem(f"payloads.{at.path}" if at.path else "payloads", at.message) for at in error.problems]
        raise InvalidDocument(named) from error


async def _off_loop(work: Any, text: bytes, size: int) -> Any:
    return work(text) if size <= IN_PLACE_BYTES else await asyncio.to_thread(work, text)


async def _create(context: Context, wanted: Wanted, task: str, owner: str) -> str:
    """Store the code and create the task; return its id."""
    parsed = wanted.task
    store, document = context.service.store, parsed.document
    spec, first = await context.service.sources.resolved(parsed.spec), []
    if isinstance(spec, payloads.StoredSpec) and spec.kind == "values":
        await check_source(context, spec.chain)
        spec, first = await _off_loop(partial(begun, task, spec), parsed.payloads, len(parsed.payloads))
    language = document.workunit.language
    if parsed.code is not None:
        await store.put_workunit(parsed.workunit, language, parsed.code)
        size = len(parsed.code)
    else:
        size = await _stored_size(context, parsed)
    record = TaskRecord(
        id=task,
        number=await store.next_number(),
        owner=owner,
        name=document.name,
        tags=document.tags,
        description=document.description,
        public=document.public,
        webhooks=document.webhooks,
        aggregates=document.aggregates,
        document_sha256=wanted.document_sha256,
        workunit=parsed.workunit,
        language=language,
        runtime=document.workunit.runtime,
        terms=_terms(document),
        workunit_bytes=size,
        payloads=parsed.payloads,
        blob=spec.blob if isinstance(spec, payloads.StoredSpec) else "",
        form=form_of(spec),
        source=source_of(spec),
        growing=bool(form_of(spec)),
        policy=document.policy,
        total=payloads.count(spec),
        state="queued",
        created_at=context.service.clock.wall(),
    )
    await _submit(context, record, spec, first)
    return task


async def _submit(context: Context, record: TaskRecord, spec: payloads.PayloadSpec, first: list[Segment]) -> None:
    """Create a task; the archive it names may just be going with the last task that named it.

    Raises:
        BadBlob: So it is, and the task is removed.
    """
    await context.service.submit(TaskCreated(record, spec, first))
    if record.blob and await context.service.store.blobs.size(record.blob) is None:
        await context.service.submit(TaskCommanded(record.id, "delete", context.service.clock.wall()))
        raise BadBlob("was removed at this moment, with the last task that named it: upload it again")


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


def _terms(document: TaskDocument) -> Terms:
    unit, policy = document.workunit, document.policy
    return Terms(
        output=unit.output,
        clock=unit.clock,
        max_result_bytes=policy.max_result_bytes,
        max_log_bytes=policy.max_log_bytes,
    )


async def _created(context: Context, task: str, headers: dict[str, str] | None = None) -> web.Response:
    return json_answer(await show(context, task), 201, {"Location": f"/api/tasks/{task}", **(headers or {})})
