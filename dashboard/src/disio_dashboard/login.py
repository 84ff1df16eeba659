"""Signing in and out: the one-time link, and a form for the admin token.

Rule: works without JavaScript; a wrong token costs one of five tries in 15 minutes per address, whoever sends it.
"""

from html import escape
from urllib.parse import quote, urlsplit

from aiohttp import web

from disio_dashboard.problems import problem
from disio_dashboard.sessions import SESSION_LIFE_S, Session, is_same_secret
from disio_dashboard.state import STATE
from disio_shared.errors import ManagerUnreachable

MAX_TOKEN = 500
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · disio</title>
<link rel="stylesheet" href="/login.css">
</head>
<body>
<main>
<h1>disio</h1>
{message}
<form method="post" action="/login">
<input type="hidden" name="next" value="{next}">
<label for="token">Admin token</label>
<input id="token" name="token" type="password" autocomplete="current-password"
 maxlength="500" required autofocus{error}>
<p class="hint">It lies in <code>admin.token</code> in the manager's data directory.
A restart of the dashboard prints a one-time login link, too.</p>
<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"""
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
    _sign_in(request, response, state.token)
    return response


async def do_login(request: web.Request) -> web.Response:
    """Check the token of the form with the manager."""
    state = request.app[STATE]
    try:
        form = await request.post()
    except (LookupError, ValueError):  # an unknown charset, or text that is not in it
        return _form(400, "/", "The form could not be read.")
    token, next_path = str(form.get("token", "")).strip(), _safe_path(str(form.get("next", "/")))
    address = request.remote or ""
    wait_s = state.failures.retry_after(address, state.now())
    if wait_s > 0:
        response = _form(429, next_path, f"Too many wrong tokens. Try again in {round(wait_s / 60) or 1} min.")
        response.headers["Retry-After"] = str(round(wait_s) or 1)
        return response
    state.failures.count(address, state.now())  # before the check, so that parallel guesses count as well
    try:
        is_good = await _is_good(request, token)
    except ManagerUnreachable as error:
        state.failures.take_back(address)
        return _form(503, next_path, f"The token cannot be checked: {error}. Start the manager, then try again.")
    if not is_good:
        return _form(403, next_path, "The manager does not know this token.")
    state.failures.forgive(address)
    signed_in = web.Response(status=303, headers={"Location": next_path})
    _sign_in(request, signed_in, token)
    return signed_in


async def _is_good(request: web.Request, token: str) -> bool:
    """Ask the manager; while it is away the token the dashboard was started with is good."""
    state = request.app[STATE]
    if not 0 < len(token) <= MAX_TOKEN or not token.isascii() or not token.isprintable():
        return False
    try:
        return await state.upstream.knows(token)
    except ManagerUnreachable:
        if state.token is not None and is_same_secret(token, state.token):
            return True
        raise


async def do_logout(request: web.Request) -> web.Response:
    """End the session."""
    request.app[STATE].sessions.close(request.cookies.get(cookie_name(request), ""))
    response = web.Response(status=204)
    response.del_cookie(
        cookie_name(request), path="/", httponly=True, samesite="Strict", secure=request.app[STATE].settings.is_secure
    )
    return response


async def show_session(request: web.Request) -> web.Response:
    """Tell the page who it is, and the token its unsafe requests must carry."""
    session = find_session(request)
    if session is None:
        return problem(401, "not-signed-in", "sign in first")
    return web.json_response({"csrf": session.csrf, "role": "admin"})


def login_redirect(request: web.Request) -> web.HTTPSeeOther:
    """Return the way to the form and back here."""
    return web.HTTPSeeOther(f"/login?next={quote(request.path, safe='/')}")


def _sign_in(request: web.Request, response: web.Response, token: str) -> None:
    state = request.app[STATE]
    old = request.cookies.get(cookie_name(request))
    if old:
        state.sessions.close(old)
    response.set_cookie(
        cookie_name(request),
        state.sessions.open(token, state.now()),
        max_age=round(SESSION_LIFE_S),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=state.settings.is_secure,
    )


def _form(status: int, next_path: str, message: str = "") -> web.Response:
    shown = f'<p class="error" id="error" role="alert">{escape(message)}</p>' if message else ""
    described = ' aria-describedby="error" aria-invalid="true"' if status == 403 else ""
    page = _PAGE.format(message=shown, next=escape(next_path, quote=True), error=described)
    # Browsers send "Origin: null" with forms under no-referrer; same-origin keeps the check of it possible.
    return web.Response(status=status, text=page, content_type="text/html", headers={"Referrer-Policy": "same-origin"})


def _safe_path(path: str) -> str:
    """Return a path of this dashboard: never another site's."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"
