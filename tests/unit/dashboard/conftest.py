"""A dashboard before a stand-in manager, and HTTP clients of it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.unit.dashboard.standin_manager import TOKEN, StandinManager, standin_manager


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    """Pages so small that they need no build."""
    directory = tmp_path / "static"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text("<title>the page</title>")
    (directory / "login.css").write_text("body{}")
    (directory / "icon.svg").write_text("<svg/>")
    (directory / "assets" / "app-1.js").write_text("run()")
    return directory


@pytest.fixture
async def manager() -> AsyncIterator[StandinManager]:
    async with standin_manager() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, manager: StandinManager) -> Settings:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "admin.token").write_text(TOKEN)
    return Settings(data_dir=str(data_dir), manager=manager.url, port=0)


@pytest.fixture
async def dashboard(settings: Settings, static_dir: Path) -> AsyncIterator[DashboardApp]:
    app = DashboardApp(settings, static_dir)
    await app.start()
    yield app
    await app.stop()


@pytest.fixture
def url(dashboard: DashboardApp) -> str:
    return dashboard.login_link().rpartition("/login")[0]


@pytest.fixture
async def browser_of() -> AsyncIterator[Callable[[], aiohttp.ClientSession]]:
    """Make HTTP clients with a cookie jar that takes cookies of IP addresses."""
    sessions: list[aiohttp.ClientSession] = []

    def make() -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=10)
        sessions.append(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout))
        return sessions[-1]

    yield make
    for session in sessions:
        await session.close()


@pytest.fixture
async def visitor(browser_of: Callable[[], aiohttp.ClientSession]) -> aiohttp.ClientSession:
    """Somebody who is not signed in."""
    return browser_of()


@pytest.fixture
async def member(dashboard: DashboardApp, browser_of: Callable[[], aiohttp.ClientSession]) -> aiohttp.ClientSession:
    """Somebody who signed in by the one-time link."""
    session = browser_of()
    async with session.get(dashboard.login_link()) as response:
        assert response.status == 200
    return session
