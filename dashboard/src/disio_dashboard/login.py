"""Signing in and out: the one-time link, and a form for name and password, or a token.

Rule: works without JavaScript; what is wrong costs one of five tries in 15 minutes per address, whoever sends it. The
manager's secret for a session stays here, and what is typed goes to the one manager that the form names.
"""

import contextlib
from urllib.parse import quote

import msgspec
from aiohttp import web

from disio_dashboard.choosing import choose, cookie_name, place_of
from disio_dashboard.clusters import Place, grouped
from disio_dashboard.login_page import Choice, login_page
from disio_dashboard.problems import problem
from disio_dashboard.sessions import MACHINE, SESSION_LIFE_S, Session, Who, is_same_secret
from disio_dashboard.state import STATE
from disio_dashboard.upstream import Upstream, decoded
from disio_shared.errors import ManagerUnreachable
from disio_shared.vouching import ADDRESS_HEADER, PROOF_HEADER, address_proof

MAX_NAME, MAX_TOKEN = 200, 500
WAIT_S = 60.0
"""As long as a manager has anybody wait, at most."""
NOTHING_GIVEN = "Type name and password, or a token."
UNKNOWN_TOKEN = "The manager does not know this token."
WRONG_PASSWORD = "Name or password is wrong."
OTHERS_TOKEN = "This is the token of another manager than the chosen one. It was not sent."
GONE = "This manager is not known any more. Choose again."
Found = tuple[str, Who] | str | float
"""What the manager knows the session by, and whose it is; or why there is none; or how long to wait, in seconds."""


class _Begun(msgspec.Struct):
    """A session that the manager began."""

    secret: str
    name: str
    role: str


_SIGNED_IN = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0;url=/">
<title>Signed in · disio</title>
<link rel="stylesheet" href="/login.css">
</head>
<body><main><h1>disio</h1><p>You are signed in. <a href="/">Open the dashboard</a></p></main></body>
</html>
"""


def find_session(request: web.Request) -> Session | None:
    """Return the session at the chosen manager whose cookie came with a request, or None."""
    return session_at(request, place_of(request))


def session_at(request: web.Request, place: Place) -> Session | None:
    """Return a browser's session at one manager, or None."""
    state = request.app[STATE]
    session_id = request.cookies.get(cookie_name(request, place))
    session = state.sessions.find(session_id, state.now()) if session_id else None
    return session if session is not None and session.place == place.key else None


def upstream_of(request: web.Request, session: Session) -> Upstream:
    """Return the way to the manager that a session is of: its secret goes nowhere else."""
    place = place_of(request)
    if place.key != session.place:
        raise RuntimeError("a session is used for a manager that it is not of")
    return place.upstream


async def show_login(request: web.Request) -> web.Response:
    """Redeem a one-time link, or show the form."""
    code, next_path = request.query.get("once"), _safe_path(request.query.get("next", "/"))
    if code is not None:
        return _redeem(request, code)
    places = request.app[STATE].places
    place = places.get(request.query.get("cluster", "")) or place_of(request)
    if session_at(request, place) is not None:
        response = web.Response(status=303, headers={"Location": next_path})
        choose(request, response, place)
        return response
    if places.are_many:
        await places.look(request.app[STATE].now())
    return _form(request, 200, next_path, place=place)


def _redeem(request: web.Request, code: str) -> web.Response:
    state, next_path = request.app[STATE], _safe_path(request.query.get("next", "/"))
    if not state.links.redeem(code, state.now()) or state.token is None:
        if session_at(request, state.places.default) is not None:
            raise web.HTTPSeeOther(next_path)  # the link was used in this very browser
        return _form(request, 403, "/", "This login link was used already or is older than 10 minutes.")
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        # A redirect would still count as cross-site, and the browser would hold the Strict cookie back.
        response = web.Response(text=_SIGNED_IN, content_type="text/html")
    else:
        response = web.Response(status=303, headers={"Location": next_path})
    _sign_in(request, response, state.places.default, state.token, MACHINE)
    return response


async def do_login(request: web.Request) -> web.Response:
    """Have the manager check what the form holds."""
    state = request.app[STATE]
    try:
        form = await request.post()
    except (LookupError, ValueError):  # an unknown charset, or text that is not in it
        return _form(request, 400, "/", "The form could not be read.")
    token, next_path = str(form.get("token", "")).strip(), _safe_path(str(form.get("next", "/")))
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    key = str(form.get("cluster", ""))
    place = state.places.get(key) if key else place_of(request)
    if place is None:
        return _form(request, 409, next_path, GONE, name)
    # By manager, too: who is known at one must not be able to wipe out tries at another.
    address = f"{request.remote or ''} {place.key}"
    wait_s = state.failures.retry_after(address, state.now())
    if wait_s > 0:
        return _wait(request, next_path, wait_s, place=place)
    state.failures.count(address, state.now())  # before the check, so that parallel guesses count as well
    try:
        if token or not name:
            found: Found = await _by_token(request, place, token)
        else:
            found = await _by_password(request, place, name[:MAX_NAME], password[:MAX_TOKEN])
    except ManagerUnreachable as error:
        state.failures.take_back(address)
        away = f"Nobody can be signed in now: {error}. Start the manager, then try again."
        return _form(request, 503, next_path, away, name, place)
    if isinstance(found, str):
        return _form(request, 403, next_path, found, name, place)
    if isinstance(found, float):
        return _wait(request, next_path, found, name, place)
    state.failures.forgive(address)
    signed_in = web.Response(status=303, headers={"Location": next_path})
    _sign_in(request, signed_in, place, *found)
    return signed_in


async def _by_token(request: web.Request, place: Place, token: str) -> Found:
    """Ask the manager; while it is away the token the dashboard was started with is good, at its own manager alone."""
    state = request.app[STATE]
    if not 0 < len(token) <= MAX_TOKEN or not token.isascii() or not token.isprintable():
        return UNKNOWN_TOKEN if token else NOTHING_GIVEN
    is_ours = state.token is not None and is_same_secret(token, state.token)
    if is_ours and not place.is_own:
        return OTHERS_TOKEN
    try:
        who = await place.upstream.who(token)
    except ManagerUnreachable:
        if is_ours:
            return token, MACHINE
        raise
    return UNKNOWN_TOKEN if who is None else (token, who)


async def _by_password(request: web.Request, place: Place, name: str, password: str) -> Found:
    """Have the manager begin a session."""
    body = msgspec.json.encode({"name": _text(name), "password": _text(password)})
    program = request.headers.get("User-Agent", "")
    headers = {"Content-Type": "application/json", **told_of(request, place)}
    if program.isascii() and program.isprintable():
        headers["User-Agent"] = program[:MAX_NAME]
    status, answer = await place.upstream.ask("POST", "/api/login", "none", headers, body)
    if status == 200:
        begun = decoded(answer, _Begun)
        return begun.secret, Who(begun.name, begun.role, "session")
    if status == 429:
        return WAIT_S
    if status in (400, 401, 403, 404, 422):
        return WRONG_PASSWORD
    raise ManagerUnreachable(await place.upstream.url(), f"answered {status} to a sign-in")


def told_of(request: web.Request, place: Place | None = None) -> dict[str, str]:
    """Return what tells a manager from where a browser calls, and that it may believe it.

    The proof is made with the dashboard's own token: other managers than its own get none.
    """
    token, address = request.app[STATE].token, request.remote
    if not token or not address or not (place or place_of(request)).is_own:
        return {}
    return {ADDRESS_HEADER: address, PROOF_HEADER: address_proof(token, address)}


async def do_logout(request: web.Request) -> web.Response:
    """End the session, at the manager too."""
    session = find_session(request)
    if session is not None and session.who.how == "session":
        with contextlib.suppress(ManagerUnreachable):  # it ends there by itself when it lies idle
            await upstream_of(request, session).ask("POST", "/api/logout", session.token, told_of(request))
    return end_session(request, web.Response(status=204))


def end_session(request: web.Request, response: web.Response) -> web.Response:
    """Forget the session of a request at its manager, and have the browser forget it with this response."""
    name = cookie_name(request, place_of(request))
    request.app[STATE].sessions.close(request.cookies.get(name, ""))
    response.del_cookie(name, path="/", httponly=True, samesite="Strict", secure=request.app[STATE].settings.is_secure)
    return response


async def show_session(request: web.Request) -> web.Response:
    """Tell the page who it is, and the token its unsafe requests must carry."""
    session = find_session(request)
    if session is None:
        return problem(401, "not-signed-in", "sign in first")
    who = session.who
    told = {"csrf": session.csrf, "name": who.name, "role": who.role, "how": who.how, "cluster": session.place}
    return web.json_response(told)


def login_redirect(request: web.Request) -> web.HTTPSeeOther:
    """Return the way to the form and back here."""
    return web.HTTPSeeOther(f"/login?next={quote(request.path, safe='/')}")


def _sign_in(request: web.Request, response: web.Response, place: Place, token: str, who: Who) -> None:
    state, cookie = request.app[STATE], cookie_name(request, place)
    old = request.cookies.get(cookie)
    if old:
        state.sessions.close(old)
    choose(request, response, place)
    response.set_cookie(
        cookie,
        state.sessions.open(token, state.now(), who, place.key),
        max_age=round(SESSION_LIFE_S),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=state.settings.is_secure,
    )


def _wait(
    request: web.Request, next_path: str, wait_s: float, name: str = "", place: Place | None = None
) -> web.Response:
    minutes = max(1, round(wait_s / 60))
    response = _form(request, 429, next_path, f"Too many wrong tries. Try again in {minutes} min.", name, place)
    response.headers["Retry-After"] = str(round(wait_s) or 1)
    return response


def _form(
    request: web.Request, status: int, next_path: str, message: str = "", name: str = "", place: Place | None = None
) -> web.Response:
    choices = _choices(request, place or place_of(request))
    page = login_page(next_path, message, name, is_wrong=status == 403, choices=choices)
    # Browsers send "Origin: null" with forms under no-referrer; same-origin keeps the check of it possible.
    return web.Response(status=status, text=page, content_type="text/html", headers={"Referrer-Policy": "same-origin"})


def _choices(request: web.Request, chosen: Place) -> list[Choice]:
    """Return the managers one can sign in at, one a cluster; none where there is but one."""
    places = list(request.app[STATE].places)
    if len(places) < 2:
        return []
    choices = []
    for members in grouped(places, [chosen.key] if chosen.is_there else []):
        first = members[0]
        is_chosen = chosen in members
        choices.append(Choice(first.key, first.title, first.address, first.is_there, first.is_found, is_chosen))
    return choices


def _text(text: str) -> str:
    """Return text that can be written as JSON: bytes of a form that are no UTF-8 come in as lone surrogates."""
    return text.encode(errors="replace").decode()


def _safe_path(path: str) -> str:
    """Return a path of this dashboard: never another site's."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"
