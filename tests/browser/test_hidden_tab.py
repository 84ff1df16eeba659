"""A tab that is really not in front: nothing is computed in it, and it goes on when it comes back.

Rule: nothing is attached to the page meanwhile. Whoever is attached has the browser pretend that each page has the
focus, and no page is
hidden then. Other tabs are opened and brought to the front through the browser's own small HTTP interface.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.hostile.own_browser import OwnBrowser
from tests.services.need import need
from tests.waiting import wait_until
from tools import found

from .conftest import PRESS_MS, open_consent, press
from .stand_in import StandIn

if TYPE_CHECKING:
    from playwright.async_api import Page

ENDLESS = "export default () => { for (;;); }"
WATCHED_S = 3.0
FLAT_S = 0.6
"""See test_pauses.py."""


@pytest_asyncio.fixture(loop_scope="session")
async def own_browser(tmp_path: Path) -> AsyncIterator[OwnBrowser]:
    """A browser that nobody is attached to."""
    known = need("chromium", found.chromium())
    async with async_playwright() as playwright:
        own = OwnBrowser(str(known.path), playwright, tmp_path)
        await asyncio.to_thread(own.start)
        yield own
        await asyncio.to_thread(own.stop)


async def start(page: "Page", stand_in: StandIn, *, is_allowed: bool) -> None:
    """Start it as a visitor does, who may allow that it goes on in a hidden tab."""
    await page.goto(stand_in.host_url)
    await page.wait_for_function("window.disio !== undefined")
    consent = await open_consent(page)
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    if is_allowed:
        await press(consent, "#badge", lambda: consent.wait_for_selector("#stop", timeout=PRESS_MS))

        async def ticked() -> None:
            await consent.wait_for_selector("#allow-hidden:checked", timeout=PRESS_MS)

        await press(consent, "label:has(#allow-hidden)", ticked)
    await stand_in.assign(ENDLESS, [1, 2, 3, 4], unit_timeout_s=600.0)


async def is_computing(own: OwnBrowser, *, wanted: bool) -> None:
    """Wait until the renderers take much of a processor, or next to none of it."""

    async def looks() -> bool:
        before = own.renderers_s()
        await asyncio.sleep(0.5)  # a rate takes time to read
        return (own.renderers_s() - before > 0.25) if wanted else (own.renderers_s() - before < 0.05)

    async with asyncio.timeout(60):
        while not await looks():
            pass


async def call(method: str, url: str) -> Any:
    """One call of the browser's HTTP interface."""
    async with aiohttp.ClientSession() as http, http.request(method, url) as answer:
        assert answer.status == 200
        return await answer.json(content_type=None) if "/activate/" not in url else None


async def test_a_hidden_tab_computes_nothing_until_it_is_back(own_browser: OwnBrowser, stand_in: StandIn) -> None:
    async with own_browser.page() as page:
        await start(page, stand_in, is_allowed=False)
    await is_computing(own_browser, wanted=True)
    first = (await call("GET", f"{own_browser.url}/json/list"))[0]["id"]
    await call("PUT", f"{own_browser.url}/json/new?about:blank")
    await is_computing(own_browser, wanted=False)
    before = own_browser.renderers_s()
    await asyncio.sleep(WATCHED_S)  # what is measured is this very time
    assert own_browser.renderers_s() - before < FLAT_S
    await call("GET", f"{own_browser.url}/json/activate/{first}")
    await is_computing(own_browser, wanted=True)


async def test_a_hidden_tab_computes_when_its_visitor_allowed_it(own_browser: OwnBrowser, stand_in: StandIn) -> None:
    async with own_browser.page() as page:
        await start(page, stand_in, is_allowed=True)
    await is_computing(own_browser, wanted=True)
    await call("PUT", f"{own_browser.url}/json/new?about:blank")
    before = own_browser.renderers_s()
    await wait_until(lambda: own_browser.renderers_s() - before > 1.0)
