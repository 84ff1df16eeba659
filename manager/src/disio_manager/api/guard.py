"""Who may call: the bearer token, and the Host header of a manager on loopback.

Rule: everything needs the admin token but what distributors and health checks must read before they can have one.
"""

from aiohttp import web

from disio_manager.api.context import context_of
from disio_manager.api.problems import BEGUN, BadRequest, Handler
from disio_manager.identity import is_same_secret
from disio_shared.errors import NotAuthorized
from disio_shared.ports import is_loopback

OPEN_PATHS = frozenset({"/api/link", "/healthz", "/readyz"})
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
    if not (request.path in OPEN_PATHS or _is_local_scrape(request)) and not _has_token(request):
        raise NotAuthorized("send the token of admin.token as Authorization: Bearer TOKEN")
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tell browsers to take answers for what they are."""
    request[BEGUN] = response
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


def _is_local_name(host: str) -> bool:
    name = host.rsplit("]", 1)[0].removeprefix("[") if host.startswith("[") else host.rsplit(":", 1)[0]
    return name.lower() in ("localhost", "127.0.0.1", "::1")


def _is_local_scrape(request: web.Request) -> bool:
    return request.path == "/metrics" and is_loopback(request.remote or "0.0.0.0")


def _has_token(request: web.Request) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = context_of(request).identity.admin_token
    return is_same_secret(token.strip(), expected) and scheme.lower() == "bearer"
