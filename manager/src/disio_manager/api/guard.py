"""Who may call: the bearer token, and the Host header of a manager on loopback.

Rule: everything needs the admin token but what the table of operations calls open: what is read before one can have it.
"""

from aiohttp import web

from disio_manager.api.context import context_of
from disio_manager.api.problems import BEGUN, ID_HEADER, REQUEST_ID, BadRequest, Handler
from disio_manager.identity import is_same_secret
from disio_shared.errors import NotAuthorized
from disio_shared.ports import is_loopback

OPEN_PATHS: web.AppKey[frozenset[str]] = web.AppKey("open paths", frozenset)
"""As the table writes them."""
LOCAL_PATHS: web.AppKey[frozenset[str]] = web.AppKey("local paths", frozenset)
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
async def check_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse callers without the admin token."""
    if not (_is_open(request) or _has_token(request)):
        raise NotAuthorized("send the token of admin.token as Authorization: Bearer TOKEN")
    return await handler(request)


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


def _is_open(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    path = request.path if resource is None else resource.canonical  # no resource: another method of it is served
    is_local = path in request.app[LOCAL_PATHS] and is_loopback(request.remote or "0.0.0.0")
    return is_local or path in request.app[OPEN_PATHS]


def _has_token(request: web.Request) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = context_of(request).identity.admin_token
    return is_same_secret(token.strip(), expected) and scheme.lower() == "bearer"
