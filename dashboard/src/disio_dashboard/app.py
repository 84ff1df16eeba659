"""The dashboard, put together.

Rule: this module alone knows all the others; ``create_app`` builds the HTTP application, ``DashboardApp`` runs one.
"""

from pathlib import Path

from aiohttp import web

from disio_dashboard.clusters import Places
from disio_dashboard.guard import Guard, add_headers, guard_middleware
from disio_dashboard.listing import show_clusters
from disio_dashboard.login import do_login, do_logout, find_session, show_login, show_session
from disio_dashboard.pages import STATIC_DIR, check_built, show_asset, show_icon, show_login_style, show_page
from disio_dashboard.problems import problem
from disio_dashboard.proxy import CSRF_HEADER, proxy
from disio_dashboard.sessions import is_same_secret
from disio_dashboard.settings import Settings, read_token
from disio_dashboard.state import STATE, State
from disio_dashboard.tryout import Tryout
from disio_shared.datadir import DataDir
from disio_shared.errors import ManagerUnreachable
from disio_shared.ports import listen, port_of, url_of

MAX_FORM_BYTES = 16 << 10
SHUTDOWN_S = 2.0


def create_app(settings: Settings, static_dir: Path = STATIC_DIR) -> web.Application:
    """Return the HTTP application.

    Raises:
        ConfigError: The web pages were not built, the data directory is unusable, or a named token file holds none.
    """
    check_built(static_dir)
    data_dir = DataDir(Path(settings.data_dir) if settings.data_dir else None)
    token = read_token(settings.token_file, data_dir.path)
    app = web.Application(middlewares=[guard_middleware(Guard(settings))], client_max_size=MAX_FORM_BYTES)
    app[STATE] = State(settings, token, static_dir, data_dir, Places(settings, data_dir))
    app.on_response_prepare.append(add_headers)
    app.on_startup.append(_open_places)
    app.on_cleanup.append(_close_places)
    Tryout().attach(app)
    app.add_routes(
        [
            web.get("/healthz", _healthz),
            web.get("/readyz", _readyz),
            web.get("/login", show_login),
            web.post("/login", do_login),
            web.post("/logout", _logout),
            web.get("/session", show_session),
            web.get("/clusters", show_clusters),
            web.route("*", "/api/{path:.*}", proxy),
            web.get("/assets/{name:[A-Za-z0-9_.-]+}", show_asset),
            web.get("/login.css", show_login_style),
            web.get("/icon.svg", show_icon),
            web.get("/{path:.*}", show_page),
        ]
    )
    return app


class DashboardApp:
    """One running dashboard."""

    def __init__(self, settings: Settings, static_dir: Path = STATIC_DIR) -> None:
        self._settings, self._static_dir = settings, static_dir
        self._runner: web.AppRunner | None = None
        self._url = ""

    async def start(self) -> str:
        """Serve, and return the URL; a taken port is answered with the next free one.

        Raises:
            ConfigError: The web pages were not built, or the address cannot be bound.
        """
        runner = web.AppRunner(
            create_app(self._settings, self._static_dir),
            access_log=None,
            shutdown_timeout=SHUTDOWN_S,
            handler_cancellation=True,
        )
        await runner.setup()
        self._runner = runner
        try:
            listening = listen(self._settings.host, self._settings.port)
            await web.SockSite(runner, listening).start()
            url = self._settings.public_url or url_of(self._settings.host, port_of(listening))
            self._url = url.rstrip("/")
            runner.app[STATE].data_dir.write_service("dashboard", {"url": self._url})
        except BaseException:
            await self.stop()
            raise
        return self._url

    async def stop(self) -> None:
        """Stop serving; open streams are cut after two seconds."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        runner.app[STATE].data_dir.remove_service("dashboard")
        await runner.cleanup()

    def login_link(self) -> str:
        """Return a fresh one-time login link; without an admin token the sign-in page's address."""
        if self._runner is None:
            raise RuntimeError("start() comes first")
        state = self._runner.app[STATE]
        if state.token is None:
            return f"{self._url}/login"
        return f"{self._url}/login?once={state.links.issue(state.now())}"


async def _open_places(app: web.Application) -> None:
    await app[STATE].places.open()


async def _close_places(app: web.Application) -> None:
    await app[STATE].places.close()


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _readyz(request: web.Request) -> web.Response:
    """Ready = the manager answers, of several the first; which token it would take does not matter."""
    try:
        await request.app[STATE].upstream.who(request.app[STATE].token or "none")
    except ManagerUnreachable as error:
        return problem(error.http_status, error.code, str(error))
    return web.json_response({"status": "ready"})


async def _logout(request: web.Request) -> web.Response:
    session = find_session(request)
    if session is None or not is_same_secret(request.headers.get(CSRF_HEADER, ""), session.csrf):
        return problem(403, "csrf", f"the {CSRF_HEADER} header does not carry this session's token")
    return await do_logout(request)
