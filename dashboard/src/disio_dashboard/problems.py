"""Problem documents (RFC 9457) that the dashboard itself answers with.

Rule: whatever goes wrong under ``/api`` or ``/session`` has the shape of the manager's own problems.
"""

from http import HTTPStatus

import msgspec
from aiohttp import web

PROBLEM_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, retry_after_s: float | None = None) -> web.Response:
    """Return a problem response."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [],
    }
    headers = {"Retry-After": str(max(1, round(retry_after_s)))} if retry_after_s is not None else {}
    return web.Response(status=status, body=msgspec.json.encode(body), content_type=PROBLEM_TYPE, headers=headers)
