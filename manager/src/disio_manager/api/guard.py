"""Who may call: the bearer token, the role its owner has, and the Host header of a manager on loopback.

Rule: everything needs a token and the role that the table of operations names, but what that calls open: what is read
before one can have a token.
"""

from aiohttp import web

from disio_manager.api.calling import CALLER, operation_of
from disio_manager.api.context import context_of
from disio_manager.api.operation import Operation
from disio_manager.api.problems import BEGUN, ID_HEADER, REQUEST_ID, BadRequest, Handler
from disio_manager.api.tasks import task_record
from disio_manager.people.roles import Caller, Forbidden, check_owner
from disio_shared.errors import NotAuthorized
from disio_shared.ports import is_loopback

MAX_SECRET = 500
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@web.middleware
async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse names that are not this machine's when only this machine is served.

    A page elsewhere can point its own name at 127.0.0.1 (DNS rebinding); its requests carry that name.
    """
    if context_of(request).is_loopback and not _is_local_name(request.host):
        raise BadRequest(421, "host", f"this manager serves this machine only, not the name {request.host[:200]!r}")
    return await handler(request)


@web.middleware
async def check_caller(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse callers without a token, and those whose role does not allow the call."""
    operation = operation_of(request)
    if operation is not None and (operation.is_open or (operation.is_local and _is_local(request))):
        return await handler(request)
    caller = await context_of(request).gate.caller(_secret(request))
    if caller is None:
        raise NotAuthorized("sign in, or send a token as Authorization: Bearer TOKEN")
    request[CALLER] = caller
    if operation is not None:
        await _check_role(request, operation, caller)
    return await handler(request)


async def _check_role(request: web.Request, operation: Operation, caller: Caller) -> None:
    """Refuse a caller whose role does not allow a call.

    Raises:
        Forbidden: So it is.
    """
    if not caller.may(operation.least):
        raise Forbidden(operation.name, operation.least, caller.role)
    if operation.is_owned and not caller.may("operator"):
        record = await task_record(context_of(request), request.match_info["id"])
        check_owner(operation.name, record.owner, caller)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tell browsers to take answers for what they are."""
    request[BEGUN] = response
    if REQUEST_ID in request:
        response.headers[ID_HEADER] = request[REQUEST_ID]
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


def _is_local_name(host: str) -> bool:
    name = host.rsplit("]", 1)[0].removeprefix("[") if host.startswith("[") else host.rsplit(":", 1)[0]
    return name.lower() in ("localhost", "127.0.0.1", "::1")


def _is_local(request: web.Request) -> bool:
    return is_loopback(request.remote or "0.0.0.0")


def _secret(request: web.Request) -> str:
    """Return the bearer token of a request, or nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and len(token) <= MAX_SECRET else ""
