"""What requests carry: bodies of bounded size, and query parameters by name and kind.

Rule: a body is measured while it is read, never after; a parameter nobody knows is an error.
"""

import re
from collections.abc import Collection
from typing import Any

import msgspec
from aiohttp import web

from disio_manager.api.problems import BadRequest
from disio_shared.errors import FieldProblem, InvalidDocument
from disio_shared.wording import not_json, problem_of

SMALL_BODY = 1 << 20
"""Bytes of a body that is not a task document."""
MAX_JSON_PARTS = 6_000_000
"""Brackets and commas in a body: what it could grow to as objects is bounded before any is made."""
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


async def read_object(request: web.Request, limit: int = SMALL_BODY) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        BadRequest, InvalidDocument: It is none.
    """
    text = await read_json_text(request, limit)
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.ValidationError as error:
        raise InvalidDocument([problem_of(error, dict[str, Any])]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocument([FieldProblem("", f"the document {not_json(error)}")]) from error


def check_query(request: web.Request, known: Collection[str]) -> None:
    """Refuse parameters that are not known.

    Raises:
        BadRequest: With one problem per parameter.
    """
    unknown = [
        _at(name, f"unknown parameter; known: {', '.join(known)}") for name in request.query if name not in known
    ]
    if unknown:
        raise BadRequest(400, "bad-request", "unknown query parameter", unknown)


def query_number(request: web.Request, name: str, default: int, most: int) -> int:
    """Return a parameter as an integer from 0 to ``most``.

    Raises:
        BadRequest: It is none.
    """
    text = request.query.get(name)
    if text is None or text == "":
        return default
    if not re.fullmatch(r"[0-9]{1,16}", text) or int(text) > most:
        message = f"must be an integer from 0 to {most}"
        raise BadRequest(400, "bad-request", f"{name} {message}", [_at(name, message)])
    return int(text)


def query_choice(request: web.Request, name: str, default: str, choices: Collection[str]) -> str:
    """Return a parameter that is one of ``choices``.

    Raises:
        BadRequest: It is another.
    """
    text = request.query.get(name, "") or default
    if text not in choices:
        message = f"must be one of {', '.join(choice for choice in choices if choice)}"
        raise BadRequest(400, "bad-request", f"{name} {message}", [_at(name, message)])
    return text


def _at(path: str, message: str) -> FieldProblem:
    return FieldProblem(path, message)


def _too_large(limit: int) -> BadRequest:
    detail = f"the body is over the limit of {limit} bytes"
    return BadRequest(413, "oversize", detail, [FieldProblem("", detail)])
