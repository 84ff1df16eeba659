"""Bodies of requests.

Rule: a body is measured while it is read, never after.
"""

from typing import TypeVar

import msgspec
from aiohttp import web

from disio_manager.api.problems import BadRequest
from disio_shared.errors import FieldProblem, InvalidDocument
from disio_shared.wording import not_json, problem_of

SMALL_BODY = 1 << 20
"""Bytes of a body that is not a task document."""
MAX_JSON_PARTS = 6_000_000
"""Brackets and commas in a body: what it could grow to as objects is bounded before any is made."""
BodyT = TypeVar("BodyT")
_JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})


async def read_body(request: web.Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        BadRequest: Over ``limit`` bytes, or compressed.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest(415, "media-type", "bodies must not be compressed: Content-Encoding is refused")
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


async def read_json_text(request: web.Request, limit: int = SMALL_BODY) -> bytes:
    """Return the body of a request that says it is JSON, not decoded yet.

    Raises:
        BadRequest: Another content type, over ``limit`` bytes, or more parts than any document needs.
    """
    if request.content_type not in _JSON_TYPES:
        found = request.headers.get("Content-Type", "none")[:100]
        raise BadRequest(
            415,
            "media-type",
            f"the body must be application/json, not {found}",
            [_at("Content-Type", "must be application/json")],
        )
    text = await read_body(request, limit)
    if text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_JSON_PARTS:
        raise BadRequest(
            413, "oversize", f"the document has more than {MAX_JSON_PARTS} parts", [_at("", "too many parts")]
        )
    return text


async def read_json(request: web.Request, kind: type[BodyT], limit: int = SMALL_BODY) -> BodyT:
    """Return a JSON body of a type.

    Raises:
        BadRequest, InvalidDocument: It is none.
    """
    return decode_json(await read_json_text(request, limit), kind)


def decode_json(text: bytes, kind: type[BodyT]) -> BodyT:
    """Return JSON text as a type.

    Raises:
        InvalidDocument: It is none.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidDocument([problem_of(error, kind)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocument([FieldProblem("", f"the document {not_json(error)}")]) from error


def _at(path: str, message: str) -> FieldProblem:
    return FieldProblem(path, message)


def _too_large(limit: int) -> BadRequest:
    detail = f"the body is over the limit of {limit} bytes"
    return BadRequest(413, "oversize", detail, [FieldProblem("", detail)])
