"""A page of another origin embeds a real distributor by its pinned tag; what its visitor does is counted and shown."""

import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import BrowserContext, expect

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.browser.conftest import open_consent, press
from tests.browser.test_fleet_actions import call
from tests.integration.env import Env
from tests.waiting import patient, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
UNIT = "export default (n) => n * n"


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Env]:
    made = Env(tmp_path)
    yield made
    made.stop()


@pytest.fixture
async def host() -> AsyncIterator[dict[str, str]]:
    """A site of its own: its ``html`` is what it serves."""
    page = {"html": "", "url": "", "policy": "", "embedder": "unsafe-none"}
    app = web.Application()

    async def serve(_request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": page["policy"], "Cross-Origin-Embedder-Policy": page["embedder"]}
        return web.Response(text=page["html"], content_type="text/html", headers=headers)

    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    page["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield page
    await runner.cleanup()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=patient(30)) as answer:
        return json.loads(answer.read())


async def test_a_pinned_tag_embeds_and_a_visit_is_counted(
    env: Env, host: dict[str, str], tmp_path: Path, browser_context: BrowserContext
) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url, "--operator", "Lab X", "--purpose", "pi", "--contact", "x@example.org")
    unit = {"language": "javascript", "source": UNIT}
    call(manager.url, tmp_path, "POST", "/api/tasks", {"workunit": unit, "payloads": {"range": [0, 100]}})
    embed = get(f"{distributor.url}/embed.json")
    assert (embed["operator"], embed["purpose"], embed["contact"]) == ("Lab X", "pi", "x@example.org")
    assert get(f"{distributor.url}/.well-known/disio.json")["contact"] == "x@example.org"
    with urllib.request.urlopen(distributor.url + embed["loader"], timeout=patient(30)) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"

    host["html"] = f"<!doctype html><title>A site</title><body><p>Words.</p>{embed['html']}"
    page = await browser_context.new_page()
    await page.goto(host["url"])
    await page.wait_for_function("window.disio !== undefined")
    consent = await open_consent(page)
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=1_000))

    def shown() -> Any:
        items = call(manager.url, tmp_path, "GET", "/api/sites")["items"]
        return next((item for item in items if item["site"] == host["url"]), {})

    async def is_counted() -> bool:
        item = shown()
        return bool(item) and (item["opened"], item["granted"], item["active"], item["units"]) == (1, 1, 1, 100)

    await wait_until(is_counted, 60.0)
    dashboard = DashboardApp(Settings(data_dir=str(tmp_path / "manager"), port=0))
    url = await dashboard.start()
    try:
        watching = await browser_context.new_page()
        watching.set_default_timeout(patient(30_000))
        await watching.goto(dashboard.login_link())
        await watching.goto(f"{url}/sites")
        row = watching.locator(f"[data-site='{host['url']}']")
        await expect(row).to_contain_text("my-site")
        await page.goto("about:blank")
        await page.goto(host["url"])
        await page.wait_for_function("window.disio !== undefined")

        async def has_ended() -> bool:
            return bool(shown().get("visits") == 1)

        await wait_until(has_ended, 60.0)
        item = shown()
        assert item["mean_s"] > 0 and abs(item["median_s"] / max(1.0, item["mean_s"]) - 1) <= 0.1
        await row.get_by_role("link").click()
        await expect(watching.get_by_role("region", name=host["url"])).to_contain_text("Average lifespan")
        await expect(watching.get_by_role("img", name="Visits a day")).to_be_visible()
        tags = watching.get_by_role("region", name="Embed a distributor")
        await expect(tags).to_contain_text(embed["integrity"])
        await watching.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        await tags.get_by_role("button", name="Copy the tag").first.click()
        await expect(tags).to_contain_text("Selected: copy it.")
        assert embed["integrity"] in await watching.evaluate("getSelection().toString()")
        await watching.screenshot(path=str(tmp_path / "sites.png"), full_page=True)
    finally:
        await dashboard.stop()


async def test_a_changed_loader_does_not_run(env: Env, host: dict[str, str], browser_context: BrowserContext) -> None:
    distributor = env.distributor("zeroconf", "--no-zeroconf")
    embed = get(f"{distributor.url}/embed.json")
    wrong = embed["html"].replace(embed["integrity"], "sha384-" + "A" * 64)
    host["html"] = f"<!doctype html><title>A site</title><body>{wrong}"
    page = await browser_context.new_page()
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text))
    await page.goto(host["url"])

    async def is_blocked() -> bool:
        return any("integrity" in text for text in blocked)

    await wait_until(is_blocked)
    assert await page.evaluate("window.disio === undefined")


async def test_a_strict_page_needs_two_directives(
    env: Env, host: dict[str, str], browser_context: BrowserContext
) -> None:
    distributor = env.distributor("zeroconf", "--no-zeroconf")
    host["html"] = f"<!doctype html><title>A site</title><body>{get(distributor.url + '/embed.json')['html']}"
    origin = distributor.url.rstrip("/")
    host["policy"] = f"default-src 'none'; script-src {origin}; frame-src {origin}"
    host["embedder"] = "require-corp"
    page = await browser_context.new_page()
    await page.goto(host["url"])
    await page.wait_for_function("window.disio !== undefined")
    assert await (await open_consent(page)).is_visible("#start")
