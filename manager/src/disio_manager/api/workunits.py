"""Code by its hash: upload and fetch.

Rule: what is kept under a hash has that hash; so an answer never changes and may be cached for ever. A minified form
is made of it, and has another hash.
"""

import asyncio
import hashlib
import re
from typing import Annotated, Literal

from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from disio_manager.api.answers import WorkunitStored, json_answer
from disio_manager.api.bodies import read_body
from disio_manager.api.context import context_of
from disio_manager.api.javascript import syntax_problem
from disio_manager.api.minified import minified
from disio_manager.api.queries import Query
from disio_shared.errors import FieldProblem, InvalidDocument, WorkunitNotFound
from disio_shared.taskdoc import MAX_WORKUNIT_BYTES, WASM_MAGIC, Language, check_code

_TYPES = {"javascript": "text/javascript", "wasm": "application/wasm", "python": "text/x-python"}
MIN_COMPRESSED = 1_024


class CodeQuery(Query, kw_only=True, frozen=True):
    """What the code is."""

    language: Language | UnsetType = UNSET
    """Without it: what the bytes and the content type look like."""


class FormQuery(Query, kw_only=True, frozen=True):
    """In which form code is given."""

    form: Annotated[
        Literal["source", "minified"],
        Meta(description="minified: JavaScript without comments and needless spaces, whose hash is another one"),
    ] = "source"


async def put_workunit(request: web.Request, query: CodeQuery) -> web.Response:
    """``PUT /api/workunits/{sha256}?language=``: the body is the code; 201 with its language and size."""
    sha256 = _hash(request)
    code = await read_body(request, MAX_WORKUNIT_BYTES)
    found = hashlib.sha256(code).hexdigest()
    if found != sha256:
        raise InvalidDocument([FieldProblem("sha256", f"the body's hash is {found}")])
    language = _guess(request, code) if query.language is UNSET else query.language
    problems = await asyncio.to_thread(_problems, language, code)
    if problems:
        raise InvalidDocument([FieldProblem("code", text) for text in problems])
    await context_of(request).service.store.put_workunit(sha256, language, code)
    return json_answer(WorkunitStored(sha256=sha256, language=language, bytes=len(code)), 201)


async def get_workunit(request: web.Request, query: FormQuery) -> web.StreamResponse:
    """``GET /api/workunits/{sha256}?form=``."""
    sha256 = _hash(request)
    tagged = sha256 if query.form == "source" else f"{sha256}-{query.form}"
    headers = {"ETag": f'"{tagged}"', "Cache-Control": "private, max-age=31536000, immutable"}
    if any(tag.value in (tagged, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    found = await context_of(request).service.store.workunit(sha256)
    if found is None:
        raise WorkunitNotFound(sha256)
    language, code = found
    if query.form == "minified" and language == "javascript":
        code = await asyncio.to_thread(minified, code)
    content_type = _TYPES.get(language, "application/octet-stream")
    # It is somebody's code on the manager's origin: a browser must never run it there.
    headers["Content-Disposition"] = f'attachment; filename="{sha256[:12]}"'
    response = web.Response(body=code, content_type=content_type, headers=headers, zlib_executor_size=MIN_COMPRESSED)
    if len(code) >= MIN_COMPRESSED:
        response.enable_compression()
    return response


def _hash(request: web.Request) -> str:
    sha256 = request.match_info["sha256"]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise InvalidDocument([FieldProblem("sha256", "must be 64 lower-case hexadecimal digits")])
    return sha256


def _guess(request: web.Request, code: bytes) -> Language:
    if code.startswith(WASM_MAGIC):
        return "wasm"
    return "python" if "python" in request.content_type else "javascript"


def _problems(language: Language, code: bytes) -> list[str]:
    problems = check_code(language, code)
    syntax = syntax_problem(code) if language == "javascript" and not problems else None
    return [*problems, syntax] if syntax is not None else problems
