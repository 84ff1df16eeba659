"""What every request passes first, and what every answer carries: the browser-side defences.

Rule: an unsafe request is served only when the page that sent it is the dashboard's own. Session ids travel in a
SameSite=Strict cookie; signed-in unsafe requests also carry the session's token in a header (checked in the proxy).
"""

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from disio_dashboard.problems import problem
from disio_dashboard.settings import LOOPBACK_NAMES, Settings
from disio_shared.ports import is_loopback

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Trusted types: no script of the page can turn a string into markup or code, not even by mistake.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",  # the sandbox that units are tried in
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the defensive headers on an answer (an ``on_response_prepare`` signal, so streams get them too)."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"


class Guard:
    """Refuses requests that other sites made a browser send."""

    def __init__(self, settings: Settings) -> None:
        self._public_origin = _origin(settings.public_url) if settings.public_url else None
        # DNS rebinding needs a name of the attacker's in Host; a dashboard on loopback knows all its names.
        names = LOOPBACK_NAMES | {settings.host} | ({settings.public_host} if settings.public_host else set())
        self._hosts = names if is_loopback(settings.host) else None

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the answer to a request that must not be served, or None."""
        if self._hosts is not None and _host_name(request.host) not in self._hosts:
            return problem(
                421, "wrong-host", f"this dashboard is not {request.host}; open it by 127.0.0.1 or localhost"
            )
        if request.method not in SAFE_METHODS and not self._is_own_page(request):
            return problem(403, "cross-site", "the request came from another site")
        return None

    def _is_own_page(self, request: web.Request) -> bool:
        """Fetch metadata decides; browsers without it (plain http on a LAN) send Origin; neither = not a browser."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("Origin")
        return origin is None or origin in (f"{request.scheme}://{request.host}", self._public_origin)


def guard_middleware(guard: Guard) -> Middleware:
    """Return the middleware that asks ``guard`` first."""

    @web.middleware
    async def refuse_foreign(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = guard.refusal(request)
        return await handler(request) if refused is None else refused

    return refuse_foreign


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
