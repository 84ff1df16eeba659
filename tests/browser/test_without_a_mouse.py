"""The way of a researcher through the dashboard with the keyboard alone; and what a viewer finds instead of buttons."""

import re

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.accessible import open_for_axe, violations
from tests.browser.everything import CLIENTS, Everything
from tests.unit.manager.people.signed import PASSWORD
from tests.waiting import patient

MOST_TABS = 80
AGAIN = """async () => {
  document.querySelector("dialog").requestClose();
  for (let turn = 0; turn < 5; turn += 1) await null;
  document.activeElement.click();
}"""
FORBIDDEN = re.compile("^(Pause|Stop workers|Drain|Cap|Block|Unblock|Retry|Cancel|Delete|Launch|Save|Choose)")


async def tab_to(page: Page, goal: Locator) -> None:
    """Press Tab until it is there: what takes more than a page of steps cannot be reached."""
    await expect(goal).to_be_visible()
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await goal.evaluate("goal => goal.matches(':focus')"):
            return
    raise AssertionError(f"{MOST_TABS} times Tab did not lead to {goal}")


async def enter(page: Page, goal: Locator) -> None:
    await tab_to(page, goal)
    await page.keyboard.press("Enter")


async def test_a_researcher_needs_no_mouse(browser: Browser, shown: Everything) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(patient(15_000))
    navigation = page.get_by_role("navigation", name="Pages", exact=True)
    try:
        await page.goto(shown.url())
        await expect(page.get_by_label("Name")).to_be_focused()
        await page.keyboard.type("rosa")
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await enter(page, navigation.get_by_role("link", name="New task"))
        await enter(page, page.get_by_role("button", name="Digits of pi A classic"))
        name = page.get_by_label("Name")
        await tab_to(page, name)
        await page.keyboard.press("ControlOrMeta+a")
        await page.keyboard.type("without a mouse")
        # Tab writes into the editor; Escape is the way out of it.
        await tab_to(page, page.get_by_label("Code", exact=True))
        await page.keyboard.press("Escape")
        await tab_to(page, page.get_by_label("Launch untested"))
        await page.keyboard.press("Space")
        await enter(page, page.get_by_role("button", name="Launch", exact=True))
        await expect(page.get_by_role("heading", name="without a mouse")).to_be_visible()
        await expect(page.get_by_role("main")).to_be_focused()
        await enter(page, page.get_by_role("button", name="Pause task without a mouse"))
        await expect(page.get_by_text("Paused at 0 %")).to_be_visible()
        parts = page.get_by_role("navigation", name="Parts of this task")
        await enter(page, parts.get_by_role("link", name="Settings"))
        await tab_to(page, page.get_by_label("Priority"))
        await page.keyboard.press("ControlOrMeta+a")
        await page.keyboard.type("3")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Saved.")).to_be_visible()
        await enter(page, page.get_by_role("button", name="Delete task without a mouse"))
        question = page.get_by_role("dialog")
        await expect(question).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(question).to_be_hidden()
        await page.keyboard.press("Enter")
        # A press that comes before the browser has told that the dialog is closed opens it again, too.
        await expect(question).to_be_visible()
        await page.evaluate(AGAIN)
        await enter(page, question.get_by_role("button", name="Delete task"))
        await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        await expect(page.get_by_role("link", name="without a mouse")).to_have_count(0)
    finally:
        await context.close()


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
async def test_a_viewer_reads_why_there_is_no_button(
    browser: Browser, shown: Everything, dark: bool, width: int
) -> None:
    context = await open_for_axe(browser, dark, width)
    page = await context.new_page()
    page.set_default_timeout(patient(15_000))
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
    url = shown.url()
    broken = f"/tasks/{shown.tasks['broken']}"
    try:
        await page.goto(url)
        await page.get_by_label("Name").fill("vera")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
        for path, seen, why in (
            (
                "/tasks?q=broken",
                page.get_by_role("link", name="broken", exact=True),
                "need the role researcher; yours is viewer",
            ),
            ("/tasks/new", page.get_by_role("heading", name="New task"), "New tasks need the role researcher"),
            ("/fleet", page.locator(f"[data-client={CLIENTS[0]}]"), "need the role operator; yours is viewer"),
            (f"{broken}?tab=settings", page.get_by_role("heading", name="Policy"), "your role is viewer"),
            (f"{broken}?tab=failures", page.get_by_text("An example").first, ""),
            ("/settings", page.get_by_role("heading", name="API tokens"), "Users need the role admin"),
            ("/sites", page.get_by_role("heading", name="Embed a distributor"), ""),
            ("/events", page.get_by_role("heading", name="Events"), "your role is viewer"),
        ):
            await page.goto(url + path)
            await expect(seen).to_be_visible()
            await expect(page.get_by_text(re.compile(re.escape(why))).first).to_be_visible()
            assert await violations(page) == [], path
            forbidden = re.compile(
                "^(Pause|Stop workers|Drain|Cap|Block|Unblock|Retry|Cancel|Delete|Launch|Save|Choose)"
            )
            await expect(page.get_by_role("main").get_by_role("button", name=forbidden)).to_have_count(0)
            await expect(page.get_by_role("main").get_by_role("checkbox")).to_have_count(0)
        assert refused == [], "no page asks for what the role does not allow"
    finally:
        await context.close()
