"""The built web pages.

Rule: every path that is not a file's is answered with the one page (its own router reads the path), for signed-in
browsers only; files with a hash in their name are kept for ever by browsers.
"""

from pathlib import Path

from aiohttp import web

from disio_dashboard.login import find_session, login_redirect
from disio_dashboard.state import STATE
from disio_shared.errors import ConfigError

STATIC_DIR = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"


def check_built(static_dir: Path) -> None:
    """Make sure that the bundle is there.

    Raises:
        ConfigError: It is not.
    """
    if not (static_dir / "index.html").is_file():
        raise ConfigError("dashboard", f"no web pages in {static_dir}", "run `make web`")


async def show_page(request: web.Request) -> web.StreamResponse:
    """Answer with the page."""
    if find_session(request) is None:
        raise login_redirect(request)
    return web.FileResponse(request.app[STATE].static_dir / "index.html", headers={"Cache-Control": "no-cache"})


async def show_asset(request: web.Request) -> web.StreamResponse:
    """Answer with a script or style sheet."""
    name = request.match_info["name"]
    return web.FileResponse(request.app[STATE].static_dir / "assets" / name, headers={"Cache-Control": FOREVER})


async def show_login_style(request: web.Request) -> web.StreamResponse:
    """Answer with the sign-in page's style sheet."""
    return web.FileResponse(request.app[STATE].static_dir / "login.css", headers={"Cache-Control": "no-cache"})


async def show_icon(request: web.Request) -> web.StreamResponse:
    """Answer with the icon."""
    return web.FileResponse(request.app[STATE].static_dir / "icon.svg", headers={"Cache-Control": "max-age=86400"})
