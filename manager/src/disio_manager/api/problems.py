"""Errors as RFC 9457 problem documents.

Rule: this is the one place where REST turns an error into an answer; an unknown one is logged and shown as a bare 500.
"""

import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import msgspec
from aiohttp import web

from disio_manager.people.signing import TooManyTries
from disio_manager.stores.segments import GrowthRefused
from disio_shared.errors import DisioError, FieldProblem, InvalidDocument
from disio_shared.ids import fresh_id
from disio_shared.logs import logger

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BEGUN: web.RequestKey[web.StreamResponse] = web.RequestKey("begun", web.StreamResponse)
"""The answer to a request, once its head was sent."""
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request id", str)
ID_HEADER = "X-Request-Id"
PROBLEMS_PATH = "/api/problems"
"""The page that tells what codes mean."""
_current: ContextVar[str] = ContextVar("the id of the request that is answered", default="")
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 100
RETRY_AFTER_S = "2"
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Wrong media type",
    421: "Wrong host",
    422: "Invalid input",
    429: "Too many tries",
    500: "Internal error",
    503: "Not available",
    507: "No room",
}
_CODES = {404: "not-found", 405: "method", 413: "oversize", 415: "media-type"}
_log = logger("manager.api")


class BadRequest(DisioError):
    """The request itself is wrong, whatever it is about."""

    code = "bad-request"
    http_status = 400

    def __init__(self, status: int, code: str, detail: str, errors: list[FieldProblem] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.errors = status, code, errors or []


def problem(
    status: int,
    code: str,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
    more: dict[str, Any] | None = None,
) -> web.Response:
    """Return a problem document, with ``more`` members, as an answer."""
    document: dict[str, Any] = {
        "type": f"{PROBLEMS_PATH}#{code}",
        "title": TITLES.get(status, "Problem"),
        "status": status,
        "detail": _text(detail, 4_000),
        "code": code,
        "errors": [
            {"path": _text(at.path, 1_000), "message": _text(at.message, 2_000)} for at in (errors or [])[:MAX_ERRORS]
        ],
        "request_id": _current.get(),
        **(more or {}),
    }
    body = msgspec.json.encode(document)
    return web.Response(status=status, body=body, content_type=MEDIA_TYPE, headers=headers)


def _text(text: str, limit: int) -> str:
    """Return text that can be written: header bytes that are no UTF-8 come in as lone surrogates."""
    return text[:limit].encode(errors="backslashreplace").decode()


def problem_of(error: DisioError) -> web.Response:
    """Return the answer to an error that disio raised on purpose."""
    if isinstance(error, BadRequest):
        return problem(error.status, error.kind, str(error), error.errors)
    detail = f"{error}. {error.remedy}" if error.remedy and error.remedy not in str(error) else str(error)
    errors = error.problems if isinstance(error, InvalidDocument) else []
    headers = {"Retry-After": RETRY_AFTER_S} if error.retryable else None
    if isinstance(error, TooManyTries):
        headers = {"Retry-After": str(error.wait_s)}
    if error.http_status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    more = {"total": error.total} if isinstance(error, GrowthRefused) else {}
    return problem(error.http_status, error.code, detail, errors, headers, more)


@web.middleware
async def translate_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an answer; name the request, as the caller did or anew."""
    given = request.headers.get(ID_HEADER, "")
    request[REQUEST_ID] = given if _GIVEN_ID.fullmatch(given) else fresh_id()
    named = _current.set(request[REQUEST_ID])
    try:
        return await _answered(request, handler)
    finally:
        _current.reset(named)


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (ConnectionError, TimeoutError, web.HTTPRedirection):
        if BEGUN not in request:
            if request.transport is not None:
                raise
            return web.Response(status=400)  # the client went away, so nobody hears it: aiohttp would log an error
    except Exception as error:
        answer = _answer(request, error)
        if BEGUN not in request:
            return answer
    # The answer's head is sent already: a broken connection is the only honest end. An error would be logged once more,
    # and that a client goes away is none.
    if request.transport is not None:
        request.transport.abort()
    return request[BEGUN]


def _answer(request: web.Request, error: Exception) -> web.Response:
    if isinstance(error, DisioError):
        if error.http_status >= 500:
            _log.warning("a request failed", problem=str(error), **_named(request))
        return problem_of(error)
    if isinstance(error, web.HTTPException):
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(error.status, _CODES.get(error.status, "http"), _detail(error, request), None, headers)
    _log.error("a request broke", exc_info=error, **_named(request))
    return problem(500, "internal", f"The manager made a mistake; its log tells more of {request[REQUEST_ID]}.")


def _named(request: web.Request) -> dict[str, str]:
    return {"method": request.method, "path": request.path, "request_id": request[REQUEST_ID]}


def _detail(error: web.HTTPException, request: web.Request) -> str:
    if error.status == 404:
        return f"there is nothing at {request.path}"
    if error.status == 405:
        return f"{request.path} does not take {request.method}"
    return error.text or error.reason
