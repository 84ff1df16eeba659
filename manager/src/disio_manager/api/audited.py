"""Puts calls into the audit: every one that changed something, and every one that was refused for want of a role.

Rule: this is the one place where calls are noted; it never waits and never fails a call.
"""

from aiohttp import web

from disio_manager.api.calling import CALLER, DETAIL, address_of, operation_of
from disio_manager.api.context import context_of
from disio_manager.api.operation import Operation
from disio_manager.api.problems import Handler
from disio_manager.people.roles import Forbidden
from disio_manager.stores.audit import Outcome

KINDS = {
    "tasks": "task",
    "users": "user",
    "tokens": "token",
    "sessions": "session",
    "distributors": "distributor",
    "clients": "client",
    "sites": "site",
    "blobs": "blob",
    "workunits": "workunit",
}
"""By the first part of the path after ``/api``."""
KEYS = ("id", "name", "sha256")


@web.middleware
async def note_calls(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note an unsafe call once it is answered, and any call that was refused."""
    operation = operation_of(request)
    try:
        answer = await handler(request)
    except Forbidden as error:
        if operation is not None:
            _note(request, operation, "refused", str(error))
        raise
    if operation is not None and operation.method != "GET" and operation.is_audited and answer.status < 400:
        _note(request, operation, "ok", request.get(DETAIL, ""), answer)
    return answer


def _note(
    request: web.Request, operation: Operation, outcome: Outcome, detail: str, answer: web.StreamResponse | None = None
) -> None:
    caller = request.get(CALLER)
    kind, subject = subject_of(request, operation, answer)
    context_of(request).gate.audit.note(
        caller.name if caller is not None else "",
        operation.name,
        address=address_of(request),
        kind=kind,
        subject=subject,
        outcome=outcome,
        detail=detail,
        is_quiet=outcome == "refused",
    )


def subject_of(request: web.Request, operation: Operation, answer: web.StreamResponse | None) -> tuple[str, str]:
    """Return what a call is about: a kind and an id, either empty when there is none."""
    parts = operation.path.split("/")
    kind = KINDS.get(parts[2], "") if len(parts) > 2 and parts[1] == "api" else ""
    named = next((request.match_info[key] for key in KEYS if key in request.match_info), "")
    made = answer.headers.get("Location", "") if answer is not None and answer.status == 201 else ""
    text = made.rsplit("/", 1)[-1] or named
    return kind, text.encode(errors="backslashreplace").decode()
