"""The dashboard before a real manager, distributor and client: a task from the form to its results."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, expect

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.integration.env import Env, Started
from tests.waiting import patient


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Env]:
    made = Env(tmp_path)
    yield made
    made.stop()


def start_client(env: Env, distributor: str) -> None:
    """Start the ``disio-client`` command; its module takes no ``start``."""
    data = ("--data-dir", str(env.folder / "client"), "--cores", "2")
    argv = ["-m", "disio_client", "--json", "--distributor", distributor, *data]
    client = Started("client", argv, env.folder / "client.log")
    env.started.append(client)
    client.wait_ready()


async def test_pi_is_created_from_its_template_and_its_digits_come_in(
    env: Env, tmp_path: Path, browser_context: BrowserContext
) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    start_client(env, distributor.url)
    dashboard = DashboardApp(Settings(data_dir=str(tmp_path / "manager"), port=0))
    url = await dashboard.start()
    try:
        page = await browser_context.new_page()
        page.set_default_timeout(patient(30_000))
        await page.goto(dashboard.login_link())
        await expect(page.get_by_label("Fleet", exact=True)).to_contain_text("1 distributor", timeout=patient(30_000))
        await page.goto(f"{url}/tasks/new")
        await page.get_by_role("button", name="Digits of pi A classic").click()
        await page.get_by_label("Launch untested").check()
        await page.get_by_role("button", name="Launch", exact=True).click()
        await expect(page.get_by_text("Done: every payload has its result")).to_be_visible(timeout=patient(60_000))
        rows = page.get_by_role("table").get_by_role("row")
        await expect(rows.nth(1)).to_contain_text("243F6A88")
        await expect(rows.nth(2)).to_contain_text("85A308D3")
        await expect(page.get_by_role("navigation", name="Pages of results")).to_contain_text("1–25 of 100")
        await page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Tasks").click()
        await expect(page.get_by_role("row").nth(1)).to_contain_text("100 of 100")
    finally:
        await dashboard.stop()
