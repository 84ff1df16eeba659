"""Pages of public tasks, passed on to who is not signed in; everything else asks to sign in."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.unit.manager.served import Served, serve


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path / "manager") as served:
        yield served


@pytest.fixture
async def guest(real: Served, static_dir: Path, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who is not signed in."""
    app = DashboardApp(Settings(data_dir=str(tmp_path / "data"), manager=real.url, port=0), static_dir)
    (tmp_path / "data").mkdir()
    url = await app.start()
    async with aiohttp.ClientSession(url) as http:
        yield http
    await app.stop()


async def test_a_guest_sees_public_tasks_alone(real: Served, guest: aiohttp.ClientSession) -> None:
    public, private = await real.create(public=True, name="for all"), await real.create()
    async with guest.get(f"/tasks/{public['id']}") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html") and "for all" in await answer.text()
        policy = answer.headers.getall("Content-Security-Policy")
        assert len(policy) == 1 and policy[0].startswith("default-src 'none'; style-src 'sha256-")
    async with guest.get(f"/tasks/{public['id']}/progress.json") as answer:
        assert (await answer.json())["name"] == "for all"
    places = [f"/tasks/{private['id']}", "/tasks/none", f"/tasks/{public['id']}/results", "/tasks/new", "/tasks", "/"]
    for place in places:
        async with guest.get(place, allow_redirects=False) as answer:
            assert answer.status in (302, 303) and answer.headers["Location"].startswith("/login"), place
    async with guest.get(f"/api/tasks/{public['id']}") as answer:
        assert answer.status == 401


async def test_everybody_gets_the_status_page_where_there_is_one(static_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with serve(tmp_path / "manager", public_status=True) as manager:
        public = await manager.create(public=True, name="for all")
        token = tmp_path / "manager/admin.token"
        settings = Settings(data_dir=str(tmp_path / "data"), manager=manager.url, port=0, token_file=str(token))
        app = DashboardApp(settings, static_dir)
        async with aiohttp.ClientSession(await app.start(), cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            for visitor in ("a guest", "signed in"):
                async with http.get("/status") as answer:
                    assert "for all" in await answer.text() and answer.status == 200, visitor
                    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'"), visitor
                async with http.get("/status.json") as answer:
                    assert [task["name"] for task in (await answer.json())["tasks"]] == ["for all"], visitor
                async with http.get(f"/tasks/{public['id']}?public") as answer:
                    assert "for all" in await answer.text(), visitor
                await (await http.get(app.login_link())).read()
        await app.stop()


async def test_without_a_status_page_its_numbers_are_not_there(real: Served, guest: aiohttp.ClientSession) -> None:
    async with guest.get("/status.json", allow_redirects=False) as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
    async with guest.get("/status", allow_redirects=False) as answer:
        assert answer.headers["Location"].startswith("/login")


async def test_a_page_without_a_strict_policy_is_not_passed_on(static_dir: Path, tmp_path: Path) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<script>alert(1)</script>", content_type="text/html")

    liar = web.Application()
    liar.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(liar)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    manager = f"http://127.0.0.1:{runner.addresses[0][1]}"
    app = DashboardApp(Settings(data_dir=str(tmp_path), manager=manager, port=0), static_dir)
    try:
        async with aiohttp.ClientSession(await app.start()) as http:
            async with http.get("/tasks/abc", allow_redirects=False) as answer:
                assert answer.headers["Location"].startswith("/login")
            await runner.cleanup()  # a manager that is away is no error either
            async with http.get("/tasks/abc", allow_redirects=False) as answer:
                assert answer.headers["Location"].startswith("/login")
    finally:
        await app.stop()
        await runner.cleanup()
