"""Results and failures of a task, streamed in index order.

Rule: nothing is capped silently and memory stays flat: one page is read, written and forgotten before the next.
"""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from aiohttp import web

from disio_manager.api.bodies import check_query, query_choice, query_number
from disio_manager.api.context import context_of
from disio_manager.api.inputs import Inputs, inputs_of
from disio_manager.api.tasks import task_record
from disio_manager.stores.base import ResultRow
from disio_shared.values import as_json

MAX_INDEX = 10**12
FAILURES_PAGE = 1_000
_TYPES = {"json": "application/json", "ndjson": "application/x-ndjson", "csv": "text/csv"}
_encoder = msgspec.json.Encoder()


async def get_results(request: web.Request) -> web.StreamResponse:
    """``GET /api/tasks/{id}/results``."""
    context = context_of(request)
    start, limit = _range(request)
    kind = query_choice(request, "format", "json", _TYPES)
    record = await task_record(context, request.match_info["id"])
    inputs = await inputs_of(context.service.archives, record)
    pages = context.service.store.results(record.id, start, limit)
    async with aclosing(_result_parts(pages, inputs, kind)) as parts:
        return await _stream(request, parts, kind, f"{record.id}.{kind}")


async def get_failures(request: web.Request) -> web.StreamResponse:
    """``GET /api/tasks/{id}/failures``."""
    context = context_of(request)
    start, limit = _range(request)
    record = await task_record(context, request.match_info["id"])
    inputs = await inputs_of(context.service.archives, record)

    async def parts() -> AsyncGenerator[bytes, None]:
        at, left, comma = start, limit or MAX_INDEX, b""
        yield b'{"items":['
        while left and (rows := await context.service.store.failures(record.id, at, min(left, FAILURES_PAGE))):
            shown = inputs.shown([row.index for row in rows])
            items = [
                _encoder.encode({"i": row.index, **inputs.named(row.index), "payload": text, "errors": row.errors})
                for row, text in zip(rows, shown, strict=True)
            ]
            yield comma + b",".join(items)
            at, left, comma = rows[-1].index + 1, left - len(rows), b","
        yield b"]}\n"

    async with aclosing(parts()) as stream:
        return await _stream(request, stream, "json", "")


def _range(request: web.Request) -> tuple[int, int]:
    check_query(request, ("from", "limit", "format"))
    return query_number(request, "from", 0, MAX_INDEX), query_number(request, "limit", 0, MAX_INDEX)


async def _stream(request: web.Request, parts: AsyncIterator[bytes], kind: str, name: str) -> web.StreamResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'} if kind == "csv" else {}
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
    async for rows in pages:
        body = encode(rows, inputs)
        yield head + comma + body
        head, comma = b"", b"," if kind == "json" else b""
    yield head + tail


def _objects(rows: Sequence[ResultRow], inputs: Inputs) -> list[dict[str, Any]]:
    return [
        {
            "i": row.index,
            **inputs.named(row.index),
            "payload": text,
            "result": as_json(row.value),
            "client": row.client,
            "seconds": row.seconds,
        }
        for row, text in zip(rows, inputs.shown([row.index for row in rows]), strict=True)
    ]


def _json(rows: Sequence[ResultRow], inputs: Inputs) -> bytes:
    return _encoder.encode(_objects(rows, inputs))[1:-1]


def _ndjson(rows: Sequence[ResultRow], inputs: Inputs) -> bytes:
    return _encoder.encode_lines(_objects(rows, inputs))


def _csv(rows: Sequence[ResultRow], inputs: Inputs) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    for row, text in zip(rows, inputs.shown([row.index for row in rows]), strict=True):
        payload, result = bytes(text).decode(), bytes(as_json(row.value)).decode()
        writer.writerow((row.index, payload, result, row.client, row.seconds))
    return out.getvalue().encode()


_Form = tuple[Callable[[Sequence[ResultRow], Inputs], bytes], bytes, bytes]
_FORMS: dict[str, _Form] = {
    "json": (_json, b'{"items":[', b"]}\n"),
    "ndjson": (_ndjson, b"", b""),
    "csv": (_csv, b"i,payload,result,client,seconds\r\n", b""),
}
