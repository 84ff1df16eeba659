"""What is kept of payloads and shown of a task, in a real Chromium, before a real manager."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from disio_shared import messages
from tests.browser.accessible import open_for_axe, violations
from tests.unit.manager.people.signed import cheap, signed_in
from tests.unit.manager.served import Served, deliver_message, serve
from tests.waiting import patient

PROBLEMS = re.compile("Content Security Policy|Trusted|Uncaught")
AT = 1_700_000_000.0
SHOTS = os.environ.get("RECORDS_SHOTS", "")


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path / "manager") as served:
        yield served


@pytest.fixture
async def dashboard(tmp_path: Path, manager: Served) -> AsyncIterator[DashboardApp]:
    app = DashboardApp(Settings(data_dir=str(tmp_path / "manager"), manager=manager.url, port=0))
    await app.start()
    yield app
    await app.stop()


@pytest.fixture
async def page(dashboard: DashboardApp, browser_context: BrowserContext) -> AsyncIterator[Page]:
    """A page that signed in; no script error and no policy violation is let pass."""
    page = await browser_context.new_page()
    page.set_default_timeout(patient(15_000))
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if PROBLEMS.search(message.text) else None)
    await page.goto(dashboard.login_link())
    await expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
    yield page
    assert problems == []


async def computed(manager: Served) -> str:
    """Return a task of 100 payloads: 40 done, 2 failed; of payload 7 there is much to tell."""
    task: str = (await manager.create(name="squares", payloads={"range": [0, 100]}))["id"]
    peer = manager.peer()
    await peer.join()
    await peer.leased(60)
    past = messages.PastTries(
        task=task,
        indexes=[7, 7, 7],
        clients=["c-slow", "c-gone", "c1"],
        distributors=["d-south", "", ""],
        outcomes=["failed", "lost", "done"],
        errors=["RangeError: <b>too large</b>", "", ""],
        logs=["", "", "begins\nends well"],
        ended_at=[AT, AT + 60, AT + 120],
    )
    failures = messages.FailureColumns(task=task, indexes=[50, 51], errors=[["boom 1"], ["boom 2"]])
    said = deliver_message(task, list(range(40)))
    await peer.say(messages.Deliver(batch="b", results=said.results, failures=[failures], tries=[past]))
    await peer.hear(messages.Committed)
    return task


def address(page: Page, path: str) -> str:
    return page.url.rstrip("/") + path


async def test_a_done_payload_shows_who_tried_it_and_what_the_unit_wrote(page: Page, manager: Served) -> None:
    task = await computed(manager)
    await page.goto(address(page, f"/tasks/{task}/payloads/7"))
    tries = page.get_by_role("main").locator(".tries > li")
    await expect(tries).to_have_count(3)
    await expect(tries.nth(0)).to_contain_text("failed c-slow at distributor d-south")
    await expect(tries.nth(0)).to_contain_text("RangeError: <b>too large</b>")
    await expect(tries.nth(1)).to_contain_text("lost c-gone")
    await expect(tries.nth(2)).to_contain_text("done c1")
    await page.get_by_text("Log, 16 characters").click()
    await expect(tries.nth(2)).to_contain_text("ends well")
    await page.get_by_role("link", name="The next one").click()
    await expect(tries).to_have_count(1)
    await expect(tries).to_contain_text("done c1")


async def test_payloads_are_listed_by_state_and_the_list_is_in_the_address(page: Page, manager: Served) -> None:
    task = await computed(manager)
    await page.goto(address(page, f"/tasks/{task}?tab=payloads"))
    lists = page.get_by_role("region", name="By state")
    links = lists.locator(".indexes a")
    await lists.get_by_role("button", name="done").click()
    await expect(links).to_have_count(40)
    await expect(lists.get_by_role("status")).to_have_text("40 of 40")
    await lists.get_by_role("button", name="failed").click()
    await expect(links).to_have_count(2)
    await expect(page).to_have_url(re.compile("in=failed"))
    await page.go_back()
    await expect(links).to_have_count(40)
    await lists.get_by_role("button", name="running").click()
    await expect(lists.locator(".indexes li").first).to_contain_text("40 d1")
    await links.first.click()
    await expect(page.get_by_role("heading", name="Payload 40", exact=True)).to_be_visible()


async def test_many_payloads_are_turned_over_page_by_page(page: Page, manager: Served) -> None:
    task = (await manager.create(name="many", payloads={"range": [0, 250]}))["id"]
    await page.goto(address(page, f"/tasks/{task}?tab=payloads"))
    lists = page.get_by_role("region", name="By state")
    await expect(lists.get_by_role("status")).to_have_text("100 of 250")
    for first in ("100", "200"):
        await lists.get_by_role("button", name="Next").click()
        await expect(lists.locator(".indexes a").first).to_have_text(first)
    await expect(lists.get_by_role("button", name="Next")).to_be_disabled()
    await lists.get_by_role("button", name="Before").click()
    await expect(lists.locator(".indexes a").first).to_have_text("100")


async def test_the_task_tells_durations_events_and_times_of_failures(page: Page, manager: Served) -> None:
    task = await computed(manager)
    await manager.call("POST", f"/api/tasks/{task}/pause")
    await page.goto(address(page, f"/tasks/{task}"))
    durations = page.get_by_role("region", name="How long units took")
    await expect(durations).to_contain_text("Half took at most 500.0 ms (p50), 95 % at most 500.0 ms (p95)")
    await expect(durations).to_contain_text("40 of 40 results counted")
    parts = page.get_by_role("navigation", name="Parts of this task")
    await parts.get_by_role("link", name="Failures").click()
    await expect(page.get_by_role("region", name="By what they say")).to_contain_text("The first at")
    await parts.get_by_role("link", name="Events").click()
    events = page.get_by_role("region", name="What was done with it")
    await expect(events.get_by_role("listitem").first).to_contain_text("done pause task by the manager's own token")
    await expect(events.get_by_role("status")).to_have_text("2 of 2")
    await expect(events).to_contain_text("paused now")


async def test_tasks_are_listed_by_whose_they_are(page: Page, manager: Served) -> None:
    cheap(manager)
    await computed(manager)
    async with signed_in(manager, "ann", "researcher") as ann:
        await ann.create(name="of ann")
    await page.goto(address(page, "/tasks"))
    pager = page.get_by_role("navigation", name="Pages of tasks")
    await expect(pager).to_contain_text("1–2 of 2")
    await page.get_by_label("Owner").fill("ann")
    await expect(pager).to_contain_text("1–1 of 1")
    await expect(page).to_have_url(re.compile("owner=ann"))
    await expect(page.get_by_role("link", name="of ann", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Clear the filter").click()
    await expect(pager).to_contain_text("1–2 of 2")


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 1280), (False, 390)])
async def test_nothing_is_in_the_way_of_anybody(
    browser: Browser, dashboard: DashboardApp, manager: Served, dark: bool, width: int
) -> None:
    task = await computed(manager)
    context = await open_for_axe(browser, dark, width)
    try:
        page = await context.new_page()
        page.set_default_timeout(patient(15_000))
        await page.goto(dashboard.login_link())
        await expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
        base = page.url.rstrip("/")
        for path, shown in (
            (f"/tasks/{task}/payloads/7", ".tries"),
            (f"/tasks/{task}?tab=payloads&in=done", ".indexes"),
            (f"/tasks/{task}?tab=events", ".tries"),
            (f"/tasks/{task}", ".bars svg"),
        ):
            await page.goto(base + path)
            await expect(page.locator(shown).first).to_be_visible()
            for more in await page.locator("main details summary").all():
                await more.click()
            assert await violations(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            if SHOTS:
                name = f"{path.split('/', 3)[-1]}-{dark}-{width}.png".replace("/", "-").replace("?", "-")
                await page.screenshot(path=f"{SHOTS}/{name}", full_page=True)
    finally:
        await context.close()
