"""Every page and its states, looked over by axe-core: light, dark and as narrow as a phone; and the way by keyboard."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.accessible import open_for_axe, violations
from tests.browser.conftest import EXPECT_MS
from tests.browser.everything import CLIENTS, SITE, Everything
from tests.browser.stand_in import StandIn
from tests.waiting import patient

Prepare = Callable[[Page], Awaitable[object]]
PHONE = 390
LOOKS: list[tuple[Any, int]] = [("light", 1280), ("dark", PHONE)]
"""Both sets of colours, both layouts."""


@pytest.fixture(autouse=True)
def waits_longer() -> Iterator[None]:
    """Wait longer: a machine that others load is slow, and nothing here measures it."""
    expect.set_options(timeout=patient(30_000))
    yield
    expect.set_options(timeout=patient(EXPECT_MS))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def context(browser: Browser, shown: Everything) -> AsyncIterator[BrowserContext]:
    """A browser that is signed in at all the dashboards."""
    context = await open_for_axe(browser)
    for app in (shown.busy, shown.empty, shown.away):
        page = await context.new_page()
        await page.goto(app.login_link())
        await page.close()
    yield context
    await context.close()


@pytest.fixture
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    page = await context.new_page()
    page.set_default_timeout(patient(30_000))
    yield page
    await page.close()


def heading(name: str) -> Prepare:
    return lambda page: expect(page.get_by_role("heading", name=name, exact=True).first).to_be_visible()


def text(words: str) -> Prepare:
    return lambda page: expect(page.get_by_text(words).first).to_be_visible()


def press(name: str, then: Prepare) -> Prepare:
    async def prepare(page: Page) -> None:
        await page.get_by_role("button", name=name, exact=True).first.click()
        await then(page)

    return prepare


def dialog(page: Page) -> Awaitable[None]:
    return expect(page.get_by_role("dialog")).to_be_visible()


async def charts(page: Page) -> None:
    await expect(page.locator("canvas").first).to_be_visible()
    await expect(page.get_by_role("region", name="Needs attention")).to_contain_text("disio/other")


async def selection(page: Page) -> None:
    await page.get_by_label("Choose every task of this page").check()
    await page.get_by_role("button", name=re.compile("Choose all 63")).click()
    await expect(page.get_by_role("button", name="Choose none")).to_be_visible()


async def sure(page: Page) -> None:
    await selection(page)
    await page.get_by_role("region", name="Chosen tasks").get_by_role("button", name="Delete").click()
    await dialog(page)


async def filled(page: Page) -> None:
    await page.get_by_role("button", name="Mandelbrot").click()
    await expect(page.get_by_label("Preview of the payloads")).to_contain_text("payloads")
    await expect(page.get_by_label("Code", exact=True)).to_be_visible()
    for summary in ("Advanced", "The same as a command, and in Python"):
        await page.get_by_text(summary, exact=True).click()


async def tried(page: Page) -> None:
    await page.get_by_role("button", name="Digits of pi A classic").click()
    await expect(page.get_by_label("Preview of the payloads")).to_contain_text("payloads")
    await page.get_by_role("button", name="Test on payload").click()
    await expect(page.get_by_text("Two runs gave the same result")).to_be_visible(timeout=patient(60_000))


async def refused(page: Page) -> None:
    await page.get_by_role("button", name="Digits of pi A classic").click()
    await page.get_by_label("Launch untested").check()
    await page.get_by_label("Payloads (JSON)").fill('{"grid": {"n": "9-1"}}')
    await page.get_by_label("Max failures").fill("0")
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.get_by_label("Max failures")).to_have_attribute("aria-invalid", "true")


async def wasm(page: Page) -> None:
    await page.get_by_label("Language").select_option("wasm")
    await page.get_by_label("WebAssembly module").set_input_files(
        {"name": "unit.wasm", "mimeType": "application/wasm", "buffer": b"\0asm\1\0\0\0"}
    )
    await expect(page.get_by_text("unit.wasm", exact=True)).to_be_visible()


async def python(page: Page) -> None:
    await page.get_by_label("Language").select_option("python")
    await expect(page.get_by_label("Runs")).to_be_visible()


async def fleet(page: Page) -> None:
    await expect(page.locator(f"[data-client={CLIENTS[0]}]")).to_be_visible()
    await expect(page.get_by_role("heading", name="Blocked clients")).to_be_visible()


async def cap(page: Page) -> None:
    await page.get_by_role("button", name="Cap: north").click()
    await dialog(page)


async def all_settings(page: Page) -> None:
    await expect(page.get_by_label("Role of vera")).to_be_visible()
    for summary in ("Add a user", "Make a token"):
        await page.get_by_text(summary, exact=True).first.click()


async def made(page: Page) -> None:
    await page.get_by_text("Make a token", exact=True).first.click()
    form = page.get_by_role("form", name="Make a token")
    await form.get_by_label("What it is for").fill("looked over")
    await form.get_by_role("button", name="Make it").click()
    await expect(page.locator("[data-secret]")).to_be_visible()


def chart(kind: str) -> tuple[str, Prepare]:
    path = f"/tasks/:squares?view=chart&chart={kind}&x=payload&y=result"
    return path, lambda page: expect(page.locator(".result-chart canvas")).to_be_visible()


PAGES: dict[str, tuple[str, str, Prepare]] = {
    "overview empty": ("empty", "/", heading("No distributor is online")),
    "overview": ("busy", "/", charts),
    "overview as tables": (
        "busy",
        "/",
        press("Show as table", lambda page: expect(page.get_by_role("table").first).to_be_visible()),
    ),
    "manager away": ("away", "/", text("No connection to the manager")),
    "tasks empty": ("empty", "/tasks", text("No tasks yet")),
    "tasks": ("busy", "/tasks", text("1–50 of 63")),
    "tasks none match": ("busy", "/tasks?q=nothing+is+called+this", heading("Tasks")),
    "tasks chosen": ("busy", "/tasks", selection),
    "tasks asked": ("busy", "/tasks", sure),
    "task missing": ("busy", "/tasks/none", text("does not exist")),
    "task asked": ("busy", "/tasks/:squares", press("Cancel task squares", dialog)),
    "task failures": ("busy", "/tasks/:broken?tab=failures", text("An example")),
    "task payloads": ("busy", "/tasks/:squares?tab=payloads", text("Look up")),
    "task code": ("busy", "/tasks/:squares?tab=code", text("export default")),
    "task settings": ("busy", "/tasks/:squares?tab=settings", text("Priority")),
    "results table": ("busy", "/tasks/:squares?view=table", text("1–20 of 20")),
    "results line": ("busy", *chart("line")),
    "results scatter": ("busy", *chart("scatter")),
    "results histogram": ("busy", *chart("histogram")),
    "results heat map": ("busy", *chart("heatmap")),
    "results image": ("busy", "/tasks/:picture", text("1 of 40 tiles painted")),
    "payload": ("busy", "/tasks/:squares/payloads/1", heading("Payload 1")),
    "payload failed": ("busy", "/tasks/:broken/payloads/2", text("timed out")),
    "new task": ("busy", "/tasks/new", heading("1. Code")),
    "new task filled": ("busy", "/tasks/new", filled),
    "new task tried": ("busy", "/tasks/new", tried),
    "new task refused": ("busy", "/tasks/new", refused),
    "new task wasm": ("busy", "/tasks/new", wasm),
    "new task python": ("busy", "/tasks/new", python),
    "fleet empty": ("empty", "/fleet", text("None has been here")),
    "fleet": ("busy", "/fleet", fleet),
    "fleet cap": ("busy", "/fleet", cap),
    "fleet block": ("busy", "/fleet", press(f"Block client {CLIENTS[0]}", dialog)),
    "sites empty": ("empty", "/sites", text("No page embeds")),
    "sites": ("busy", f"/sites?site={SITE}", text("Average lifespan")),
    "events": ("busy", "/events", text("create user")),
    "settings empty": ("empty", "/settings", text("There are no users yet")),
    "settings": ("busy", "/settings", all_settings),
    "settings token": ("busy", "/settings", made),
    "settings asked": ("busy", "/settings", press("Remove vera", dialog)),
    "no such page": ("busy", "/nothing", heading("No such page")),
}


@pytest.mark.parametrize("name", PAGES)
async def test_every_page_has_no_violations(page: Page, shown: Everything, name: str) -> None:
    which, path, prepare = PAGES[name]
    path = re.sub(r":(\w+)", lambda found: shown.tasks.get(found[1], found[0]), path)
    await page.goto(shown.url(which) + path)
    await prepare(page)
    await look_over(page)


async def look_over(page: Page) -> None:
    """Fail with all that is wrong, in every look."""
    wrong = []
    for scheme, width in LOOKS:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.set_viewport_size({"width": width, "height": 900})
        wrong += [f"{scheme} {width}: {each}" for each in await violations(page)]
        wide = await page.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{scheme} {width}: it scrolls sideways, {wide} px"] if wide > width else []
    assert wrong == []


async def test_signing_in_has_no_violations(browser: Browser, shown: Everything) -> None:
    context = await open_for_axe(browser)
    page = await context.new_page()
    try:
        await page.goto(f"{shown.url()}/login")
        await look_over(page)
        await page.get_by_label("Name").fill("vera")
        await page.get_by_label("Password").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("is wrong")
        await look_over(page)
        await page.goto(f"{shown.url()}/login?once=used")
        await expect(page.get_by_role("alert")).to_contain_text("used already")
        await look_over(page)
    finally:
        await context.close()


@pytest.mark.parametrize("path", ["/status", "/tasks/:squares"])
async def test_pages_for_everybody_have_no_violations(browser: Browser, shown: Everything, path: str) -> None:
    context = await open_for_axe(browser)
    page = await context.new_page()
    try:
        await page.goto(shown.manager.url + path.replace(":squares", shown.tasks["squares"]))
        await expect(page.get_by_text("squares").first).to_be_visible()
        await look_over(page)
    finally:
        await context.close()


@pytest.mark.parametrize("path", ["/demo", "/help"])
async def test_pages_for_volunteers_have_no_violations(browser: Browser, stand_in: StandIn, path: str) -> None:
    """The widget's own states are looked over in ``test_widget``."""
    context = await open_for_axe(browser)
    page = await context.new_page()
    try:
        await page.goto(stand_in.url + path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await look_over(page)
    finally:
        await context.close()
