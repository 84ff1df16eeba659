"""Signing in and out: the one-time link, and a form for name and password, or a token.

Rule: works without JavaScript; what is wrong costs one of five tries in 15 minutes per address, whoever sends it. The
manager's secret for a session stays here.
"""

import contextlib
from urllib.parse import quote, urlsplit

import msgspec
from aiohttp import web

from disio_dashboard.login_page import login_page
from disio_dashboard.problems import problem
from disio_dashboard.sessions import MACHINE, SESSION_LIFE_S, Session, Who, is_same_secret
from disio_dashboard.state import STATE
from disio_dashboard.upstream import decoded
from disio_shared.errors import ManagerUnreachable
from disio_shared.vouching import ADDRESS_HEADER, PROOF_HEADER, address_proof

MAX_NAME, MAX_TOKEN = 200, 500
WAIT_S = 60.0
"""As long as a manager has anybody wait, at most."""
NOTHING_GIVEN = "Type name and password, or a token."
UNKNOWN_TOKEN = "The manager does not know this token."
WRONG_PASSWORD = "Name or password is wrong."
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
    """Return the session whose cookie came with a request, or None."""
    state = request.app[STATE]
    session_id = request.cookies.get(cookie_name(request))
    return state.sessions.find(session_id, state.now()) if session_id else None


def cookie_name(request: web.Request) -> str:
    """Return the cookie's name: browsers share cookies between the ports of a host, so it carries the port."""
    if request.app[STATE].settings.is_secure:
        return "__Host-disio"
    return f"disio-{urlsplit(f'//{request.host}').port or 80}"


async def show_login(request: web.Request) -> web.Response:
    """Redeem a one-time link, or show the form."""
    code = request.query.get("once")
    if code is None:
        if find_session(request) is not None:
            raise web.HTTPSeeOther(_safe_path(request.query.get("next", "/")))
        return _form(200, _safe_path(request.query.get("next", "/")))
    return _redeem(request, code)


def _redeem(request: web.Request, code: str) -> web.Response:
    state = request.app[STATE]
    if not state.links.redeem(code, state.now()) or state.token is None:
        return _form(403, "/", "This login link was used already or is older than 10 minutes.")
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        # A redirect would still count as cross-site, and the browser would hold the Strict cookie back.
        response = web.Response(text=_SIGNED_IN, content_type="text/html")
    else:
        response = web.Response(status=303, headers={"Location": "/"})
    _sign_in(request, response, state.token, MACHINE)
    return response


async def do_login(request: web.Request) -> web.Response:
    """Have the manager check what the form holds."""
    state = request.app[STATE]
    try:
        form = await request.post()
    except (LookupError, ValueError):  # an unknown charset, or text that is not in it
        return _form(400, "/", "The form could not be read.")
    token, next_path = str(form.get("token", "")).strip(), _safe_path(str(form.get("next", "/")))
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    address = request.remote or ""
    wait_s = state.failures.retry_after(address, state.now())
    if wait_s > 0:
        return _wait(next_path, wait_s)
    state.failures.count(address, state.now())  # before the check, so that parallel guesses count as well
    try:
        if token or not name:
            found: Found = await _by_token(request, token)
        else:
            found = await _by_password(request, name[:MAX_NAME], password[:MAX_TOKEN])
    except ManagerUnreachable as error:
        state.failures.take_back(address)
        return _form(503, next_path, f"Nobody can be signed in now: {error}. Start the manager, then try again.", name)
    if isinstance(found, str):
        return _form(403, next_path, found, name)
    if isinstance(found, float):
        return _wait(next_path, found, name)
    state.failures.forgive(address)
    signed_in = web.Response(status=303, headers={"Location": next_path})
    _sign_in(request, signed_in, *found)
    return signed_in


async def _by_token(request: web.Request, token: str) -> Found:
    """Ask the manager; while it is away the token the dashboard was started with is good."""
    state = request.app[STATE]
    if not 0 < len(token) <= MAX_TOKEN or not token.isascii() or not token.isprintable():
        return UNKNOWN_TOKEN if token else NOTHING_GIVEN
    try:
        who = await state.upstream.who(token)
    except ManagerUnreachable:
        if state.token is not None and is_same_secret(token, state.token):
            return token, MACHINE
        raise
    return UNKNOWN_TOKEN if who is None else (token, who)


async def _by_password(request: web.Request, name: str, password: str) -> Found:
    """Have the manager begin a session."""
    body = msgspec.json.encode({"name": _text(name), "password": _text(password)})
    program = request.headers.get("User-Agent", "")
    headers = {"Content-Type": "application/json", **told_of(request)}
    if program.isascii() and program.isprintable():
        headers["User-Agent"] = program[:MAX_NAME]
    status, answer = await request.app[STATE].upstream.ask("POST", "/api/login", "none", headers, body)
    if status == 200:
        begun = decoded(answer, _Begun)
        return begun.secret, Who(begun.name, begun.role, "session")
    if status == 429:
        return WAIT_S
    if status in (400, 401, 403, 404, 422):
        return WRONG_PASSWORD
    raise ManagerUnreachable(await request.app[STATE].upstream.url(), f"answered {status} to a sign-in")


def told_of(request: web.Request) -> dict[str, str]:
    """Return what tells the manager from where a browser calls, and that it may believe it."""
    token, address = request.app[STATE].token, request.remote
    return {ADDRESS_HEADER: address, PROOF_HEADER: address_proof(token, address)} if token and address else {}


async def do_logout(request: web.Request) -> web.Response:
    """End the session, at the manager too."""
    session = find_session(request)
    if session is not None and session.who.how == "session":
        with contextlib.suppress(ManagerUnreachable):  # it ends there by itself when it lies idle
            await request.app[STATE].upstream.ask("POST", "/api/logout", session.token, told_of(request))
    return end_session(request, web.Response(status=204))


def end_session(request: web.Request, response: web.Response) -> web.Response:
    """Forget the session of a request, and have the browser forget it with this response."""
    request.app[STATE].sessions.close(request.cookies.get(cookie_name(request), ""))
    response.del_cookie(
        cookie_name(request), path="/", httponly=True, samesite="Strict", secure=request.app[STATE].settings.is_secure
    )
    return response


async def show_session(request: web.Request) -> web.Response:
    """Tell the page who it is, and the token its unsafe requests must carry."""
    session = find_session(request)
    if session is None:
        return problem(401, "not-signed-in", "sign in first")
    who = session.who
    return web.json_response({"csrf": session.csrf, "name": who.name, "role": who.role, "how": who.how})


def login_redirect(request: web.Request) -> web.HTTPSeeOther:
    """Return the way to the form and back here."""
    return web.HTTPSeeOther(f"/login?next={quote(request.path, safe='/')}")


def _sign_in(request: web.Request, response: web.Response, token: str, who: Who) -> None:
    state = request.app[STATE]
    old = request.cookies.get(cookie_name(request))
    if old:
        state.sessions.close(old)
    response.set_cookie(
        cookie_name(request),
        state.sessions.open(token, state.now(), who),
        max_age=round(SESSION_LIFE_S),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=state.settings.is_secure,
    )


def _wait(next_path: str, wait_s: float, name: str = "") -> web.Response:
    minutes = max(1, round(wait_s / 60))
    response = _form(429, next_path, f"Too many wrong tries. Try again in {minutes} min.", name)
    response.headers["Retry-After"] = str(round(wait_s) or 1)
    return response


def _form(status: int, next_path: str, message: str = "", name: str = "") -> web.Response:
    page = login_page(next_path, message, name, is_wrong=status == 403)
    # Browsers send "Origin: null" with forms under no-referrer; same-origin keeps the check of it possible.
    return web.Response(status=status, text=page, content_type="text/html", headers={"Referrer-Policy": "same-origin"})


def _text(text: str) -> str:
    """Return text that can be written as JSON: bytes of a form that are no UTF-8 come in as lone surrogates."""
    return text.encode(errors="replace").decode()


def _safe_path(path: str) -> str:
    """Return a path of this dashboard: never another site's."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"
