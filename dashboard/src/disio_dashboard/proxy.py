"""``/api``: signed-in browsers talk to the manager through here.

Rule: bytes stream both ways unbuffered; the manager's token never reaches a browser, and only listed headers pass.
"""

import aiohttp
from aiohttp import web

from disio_dashboard.guard import SAFE_METHODS
from disio_dashboard.login import end_session, find_session, told_of, upstream_of
from disio_dashboard.problems import problem
from disio_dashboard.sessions import is_same_secret
from disio_shared.errors import ManagerUnreachable

CSRF_HEADER = "X-Disio-Csrf"
TO_MANAGER: tuple[str, ...] = (
    "Accept",
    "Accept-Encoding",
    "Content-Type",
    "If-None-Match",
    "If-Match",
    "Idempotency-Key",
    "Cache-Control",
)
TO_MANAGER += ("Last-Event-ID", "Range", "Upload-Offset", "Upload-Complete", "X-Request-Id")
TO_BROWSER: tuple[str, ...] = (
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Content-Range",
    "Content-Disposition",
    "ETag",
)
TO_BROWSER += ("Cache-Control", "Location", "Retry-After", "Vary", "Last-Modified", "Link", "Idempotency-Replayed")
TO_BROWSER += ("X-Cursor", "X-Task-State", "Upload-Offset", "Upload-Complete", "Allow", "X-Request-Id")
# Work units and results come from strangers: nothing a browser would run or render is passed on as such.
INERT_TYPES = frozenset(
    {
        "application/json",
        "application/problem+json",
        "application/x-ndjson",
        "application/octet-stream",
        "application/wasm",
        "text/csv",
        "text/event-stream",
        "text/plain",
    }
)
RETRY_S = 2.0
OWN = frozenset({"/api/login", "/api/logout"})
"""Calls that would show a browser the session's secret, or end it behind the dashboard's back."""


async def proxy(request: web.Request) -> web.StreamResponse:
    """Pass one request on to the manager and its answer back."""
    session = find_session(request)
    if session is None:
        return problem(401, "not-signed-in", "sign in to the dashboard first")
    if request.method not in SAFE_METHODS and not is_same_secret(request.headers.get(CSRF_HEADER, ""), session.csrf):
        return problem(403, "csrf", f"the {CSRF_HEADER} header does not carry this session's token; reload the page")
    if ".." in request.path.split("/") or request.path.rstrip("/") in OWN:
        return problem(404, "not-found", f"no such path: {request.path}")
    headers = {name: request.headers[name] for name in TO_MANAGER if name in request.headers}
    headers.setdefault("Accept-Encoding", "identity")
    body = request.content if request.can_read_body else None
    if body is not None and request.content_length is not None:
        headers["Content-Length"] = str(request.content_length)
    try:
        async with upstream_of(request, session).call(
            request.method, request.rel_url.raw_path_qs, session.token, {**headers, **told_of(request)}, body
        ) as answer:
            if answer.status == 401:  # it ended there: a password was changed, a user removed, a token revoked
                return end_session(request, problem(401, "signed-out", "the session is over: sign in again"))
            return await _pass_back(request, answer)
    except ManagerUnreachable as error:
        return problem(error.http_status, error.code, str(error), RETRY_S)


async def _pass_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = {name: answer.headers[name] for name in TO_BROWSER if name in answer.headers}
    if answer.content_type not in INERT_TYPES:
        headers["Content-Type"] = "application/octet-stream"
    response = web.StreamResponse(status=answer.status, headers=headers)
    try:
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    except (aiohttp.ClientError, TimeoutError):
        # The manager broke off: the browser must not take a part for the whole, so no proper end is sent. Or the
        # browser is gone already, which is no error.
        if request.transport is not None:
            request.transport.abort()
    # Its end is written by aiohttp, which does not take it for an error when the browser is gone by then.
    return response
