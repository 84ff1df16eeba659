"""The pages that people watch, in a real Chromium, before a real manager."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from disio_shared import messages
from tests.browser.accessible import open_for_axe, violations
from tests.unit.manager.served import Served, serve
from tests.waiting import patient

PROBLEMS = re.compile("Content Security Policy|Trusted|Uncaught")


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


async def computed(manager: Served, done: int = 40) -> dict[str, Any]:
    """Return a task of 100 payloads of which some are done, by a distributor with three clients."""
    task = await manager.create(name="squares", payloads={"range": [0, 100]})
    peer = manager.peer()
    await peer.join(software="disio/other")
    await peer.say(
        messages.Status(clients=3, slots=8, kinds={"web": 2, "cli": 1}, rate=1.0, outbox=0, held=[], paused=[])
    )
    await peer.leased(100)
    await peer.deliver(task["id"], list(range(done)))
    await manager.app.watching.recording.note()
    return task


def number(page: Page, name: str) -> Any:
    return page.locator(".figures > div", has=page.get_by_text(name, exact=True)).locator("strong")


async def test_an_empty_platform_teaches_what_is_next(page: Page, manager: Served) -> None:
    await expect(page.get_by_role("heading", name="No distributor is online")).to_be_visible()
    await expect(page.get_by_text("disio distributor start", exact=True).last).to_be_visible()
    await manager.peer().join()
    await expect(page.get_by_role("heading", name="Nobody computes yet")).to_be_visible()
    demo = page.get_by_role("link", name="the distributor's demo page")
    await expect(demo).to_have_attribute("href", "http://127.0.0.1:8710/demo")
    await expect(page.get_by_role("main").get_by_role("link", name="New task")).to_be_visible()
    await manager.call("POST", "/api/distributors/d1/pause?reason=maintenance")
    pages = page.get_by_role("navigation", name="Pages")
    await pages.get_by_role("link", name="Fleet").click()
    await expect(page.locator(".state-paused").first).to_be_visible()
    await pages.get_by_role("link", name="Overview").click()
    await expect(page.get_by_role("heading", name="Nobody computes yet")).to_be_visible()


async def test_the_overview_shows_numbers_charts_and_what_needs_a_look(page: Page, manager: Served) -> None:
    await computed(manager)
    await page.reload()
    await expect(number(page, "clients now")).to_have_text("3")
    await expect(page.get_by_text("2 in browsers · 1 cli")).to_be_visible()
    await expect(number(page, "payloads to do")).to_have_text("60")
    await expect(number(page, "of tries fail")).to_have_text("0 %")
    attention = page.get_by_role("region", name="Needs attention")
    await expect(attention).to_contain_text("Distributors run disio/other")
    await expect(page.get_by_role("region", name="Active tasks")).to_contain_text("squares")
    chart = page.get_by_role("region", name="Results a second, by outcome", exact=True)
    slider = chart.get_by_role("slider")
    await expect(slider).to_have_accessible_name(re.compile(r"ok: [\d.]+/\w+ at last"))
    await expect(chart.locator("canvas")).to_be_visible()
    await slider.focus()
    await page.keyboard.press("End")
    await page.keyboard.press("ArrowLeft")
    await expect(chart.locator(".chart-tip")).to_be_visible()
    await expect(slider).to_have_attribute("aria-valuetext", re.compile("ok "))
    await page.keyboard.press("Escape")
    await expect(chart.locator(".chart-tip")).to_have_count(0)
    await slider.hover()
    await expect(chart.locator(".chart-tip")).to_be_visible()
    await chart.get_by_role("button", name="Show as table").click()
    await expect(chart.get_by_role("columnheader", name="ok")).to_be_visible()
    await page.get_by_role("button", name="6 hours").click()
    await expect(page).to_have_url(re.compile("span=6h"))
    await page.go_back()
    await expect(page.get_by_role("button", name="1 hour", exact=True)).to_have_attribute("aria-pressed", "true")
    await page.emulate_media(color_scheme="dark")
    await expect(page.get_by_role("region", name="Clients", exact=True).locator("canvas")).to_be_visible()


async def test_the_list_is_filtered_by_its_address_and_survives_back(page: Page, manager: Served) -> None:
    for nth in range(60):
        await manager.create(name=f"job {nth}", tags=["even" if nth % 2 == 0 else "odd"])
    for nth in (1, 2, 3):
        await manager.call("POST", f"/api/tasks/{(await tasks(manager, f'job {nth}'))[0]['id']}/pause")
    await page.goto(page.url.rstrip("/") + "/tasks")
    pager = page.get_by_role("navigation", name="Pages of tasks")
    await expect(pager).to_contain_text("1–50 of 60")
    await pager.get_by_role("button", name="Older").click()
    await expect(pager).to_contain_text("51–60 of 60")
    await page.get_by_role("button", name="paused", exact=True).click()
    await expect(pager).to_contain_text("1–3 of 3")
    await page.get_by_label("Name or tag").fill("odd")
    await expect(pager).to_contain_text("1–2 of 2")
    await expect(page).to_have_url(re.compile(r"state=paused.*q=odd|q=odd.*state=paused"))
    await page.get_by_role("link", name="job 3", exact=True).click()
    await expect(page.get_by_role("heading", name="job 3")).to_be_visible()
    await page.go_back()
    await expect(pager).to_contain_text("1–2 of 2")
    await expect(page.get_by_label("Name or tag")).to_have_value("odd")
    await page.go_back()
    await expect(pager).to_contain_text("51–60 of 60")


async def tasks(manager: Served, q: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await manager.call("GET", f"/api/tasks?q={q}"))["items"]
    return [task for task in found if task["name"] == q]


async def test_new_tasks_wait_behind_a_button_and_nothing_moves(page: Page, manager: Served) -> None:
    await manager.create(name="first")
    await page.goto(page.url.rstrip("/") + "/tasks")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(1)
    for name in ("second", "third"):
        await manager.create(name=name)
    fresh = page.get_by_role("button", name="2 new")
    await expect(fresh).to_be_visible()
    await expect(rows).to_have_count(1)
    await fresh.click()
    await expect(rows).to_have_count(3)
    await expect(fresh).to_have_count(0)
    await manager.call("DELETE", f"/api/tasks/{(await tasks(manager, 'second'))[0]['id']}", 204)
    await expect(rows.nth(1)).to_contain_text("deleted")
    await expect(rows).to_have_count(3)


async def test_one_verb_for_all_that_match_names_its_number(page: Page, manager: Served) -> None:
    for nth in range(60):
        await manager.create(name=f"job {nth}")
    await manager.call("POST", f"/api/tasks/{(await tasks(manager, 'job 0'))[0]['id']}/cancel")
    await page.goto(page.url.rstrip("/") + "/tasks")
    await page.get_by_label("Choose every task of this page").check()
    bar = page.get_by_role("region", name="Chosen tasks")
    await expect(bar).to_contain_text("50 chosen")
    await bar.get_by_role("button", name="Choose all 60 that match").click()
    await bar.get_by_role("button", name="Pause").click()
    await page.get_by_role("dialog").get_by_role("button", name="Pause 60 tasks").click()
    await expect(bar).to_contain_text("59 of 60 done, 1 refused")
    await bar.get_by_text("Why").click()
    await expect(bar.get_by_role("listitem")).to_contain_text("cancelled")
    assert (await manager.call("GET", "/api/tasks?state=paused"))["total"] == 59

    await page.get_by_label("Name or tag").fill("job 5")
    await expect(page.get_by_role("navigation", name="Pages of tasks")).to_contain_text("of 11")
    await page.get_by_label("Choose task job 5", exact=True).check()
    await page.get_by_label("Choose task job 55", exact=True).check()
    await bar.get_by_role("button", name="Delete").click()
    sure = page.get_by_role("dialog").get_by_role("button", name="Delete 2 tasks")
    await expect(sure).to_be_disabled()
    await page.get_by_role("dialog").get_by_role("textbox").fill("delete 2")
    await sure.click()
    await expect(bar).to_contain_text("2 of 2 done")
    assert (await manager.call("GET", "/api/tasks"))["total"] == 58


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 1280), (False, 390)])
async def test_nothing_is_in_the_way_of_anybody(
    browser: Browser, dashboard: DashboardApp, manager: Served, dark: bool, width: int
) -> None:
    await computed(manager)
    context = await open_for_axe(browser, dark, width)
    try:
        page = await context.new_page()
        page.set_default_timeout(patient(15_000))
        await page.goto(dashboard.login_link())
        await expect(page.locator("canvas").first).to_be_visible()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.get_by_role("button", name="Show as table").first.click()
        assert await violations(page) == []
        await page.goto(page.url.rstrip("/") + "/tasks")
        if width < 720:
            await page.get_by_role("button", name="Choose this page").click()
        else:
            await page.get_by_label("Choose every task of this page").check()
        await expect(page.get_by_role("button", name="Choose none")).to_be_visible()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.get_by_role("link", name="squares", exact=True).click()
        for tab in ("Payloads", "Failures", "Code", "Settings"):
            await page.get_by_role("navigation", name="Parts of this task").get_by_role("link", name=tab).click()
            assert await violations(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.goto(page.url.partition("?")[0] + "/payloads/1")
        await expect(page.get_by_role("heading", name="Payload 1", exact=True)).to_be_visible()
        assert await violations(page) == []
    finally:
        await context.close()


async def test_failures_that_say_the_same_are_tried_again_together(page: Page, manager: Served) -> None:
    task = await manager.create(name="half broken", payloads={"range": [0, 10]})
    peer = manager.peer()
    await peer.join()
    await peer.leased(10)
    texts = ["Error: row 1 is bad", "Error: row 2 is bad", "timed out"]
    columns = messages.FailureColumns(task=task["id"], indexes=[0, 1, 2], errors=[[text] for text in texts])
    await peer.say(messages.Deliver(batch="f", failures=[columns]))
    await peer.hear(messages.Committed)
    await page.goto(f"{page.url.rstrip('/')}/tasks/{task['id']}")
    await page.get_by_role("link", name="Failures 3").click()
    await expect(page).to_have_url(re.compile("tab=failures"))
    groups = page.get_by_role("region", name="By what they say").get_by_role("listitem")
    await expect(groups).to_have_count(2)
    await expect(groups.first).to_contain_text("Error: row ‹n› is bad")
    await groups.first.get_by_role("button", name="Retry these 2").click()
    await expect(page.get_by_role("link", name="Failures 1")).to_be_visible()
    await expect(groups).to_have_count(1, timeout=patient(15_000))
    await groups.first.get_by_text("An example").click()
    await groups.first.get_by_role("link", name="2", exact=True).click()
    await expect(page.get_by_role("heading", name="Payload 2", exact=True)).to_be_visible()
    await expect(page.get_by_text("timed out")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("link", name="Failures 1")).to_have_attribute("aria-current", "page")
    await page.get_by_role("link", name="Settings").last.click()
    await page.get_by_label("Priority").fill("7")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    assert (await manager.call("GET", f"/api/tasks/{task['id']}"))["policy"]["priority"] == 7
