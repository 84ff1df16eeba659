"""Which manager a request means.

Rule: a browser has one cookie with its choice, and one per manager with a session; a session is looked for under its
own manager's cookie alone.
"""

from urllib.parse import urlsplit

from aiohttp import web

from disio_dashboard.clusters import Place
from disio_dashboard.sessions import SESSION_LIFE_S
from disio_dashboard.state import STATE


def place_of(request: web.Request) -> Place:
    """Return the manager that was chosen; one that is not known any more, or none: the default one."""
    places = request.app[STATE].places
    return places.get(request.cookies.get(_choice_cookie(request), "")) or places.default


def cookie_name(request: web.Request, place: Place) -> str:
    """Return the name of the cookie with a manager's session; the default manager's is the plain one."""
    is_default = place is request.app[STATE].places.default
    return _base(request) if is_default else f"{_base(request)}-{place.key}"


def choose(request: web.Request, response: web.StreamResponse, place: Place) -> None:
    """Have the browser remember a choice, where there is one."""
    state = request.app[STATE]
    if not state.places.are_many:
        return
    response.set_cookie(
        _choice_cookie(request),
        place.key,
        max_age=round(SESSION_LIFE_S),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=state.settings.is_secure,
    )


def _choice_cookie(request: web.Request) -> str:
    return f"{_base(request)}-at"


def _base(request: web.Request) -> str:
    """Browsers share cookies between the ports of a host, so a name carries the port."""
    if request.app[STATE].settings.is_secure:
        return "__Host-disio"
    return f"disio-{urlsplit(f'//{request.host}').port or 80}"
