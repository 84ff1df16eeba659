"""A tab that is really not in front: nothing is computed in it, and it goes on when it comes back.

Rule: nothing is attached to the page meanwhile. Whoever is attached has the browser pretend that each page has the
focus, and no page is
hidden then. Other tabs are opened and brought to the front through the browser's own small HTTP interface.
"""

import asyncio
import time
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
LOOK_S = 0.5
"""A rate takes time to read."""
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
        # By its own click: two of a visitor's, where a busy machine shows the first one late, would untick it again.
        await consent.evaluate("document.querySelector('#allow-hidden').click()")
        assert await consent.evaluate("document.querySelector('#allow-hidden').checked")
    await stand_in.assign(ENDLESS, [1, 2, 3, 4], unit_timeout_s=600.0)


async def is_computing(own: OwnBrowser, *, wanted: bool) -> None:
    """Wait until the renderers take much of a processor, or next to none of it."""
    seen = [(time.monotonic(), own.renderers_s())]
    shares: list[float] = []

    def looks() -> bool:
        """Tell whether it was so since the last look; one is taken every half second."""
        (then, before), at = seen[-1], time.monotonic()
        if at - then < LOOK_S:
            return False
        spent = own.renderers_s()
        seen.append((at, spent))
        shares.append((spent - before) / (at - then))
        return shares[-1] > 0.5 if wanted else shares[-1] < 0.1

    await wait_until(looks, timeout=60, on_timeout=lambda: shares)


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
    await asyncio.sleep(WATCHED_S)  # long enough for a pause to come
    await is_computing(own_browser, wanted=True)
