"""Results and failures of a task: streamed in index order, or a page at a time as they finish.

Rule: nothing is capped silently and memory stays flat: one page is read, written and forgotten before the next.
"""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from disio_manager.api.context import context_of
from disio_manager.api.finished import Finished, read_finished
from disio_manager.api.inputs import Inputs, inputs_of
from disio_manager.api.problems import BadRequest
from disio_manager.api.queries import Query
from disio_manager.api.tasks import task_record
from disio_manager.stores.base import FailureRow, ResultRow
from disio_shared.errors import FieldProblem
from disio_shared.values import as_json

MAX_INDEX = 10**12
FAILURES_PAGE = 1_000
_TYPES = {"json": "application/json", "ndjson": "application/x-ndjson", "csv": "text/csv"}
_encoder = msgspec.json.Encoder()


class RangeQuery(Query, kw_only=True, frozen=True):
    """Which payloads."""

    start: Annotated[int, Meta(ge=0, le=MAX_INDEX, description="First payload")] = msgspec.field(default=0, name="from")
    limit: Annotated[int, Meta(ge=0, le=MAX_INDEX, description="Rows at most; 0 = all")] = 0


class ResultQuery(RangeQuery, kw_only=True, frozen=True):
    """Which results, and how they are written."""

    format: Literal["json", "ndjson", "csv"] = "json"
    matched: Annotated[bool, Meta(description="Only those that satisfy policy.stop_when")] = False
    order: Annotated[
        Literal["index", "finished"],
        Meta(description="finished: a page of at most 10,000 rows as they came; header X-Cursor has where to go on"),
    ] = "index"
    cursor: Annotated[
        str, Meta(max_length=4_000, pattern="^[A-Za-z0-9_-]*$", description="X-Cursor of the page before")
    ] = ""
    failures: Annotated[bool, Meta(description="finished: failed payloads too, with errors")] = False
    wait_s: Annotated[float, Meta(ge=0, le=30, description="finished: seconds to wait for the first row")] = 0.0


class FailureQuery(RangeQuery, kw_only=True, frozen=True):
    """Which failures, and how they are written."""

    format: Literal["json", "ndjson"] = "json"


async def get_results(request: web.Request, query: ResultQuery) -> web.StreamResponse:
    """``GET /api/tasks/{id}/results``."""
    context, kind = context_of(request), query.format
    _check_order(query)
    record = await task_record(context, request.match_info["id"])
    inputs = await inputs_of(context.service.sources, record)
    if query.order == "finished":
        return await _finished(request, record.id, inputs, query)
    store = context.service.store
    read = store.matches if query.matched else store.results
    pages = read(record.id, query.start, query.limit)
    async with aclosing(_result_parts(pages, inputs, kind)) as parts:
        return await _stream(request, parts, kind, f"{record.id}.{kind}")


def _check_order(query: ResultQuery) -> None:
    """Refuse parameters of the other order.

    Raises:
        BadRequest: One is given.
    """
    is_finished = query.order == "finished"
    others: dict[str, Any] = {"from": query.start, "matched": query.matched}
    if not is_finished:
        others = {"cursor": query.cursor, "failures": query.failures, "wait_s": query.wait_s}
    wrong = [name for name, value in others.items() if value]
    problems = [FieldProblem(name, f"is not for order={query.order}") for name in wrong]
    if query.failures and query.format == "csv":
        problems.append(FieldProblem("failures", "do not fit into CSV: take json or ndjson"))
    if problems:
        raise BadRequest(400, "bad-request", "; ".join(f"{each.path} {each.message}" for each in problems), problems)


async def _finished(request: web.Request, task: str, inputs: Inputs, query: ResultQuery) -> web.StreamResponse:
    """Answer with a page in the order of finishing."""
    context = context_of(request)
    found = await read_finished(context, task, query.cursor, query.limit, query.wait_s, with_failures=query.failures)
    headers = {"X-Cursor": found.position.text(), "X-Task-State": found.state}
    async with aclosing(_page_parts(found, inputs, query.format)) as parts:
        return await _stream(request, parts, query.format, "", headers)


async def _page_parts(found: Finished, inputs: Inputs, kind: str) -> AsyncGenerator[bytes, None]:
    encode, head, tail = _FORMS[kind]
    rows: Sequence[ResultRow | FailureRow] = [*found.results, *found.failures]
    comma = b""
    while rows:
        part = rows[: inputs.fitting([row.index for row in rows])]
        indexes = sorted({row.index for row in part})
        shown = dict(zip(indexes, await inputs.shown(indexes), strict=True))
        yield head + comma + encode(part, inputs, [shown[row.index] for row in part])
        head, comma, rows = b"", b"," if kind == "json" else b"", rows[len(part) :]
    more = {"next_cursor": found.position.text(), "state": found.state}
    yield head + (b"]," + _encoder.encode(more)[1:] + b"\n" if kind == "json" else tail)


async def get_failures(request: web.Request, query: FailureQuery) -> web.StreamResponse:
    """``GET /api/tasks/{id}/failures``."""
    context = context_of(request)
    record = await task_record(context, request.match_info["id"])
    inputs = await inputs_of(context.service.sources, record)

    async def parts() -> AsyncGenerator[bytes, None]:
        at, left, comma = query.start, query.limit or MAX_INDEX, b""
        is_json, (encode, head, tail) = query.format == "json", _FORMS[query.format]
        yield head
        while left and (rows := await context.service.store.failures(record.id, at, min(left, FAILURES_PAGE))):
            rows = rows[: inputs.fitting([row.index for row in rows])]
            body = encode(rows, inputs, await inputs.shown([row.index for row in rows]))
            yield comma + body if is_json else body
            at, left, comma = rows[-1].index + 1, left - len(rows), b","
        yield tail

    async with aclosing(parts()) as stream:
        return await _stream(request, stream, query.format, "")


async def _stream(
    request: web.Request, parts: AsyncIterator[bytes], kind: str, name: str, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    headers = headers or {}
    if kind == "csv" and name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    first = await anext(parts, b"")  # a store that is away is told of in a problem, not in a broken stream
    response = web.StreamResponse(headers=headers)
    response.content_type, response.charset = _TYPES[kind], "utf-8"
    await response.prepare(request)
    await response.write(first)
    async for part in parts:
        await response.write(part)
    await response.write_eof()
    return response


async def _result_parts(
    pages: AsyncIterator[list[ResultRow]], inputs: Inputs, kind: str
) -> AsyncGenerator[bytes, None]:
    encode, head, tail = _FORMS[kind]
    comma = b""
    async for page in pages:
        rows: Sequence[ResultRow] = page
        while rows:
            part = rows[: inputs.fitting([row.index for row in rows])]
            body = encode(part, inputs, await inputs.shown([row.index for row in part]))
            yield head + comma + body
            head, comma, rows = b"", b"," if kind == "json" else b"", rows[len(part) :]
    yield head + tail


class _Shown(msgspec.Struct):
    """A result as it is shown: encoded in half the time that a dict takes."""

    i: int
    name: str | msgspec.UnsetType
    payload: msgspec.Raw
    result: msgspec.Raw
    client: str
    seconds: float


class _ShownFailure(msgspec.Struct):
    """A failure as it is shown."""

    i: int
    name: str | msgspec.UnsetType
    payload: msgspec.Raw
    errors: list[str]


def _shown(
    rows: Sequence[ResultRow | FailureRow], inputs: Inputs, payloads: list[msgspec.Raw]
) -> list[_Shown | _ShownFailure]:
    return [
        _Shown(row.index, name, text, as_json(row.value), row.client, row.seconds)
        if isinstance(row, ResultRow)
        else _ShownFailure(row.index, name, text, row.errors)
        for row, name, text in zip(rows, inputs.names([row.index for row in rows]), payloads, strict=True)
    ]


def _json(rows: Sequence[ResultRow | FailureRow], inputs: Inputs, shown: list[msgspec.Raw]) -> bytes:
    return _encoder.encode(_shown(rows, inputs, shown))[1:-1]


def _ndjson(rows: Sequence[ResultRow | FailureRow], inputs: Inputs, shown: list[msgspec.Raw]) -> bytes:
    return _encoder.encode_lines(_shown(rows, inputs, shown))


def _csv(rows: Sequence[ResultRow | FailureRow], inputs: Inputs, shown: list[msgspec.Raw]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    for row, text in zip(rows, shown, strict=True):
        if isinstance(row, ResultRow):  # no failure is ever asked for in CSV
            payload, result = bytes(text).decode(), bytes(as_json(row.value)).decode()
            writer.writerow((row.index, payload, result, row.client, row.seconds))
    return out.getvalue().encode()


_Form = tuple[Callable[[Sequence[ResultRow | FailureRow], Inputs, list[msgspec.Raw]], bytes], bytes, bytes]
_FORMS: dict[str, _Form] = {
    "json": (_json, b'{"items":[', b"]}\n"),
    "ndjson": (_ndjson, b"", b""),
    "csv": (_csv, b"i,payload,result,client,seconds\r\n", b""),
}
