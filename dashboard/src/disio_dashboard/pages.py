"""The built web pages, and the manager's public ones.

Rule: every path that is not a file's is answered with the one page (its own router reads the path), for signed-in
browsers only; files with a hash in their name are kept for ever by browsers.
"""

import asyncio
import re
from pathlib import Path

import aiohttp
from aiohttp import web

from disio_dashboard.files import FileAnswer
from disio_dashboard.login import find_session, login_redirect
from disio_dashboard.problems import problem
from disio_dashboard.state import STATE
from disio_shared.errors import ConfigError, ManagerUnreachable

STATIC_DIR = Path(__file__).parent / "static"
PUBLIC = re.compile(r"/tasks/[A-Za-z0-9_-]{1,64}(/progress\.json)?|/status(\.json)?")
FOR_ALL = re.compile(r"/status(\.json)?")
"""Of those, what is the same page for who is signed in."""
PUBLIC_S = 5.0
MAX_PUBLIC = 4 << 20
"""Bytes of a public task's page."""
FOREVER = "public, max-age=31536000, immutable"


def check_built(static_dir: Path) -> None:
    """Make sure that the bundle is there.

    Raises:
        ConfigError: It is not.
    """
    if not (static_dir / "index.html").is_file():
        raise ConfigError("dashboard", f"no web pages in {static_dir}", "run `make web`")


async def show_page(request: web.Request) -> web.StreamResponse:
    """Answer with the page; to who is not signed in, or asks for it with ``?public``, with that of a public task."""
    is_guest = find_session(request) is None
    if is_guest or FOR_ALL.fullmatch(request.path) or {"public", "renew"} & set(request.query):
        public = await _public(request)
        if public is not None:
            return public
        if request.path.endswith("/status.json"):
            return problem(404, "not-found", "the manager shows no public status page: see --public-status")
    if is_guest:
        raise login_redirect(request)
    return FileAnswer(request.app[STATE].static_dir / "index.html", headers={"Cache-Control": "no-cache"})


async def _public(request: web.Request) -> web.Response | None:
    """Return the manager's page of a public task, or its numbers, if that is what is asked for and there is one."""
    if not PUBLIC.fullmatch(request.path):
        return None
    path = request.path + ("?renew=true" if request.query.get("renew") == "true" else "")
    try:
        async with asyncio.timeout(PUBLIC_S), request.app[STATE].upstream.call("GET", path, "none") as answer:
            media = answer.content_type
            if answer.status != 200 or media not in ("text/html", "application/json"):
                return None
            body = await _read(answer)
            policy = answer.headers.get("Content-Security-Policy", "")
    except (ManagerUnreachable, aiohttp.ClientError, TimeoutError):
        return None
    # The page shows what strangers wrote: it is passed on only under a policy that lets nothing of that run.
    if len(body) > MAX_PUBLIC or (
        media == "text/html" and not policy.startswith("default-src 'none'; style-src 'sha256-")
    ):
        return None
    headers = {"Content-Security-Policy": policy or "default-src 'none'"}
    return web.Response(body=body, content_type=media, charset="utf-8", headers=headers)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Return the whole body, or a little more than ``MAX_PUBLIC`` bytes of it."""
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MAX_PUBLIC:
            break
    return bytes(body)


async def show_asset(request: web.Request) -> web.StreamResponse:
    """Answer with a script or style sheet."""
    name = request.match_info["name"]
    return FileAnswer(request.app[STATE].static_dir / "assets" / name, headers={"Cache-Control": FOREVER})


async def show_login_style(request: web.Request) -> web.StreamResponse:
    """Answer with the sign-in page's style sheet."""
    return FileAnswer(request.app[STATE].static_dir / "login.css", headers={"Cache-Control": "no-cache"})


async def show_icon(request: web.Request) -> web.StreamResponse:
    """Answer with the icon."""
    return FileAnswer(request.app[STATE].static_dir / "icon.svg", headers={"Cache-Control": "max-age=86400"})
