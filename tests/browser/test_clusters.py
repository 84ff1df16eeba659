"""Several managers in one dashboard, in a real Chromium: two real managers, one of them found by zeroconf."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.browser.accessible import open_for_axe, violations
from tests.unit.manager.people.signed import PASSWORD, add_user, cheap
from tests.unit.manager.served import Served, serve
from tests.waiting import patient

LOOPBACK = "127.0.0.1"
APPEARS_MS = 30_000
"""It is announced, resolved, and the page asks every 10 s."""


@dataclass
class Two:
    """Both managers and the dashboard before them."""

    near: Served
    far: Served
    app: DashboardApp


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    announced = {"zeroconf": True, "zeroconf_interface": [LOOPBACK]}
    async with serve(tmp_path / "near") as near, serve(tmp_path / "far", **announced) as far:
        for manager in (near, far):
            cheap(manager)
        await near.create(name="near task")
        await far.create(name="far task")
        await add_user(far, "ada", "viewer")
        asked = [near.url, "zeroconf"]
        app = DashboardApp(
            Settings(data_dir=str(tmp_path / "near"), manager=asked, port=0, zeroconf_interface=LOOPBACK)
        )
        await app.start()
        yield Two(near, far, app)
        await app.stop()


async def test_a_found_cluster_appears_and_each_has_its_own_sign_in(two: Two, browser: Browser) -> None:
    context = await open_for_axe(browser)
    page = await context.new_page()
    page.set_default_timeout(patient(15_000))
    try:
        await page.goto(two.app.login_link())
        clusters = page.locator(".clusters")
        await expect(clusters).to_be_visible(timeout=patient(APPEARS_MS))
        await clusters.locator("summary").click()
        near = clusters.get_by_role("listitem").filter(has_text=two.near.url[7:])
        far = clusters.get_by_role("listitem").filter(has_text=two.far.url[7:])
        await expect(near.get_by_role("link")).to_have_attribute("aria-current", "true")
        await expect(far).to_contain_text("found on this network")
        await expect(far).to_contain_text("not signed in")
        await expect(far).to_contain_text("reachable")
        for scheme, width in (("light", 1280), ("dark", 390)):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.set_viewport_size({"width": width, "height": 900})
            assert await violations(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.set_viewport_size({"width": 1280, "height": 900})

        other = await context.new_page()
        await other.goto(page.url.rstrip("/") + "/tasks")
        await expect(other.get_by_role("link", name="near task")).to_be_visible()

        await far.get_by_role("link").click()
        await expect(page.get_by_label("Cluster")).to_contain_text(two.far.url[7:])
        assert await violations(page) == []
        await page.get_by_label("Name").fill("ada")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Tasks").click()
        await expect(page.get_by_role("link", name="far task")).to_be_visible()
        await expect(page.get_by_role("link", name="near task")).to_have_count(0)
        # The other tab showed the cluster that was left: it goes along.
        await other.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Tasks").click()
        await expect(other.get_by_role("link", name="far task")).to_be_visible()

        # Live news are those of the chosen one.
        await two.far.create(name="one more")
        await expect(page.get_by_role("button", name="1 new")).to_be_visible()

        await clusters.locator("summary").click()
        await near.get_by_role("link").click()
        await expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
        await page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Tasks").click()
        await expect(page.get_by_role("link", name="near task")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page).to_have_url(re.compile("/login"))
        await page.goto(page.url.partition("/login")[0] + "/login?cluster=none")
        await expect(page.get_by_label("Password")).to_be_visible()
    finally:
        await context.close()
