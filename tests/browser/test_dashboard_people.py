"""Signing in, Settings and Events in a real Chromium, before a real manager."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.unit.manager.people.signed import PASSWORD, add_user, cheap
from tests.unit.manager.served import Served, serve
from tests.waiting import patient

PROBLEMS = re.compile("Content Security Policy|Trusted|Uncaught")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path / "data") as running:
        cheap(running)
        yield running


@pytest.fixture
async def dashboard(tmp_path: Path, served: Served) -> AsyncIterator[DashboardApp]:
    app = DashboardApp(Settings(data_dir=str(tmp_path / "data"), manager=served.url, port=0))
    await app.start()
    yield app
    await app.stop()


class Signed:
    """Pages of one test, each with a profile of its own."""

    def __init__(self, browser: Browser, dashboard: DashboardApp) -> None:
        self.browser, self.dashboard = browser, dashboard
        self.url = dashboard.login_link().partition("/login")[0]
        self.problems: list[str] = []

    async def page(self) -> Page:
        page = await (await self.browser.new_context()).new_page()
        page.set_default_timeout(patient(15_000))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on(
            "console", lambda message: self.problems.append(message.text) if PROBLEMS.search(message.text) else None
        )
        return page

    async def by_link(self, path: str) -> Page:
        page = await self.page()
        await page.goto(self.dashboard.login_link())
        await page.goto(self.url + path)
        return page

    async def by_password(self, name: str, path: str, password: str = PASSWORD) -> Page:
        page = await self.page()
        await page.goto(self.url + path)
        await fill_in(page, name, password)
        return page


async def fill_in(page: Page, name: str, password: str) -> None:
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


@pytest.fixture
async def signed(browser: Browser, dashboard: DashboardApp) -> AsyncIterator[Signed]:
    signed = Signed(browser, dashboard)
    yield signed
    for context in browser.contexts:
        await context.close()
    assert signed.problems == []


async def test_the_first_user_is_made_signs_in_and_the_audit_tells(signed: Signed) -> None:
    page = await signed.by_link("/settings")
    await expect(page.get_by_text("There are no users yet")).to_be_visible()
    form = page.get_by_role("form", name="Add a user")
    await form.get_by_label("Name").fill("ada")
    await form.get_by_label("Password").fill("short")
    await form.get_by_role("button", name="Add").click()
    await expect(page.locator("[data-user]")).to_have_count(0)  # the browser asks for more
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("button", name="Add").click()
    await expect(page.locator("[data-user=ada]")).to_contain_text("ada")
    await expect(page.get_by_label("Role of ada")).to_have_value("admin")

    ada = await signed.by_password("ada", "/events")
    row = ada.get_by_role("row", name=re.compile("create user"))
    await expect(row).to_contain_text("the manager's own token")
    await expect(row).to_contain_text("role admin")
    await expect(ada.get_by_role("row", name=re.compile("done login"))).to_contain_text("ada")
    await ada.get_by_label("What").fill("login")
    await expect(row).to_have_count(0)
    await expect(ada).to_have_url(re.compile(r"/events\?verb=login$"))
    await expect(ada.get_by_role("status").filter(has_text="1 of 1")).to_be_visible()
    await ada.reload()
    await expect(ada.get_by_role("row", name=re.compile("done login"))).to_be_visible()
    await ada.get_by_role("button", name="All events").click()
    await expect(row).to_be_visible()
    async with ada.expect_download() as download:
        await ada.get_by_role("link", name=re.compile("Export all")).click()
    lines = Path(await (await download.value).path()).read_text().splitlines()
    assert len(lines) == 2 and '"create_user"' in lines[1]


async def test_a_viewer_sees_no_button_and_why(signed: Signed, served: Served) -> None:
    await served.create()
    await add_user(served, "vera")
    page = await signed.by_password("vera", "/tasks")
    await expect(page.get_by_role("row", name=re.compile("squares"))).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("squares"))).to_have_count(0)
    await page.goto(f"{signed.url}/settings")
    await expect(page.get_by_text("Users need the role admin; yours is viewer.")).to_be_visible()
    await expect(page.get_by_role("form", name="Add a user")).to_have_count(0)
    await page.goto(f"{signed.url}/events")
    await expect(page.get_by_text("your role is viewer")).to_be_visible()
    await expect(page.get_by_role("table")).to_have_count(0)


async def test_wrong_passwords_are_told_in_words_and_nothing_is_put_back(signed: Signed, served: Served) -> None:
    await add_user(served, "ada")
    page = await signed.by_password("ada", "/settings", "wrong password")
    await expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong.")
    await expect(page.get_by_label("Name")).to_have_value("ada")
    await expect(page.get_by_label("Password")).to_have_value("")
    await fill_in(page, "ada", PASSWORD)
    await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    assert page.url.endswith("/settings")


async def test_a_session_that_ended_at_the_manager_leads_to_the_form(signed: Signed, served: Served) -> None:
    await add_user(served, "ada")
    page = await signed.by_password("ada", "/settings")
    await expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    await served.call("PATCH", "/api/users/ada", json={"role": "operator"})
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Tasks").click()
    await page.wait_for_url("**/login*")
    await expect(page.get_by_label("Password")).to_be_visible()
    await fill_in(page, "ada", PASSWORD)
    await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    assert (await served.call("GET", "/api/sessions?all=true"))["items"] == [], "it ended at the manager, too"


async def test_password_sessions_and_tokens_are_changed_by_their_owner(signed: Signed, served: Served) -> None:
    await add_user(served, "ada", "researcher")
    page, other = await signed.by_password("ada", "/settings"), await signed.by_password("ada", "/settings")
    await expect(other.get_by_role("button", name="End the others")).to_be_visible()
    await page.get_by_text("Change your password").click()
    form = page.get_by_role("form", name="Change your password")
    for label, text in (
        ("Old password", "wrong password"),
        ("New password again", "another one"),
    ):
        await form.get_by_label(label).fill(text)
    await form.get_by_label("New password", exact=True).fill("another one")
    await form.get_by_role("button", name="Change it").click()
    await expect(page.get_by_role("alert")).to_contain_text("old password is wrong")
    await form.get_by_label("Old password").fill(PASSWORD)
    await form.get_by_role("button", name="Change it").click()
    await expect(page.get_by_text("✓ Changed.")).to_be_visible()
    await other.reload()
    await other.wait_for_url("**/login*")
    await expect(other.get_by_label("Password")).to_be_visible()

    await page.get_by_text("Make a token").first.click()
    form = page.get_by_role("form", name="Make a token")
    await form.get_by_label("What it is for").fill("nightly")
    await form.get_by_label("Role").select_option("researcher")
    assert await form.get_by_label("Role").locator("option").count() == 2, "none above one's own"
    await form.get_by_role("button", name="Make it").click()
    secret = await page.locator("[data-secret]").inner_text()
    task = await served.call("GET", "/api/me", headers={"Authorization": f"Bearer {secret}"})
    assert (task["name"], task["role"], task["how"]) == ("ada", "researcher", "token")
    # Without HTTPS browsers offer no clipboard: then the text is selected, for a person to copy.
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    await page.get_by_role("button", name="Copy", exact=True).click()
    await expect(page.get_by_text("Selected: copy it.")).to_be_visible()
    assert (await page.evaluate("getSelection().toString()")).strip() == secret
    await page.get_by_role("button", name="I have it").click()
    await expect(page.get_by_text(secret)).to_have_count(0)
    await page.get_by_role("button", name="Revoke nightly").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("You have none.")).to_be_visible()
    await served.call("GET", "/api/me", 401, headers={"Authorization": f"Bearer {secret}"})
