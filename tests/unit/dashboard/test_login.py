"""Signing in and out, over real HTTP."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.unit.dashboard.standin_manager import TOKEN, StandinManager


async def post_token(
    session: aiohttp.ClientSession, url: str, token: str, next_path: str = "/"
) -> aiohttp.ClientResponse:
    form = {"token": token, "next": next_path}
    async with session.post(f"{url}/login", data=form, allow_redirects=False) as response:
        await response.read()
        return response


async def test_pages_send_visitors_to_the_form_and_back(visitor: aiohttp.ClientSession, url: str) -> None:
    async with visitor.get(f"{url}/tasks/abc", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/login?next=/tasks/abc")
    async with visitor.get(f"{url}/login?next=/tasks/abc") as response:
        assert 'value="/tasks/abc"' in await response.text()
    assert (await post_token(visitor, url, TOKEN, "/tasks/abc")).headers["Location"] == "/tasks/abc"


async def test_a_one_time_link_signs_in_once(
    dashboard: DashboardApp, browser_of: Callable[[], aiohttp.ClientSession]
) -> None:
    link = dashboard.login_link()
    async with browser_of().get(link) as response:
        assert "the page" in await response.text()
    async with browser_of().get(link) as response:
        assert response.status == 403
        assert "used already" in await response.text()


async def test_a_one_time_link_leads_to_a_page_of_the_dashboard(
    dashboard: DashboardApp, visitor: aiohttp.ClientSession
) -> None:
    link = f"{dashboard.login_link()}&next=/tasks/abc%3Fview%3Dimage"
    for _ in range(2):  # the second time it is used up, and nobody needs it
        async with visitor.get(link, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/tasks/abc?view=image")
    async with visitor.get(f"{dashboard.login_link()}&next=//evil.example", allow_redirects=False) as response:
        assert response.headers["Location"] == "/"


async def test_a_link_from_another_site_signs_in_without_a_redirect(
    dashboard: DashboardApp, visitor: aiohttp.ClientSession
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    async with visitor.get(dashboard.login_link(), headers=headers, allow_redirects=False) as response:
        assert response.status == 200 and 'http-equiv="refresh"' in await response.text()


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(visitor: aiohttp.ClientSession, url: str) -> None:
    response = await post_token(visitor, url, TOKEN)
    cookie = response.headers["Set-Cookie"]
    port = url.rpartition(":")[2]
    assert cookie.startswith(f"disio-{port}=")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"))
    assert "Secure" not in cookie and "Domain" not in cookie


async def test_https_makes_the_cookie_secure_and_bound_to_its_host(
    settings: Settings, static_dir: Path, visitor: aiohttp.ClientSession
) -> None:
    app = DashboardApp(msgspec.structs.replace(settings, public_url="https://disio.example"), static_dir)
    await app.start()
    try:
        port = app._runner.addresses[0][1] if app._runner else 0
        response = await post_token(visitor, f"http://127.0.0.1:{port}", TOKEN)
        assert response.headers["Set-Cookie"].startswith("__Host-disio=")
        assert "Secure" in response.headers["Set-Cookie"]
        assert app.login_link().startswith("https://disio.example/login?once=")
    finally:
        await app.stop()


async def test_a_wrong_token_is_refused_in_words(visitor: aiohttp.ClientSession, url: str) -> None:
    async with visitor.post(f"{url}/login", data={"token": "wrong"}) as response:
        assert response.status == 403
        assert "does not know this token" in await response.text()
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("token", ["", "x" * 501, "tokén", "a\r\nb: c"])
async def test_a_token_that_cannot_be_one_is_not_sent_to_the_manager(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager, token: str
) -> None:
    assert (await post_token(visitor, url, token)).status == 403
    assert manager.requests == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded; charset=nonsense", b"token=a"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=\xff"),
        ("multipart/form-data", b"no boundary"),
        ("application/json", b"{}"),
    ],
)
async def test_a_form_that_cannot_be_read_is_the_senders_fault(
    visitor: aiohttp.ClientSession, url: str, kind: str, body: bytes
) -> None:
    async with visitor.post(f"{url}/login", data=body, headers={"Content-Type": kind}) as response:
        assert 400 <= response.status < 500


async def test_five_wrong_tokens_lock_even_the_right_one_out(visitor: aiohttp.ClientSession, url: str) -> None:
    for _ in range(5):
        assert (await post_token(visitor, url, "wrong")).status == 403
    response = await post_token(visitor, url, TOKEN)
    assert response.status == 429
    assert 0 < int(response.headers["Retry-After"]) <= 900


async def test_guesses_sent_at_once_count_as_well(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    answers = await asyncio.gather(*(post_token(visitor, url, f"wrong-{n}") for n in range(20)))
    assert sorted(answer.status for answer in answers) == [403] * 5 + [429] * 15
    assert len(manager.requests) == 5


async def test_while_the_manager_is_away_only_its_known_token_signs_in(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    await manager.stop()
    for _ in range(6):
        assert (await post_token(visitor, url, "other")).status == 503
    assert (await post_token(visitor, url, TOKEN)).status == 303


async def test_without_a_token_of_its_own_sessions_use_the_one_typed(
    settings: Settings, static_dir: Path, visitor: aiohttp.ClientSession
) -> None:
    Path(settings.data_dir or "", "admin.token").unlink()
    app = DashboardApp(settings, static_dir)
    url = await app.start()
    try:
        assert app.login_link() == f"{url}/login"
        assert (await post_token(visitor, url, TOKEN)).status == 303
        async with visitor.get(f"{url}/api/me") as response:
            assert await response.json() == {"role": "admin"}
    finally:
        await app.stop()


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb"])
async def test_signing_in_never_leads_to_another_site(visitor: aiohttp.ClientSession, url: str, path: str) -> None:
    assert (await post_token(visitor, url, TOKEN, path)).headers["Location"] == "/"


async def test_the_form_escapes_where_it_leads(visitor: aiohttp.ClientSession, url: str) -> None:
    async with visitor.get(f"{url}/login", params={"next": '/"><script>'}) as response:
        assert "<script>" not in await response.text()


async def test_signing_out_ends_the_session_on_the_server(member: aiohttp.ClientSession, url: str) -> None:
    async with member.get(f"{url}/session") as response:
        csrf = (await response.json())["csrf"]
    stolen = {cookie.key: cookie.value for cookie in member.cookie_jar}
    async with member.post(f"{url}/logout") as response:
        assert response.status == 403
    async with member.post(f"{url}/logout", headers={"X-Disio-Csrf": csrf}) as response:
        assert response.status == 204
    async with member.get(f"{url}/session", cookies=stolen) as response:
        assert response.status == 401


async def post_password(session: aiohttp.ClientSession, url: str, name: str, password: str) -> aiohttp.ClientResponse:
    form = {"name": name, "password": password, "token": "", "next": "/settings"}
    async with session.post(f"{url}/login", data=form, allow_redirects=False) as response:
        await response.read()
        return response


async def test_name_and_password_are_the_manager_s_to_check(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    manager.people["ada"] = "correct horse battery"
    assert (await post_password(visitor, url, "ada", "wrong password")).status == 403
    response = await post_password(visitor, url, "ada", "correct horse battery")
    assert (response.status, response.headers["Location"]) == (303, "/settings")
    async with visitor.get(f"{url}/session") as answer:
        told = await answer.json()
    assert (told["name"], told["role"], told["how"]) == ("ada", "researcher", "session")
    asked = [request for request in manager.requests if request.path == "/api/login"]
    assert all(request.headers["X-Disio-Address"] == "127.0.0.1" for request in asked)
    assert TOKEN not in str([dict(request.headers) for request in asked]), "the manager's token is not shown"


async def test_the_session_s_secret_never_reaches_a_browser(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    manager.people["ada"] = "correct horse battery"
    await post_password(visitor, url, "ada", "correct horse battery")
    async with visitor.get(f"{url}/session") as answer:
        text = await answer.text()
        csrf = (await answer.json())["csrf"]
    assert manager.secrets and not any(secret in text for secret in manager.secrets)
    for path in ("/api/login", "/api/logout", "/api/login/"):
        body = {"name": "ada", "password": "correct horse battery"}
        async with visitor.post(f"{url}{path}", json=body, headers={"X-Disio-Csrf": csrf}) as answer:
            assert answer.status == 404 and "secret" not in await answer.text()


async def test_a_session_that_ended_at_the_manager_ends_here(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    manager.people["ada"] = "correct horse battery"
    await post_password(visitor, url, "ada", "correct horse battery")
    async with visitor.get(f"{url}/api/me") as answer:
        assert answer.status == 200
    manager.secrets.clear()
    async with visitor.get(f"{url}/api/me") as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, "signed-out")
        assert "Max-Age=0" in answer.headers["Set-Cookie"]
    async with visitor.get(f"{url}/tasks", allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/login?next=/tasks"


async def test_signing_out_ends_the_session_at_the_manager_too(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    manager.people["ada"] = "correct horse battery"
    await post_password(visitor, url, "ada", "correct horse battery")
    async with visitor.get(f"{url}/session") as answer:
        csrf = (await answer.json())["csrf"]
    async with visitor.post(f"{url}/logout", headers={"X-Disio-Csrf": csrf}) as answer:
        assert answer.status == 204
    assert manager.secrets == {}


async def test_a_manager_that_makes_wait_is_told_so(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    manager.people["ada"] = "wait"
    response = await post_password(visitor, url, "ada", "wait")
    assert (response.status, response.headers["Retry-After"]) == (429, "60")


@pytest.mark.parametrize("form", [{"name": "ada"}, {"name": "\udcff", "password": "x"}, {"password": "x"}, {}])
async def test_forms_that_lack_a_part_sign_nobody_in(
    visitor: aiohttp.ClientSession, url: str, form: dict[str, str]
) -> None:
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode(errors="surrogateescape")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with visitor.post(f"{url}/login", data=body, headers=headers) as answer:
        assert 400 <= answer.status < 500 and "Set-Cookie" not in answer.headers


async def test_the_form_escapes_the_name_and_forgets_the_password(visitor: aiohttp.ClientSession, url: str) -> None:
    form = {"name": '"><script>', "password": "my own secret"}
    async with visitor.post(f"{url}/login", data=form) as answer:
        text = await answer.text()
    assert "<script>" not in text and "my own secret" not in text and "&quot;&gt;" in text
