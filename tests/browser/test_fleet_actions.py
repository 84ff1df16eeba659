"""Fleet actions on the dashboard's page, before a real manager, a real distributor and a real client."""

import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.browser.test_dashboard_platform import start_client
from tests.integration.env import Env
from tests.waiting import patient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
UNIT = "export default async (n) => { await new Promise((done) => setTimeout(done, 200)); return n }"


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Env]:
    made = Env(tmp_path)
    yield made
    made.stop()


@pytest.fixture
async def page(env: Env, tmp_path: Path, browser_context: BrowserContext) -> AsyncIterator[Page]:
    """The fleet page, of a cluster that computes a task."""
    manager = env.manager()
    distributor = env.distributor(manager.url)
    document: dict[str, Any] = {
        "workunit": {"language": "javascript", "source": UNIT},
        "payloads": {"range": [0, 5000]},
    }
    call(manager.url, tmp_path, "POST", "/api/tasks", document)
    start_client(env, distributor.url)
    dashboard = DashboardApp(Settings(data_dir=str(tmp_path / "manager"), port=0))
    url = await dashboard.start()
    page = await browser_context.new_page()
    page.set_default_timeout(patient(30_000))
    await page.goto(dashboard.login_link())
    await page.goto(f"{url}/fleet")
    yield page
    await dashboard.stop()


def call(url: str, folder: Path, method: str, path: str, body: Any = None) -> Any:
    """Call the manager as its operator."""
    token = (folder / "manager" / "admin.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url + path, data, headers, method=method), timeout=patient(30)
    ) as answer:
        return json.loads(answer.read() or b"null")


async def test_an_operator_pauses_resumes_and_blocks(page: Page) -> None:
    card, clients = page.locator("[data-distributor]"), page.get_by_role("region", name="Clients")
    row = clients.locator("[data-client]")
    await expect(row).to_have_count(1, timeout=patient(30_000))
    await expect(row).to_contain_text("has ", timeout=patient(30_000))
    await expect(clients.get_by_role("navigation")).to_contain_text("1 shown of 1")

    await page.get_by_role("button", name="Pause: ").click()
    await expect(page.get_by_role("dialog")).to_contain_text("what waits goes to other distributors")
    await page.get_by_label("Reason, for volunteers").fill("exams in the hall")
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(card).to_contain_text("Paused by an operator: it hands out nothing more. Reason: exams in the hall")
    await expect(card.locator(".chip")).to_contain_text("paused")
    await expect(row).to_contain_text("idle", timeout=patient(30_000))
    await page.get_by_role("button", name="Resume: ").click()
    await expect(card.locator(".chip")).to_contain_text("online")
    await expect(row).to_contain_text("has ", timeout=patient(30_000))

    await page.get_by_label("Kind").select_option("web")
    await expect(clients).to_contain_text("No client is connected that matches")
    assert page.url.endswith("/fleet?kind=web")
    await page.get_by_label("Kind").select_option("")
    await expect(row).to_have_count(1)

    await page.get_by_role("button", name="Block client").click()
    await page.get_by_label("Reason, for operators").fill("lies")
    await page.get_by_role("dialog").get_by_role("button", name="Block client").click()
    blocked = page.get_by_role("region", name="Blocked clients")
    await expect(blocked).to_contain_text(": lies")
    await expect(row).to_have_count(0, timeout=patient(30_000))
    await blocked.get_by_role("button", name="Unblock").click()
    await expect(blocked).to_be_hidden()


async def test_a_cap_is_set_and_a_drain_is_ended(page: Page) -> None:
    card = page.locator("[data-distributor]")
    await page.get_by_role("button", name="Cap: ").click()
    await page.get_by_label("Slots at most").fill("1")
    await page.get_by_role("button", name="Set the cap").click()
    await expect(card).to_contain_text("Capped at 1 slot.")
    await page.get_by_role("button", name="Cap: ").click()
    await page.get_by_label("Slots at most").fill("2")
    await page.get_by_role("button", name="Leave it").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(card).to_contain_text("Capped at 1 slot.")
    await page.get_by_role("button", name="Cap: ").click()
    await page.get_by_label("Slots at most").fill("3")
    await page.keyboard.press("Enter")
    await expect(card).to_contain_text("Capped at 3 slots.")
    await page.get_by_role("button", name="Drain: ").click()
    await page.get_by_role("button", name="Drain", exact=True).click()
    await expect(card.locator(".chip")).to_contain_text("draining")
    await page.get_by_role("button", name="End the drain: ").click()
    await expect(card.locator(".chip")).to_contain_text("online")
