"""Fixtures of the browser tests: a stand-in distributor, a page that embeds it, and a visitor's consent."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import Error, TimeoutError, expect

from tests.waiting import patient

from .everything import Everything, everything
from .stand_in import STATIC, StandIn

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Frame, Page

PRESSES = 15
PRESS_MS = 2_000
"""How long a click may take to show its effect before it counts as dropped. Some buttons undo the click before."""
CLICK_MS = 5_000
"""How long a busy machine may take to carry a click out."""
EXPECT_MS = 15_000
"""How long what is expected of a page may take to show."""
expect.set_options(timeout=patient(EXPECT_MS))


@pytest.fixture(scope="session")
def built_pages() -> Path:
    """Where the built pages lie; tests of what was not built cannot pass."""
    if not (STATIC / "manifest.json").exists():
        pytest.fail("the browser client is not built: run `npm ci && npm run build` in client_web/")
    return STATIC


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Everything]:
    """A platform with something on every page, for tests that look at it and change little."""
    async with everything(tmp_path_factory.mktemp("everything")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def stand_in(built_pages: Path) -> AsyncIterator[StandIn]:
    """A stand-in distributor of this test's own."""
    server = StandIn()
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser_context: "BrowserContext", stand_in: StandIn) -> "Page":
    """A page of another origin that embeds the stand-in, loaded, before any click."""
    page = await browser_context.new_page()
    await page.goto(stand_in.host_url)
    await page.wait_for_function("window.disio !== undefined")
    return page


@pytest_asyncio.fixture(loop_scope="session")
async def consent(page: "Page", stand_in: StandIn) -> "Frame":
    """The consent frame, open, before its Start was clicked."""
    return await open_consent(page)


@pytest_asyncio.fixture(loop_scope="session")
async def running(consent: "Frame", stand_in: StandIn) -> StandIn:
    """The stand-in, with a browser client that its visitor started."""
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    await stand_in.until(lambda: stand_in.messages, "Hello")
    return stand_in


async def press(frame: "Frame", selector: str, effect: Callable[[], Awaitable[object]]) -> None:
    """Click until it counts: Chromium drops input to a frame of another origin that moved in the last half second."""
    for _ in range(PRESSES):
        # Not TimeoutError alone: a click before may have taken the frame away, which is an effect.
        with contextlib.suppress(Error):
            await frame.click(selector, timeout=CLICK_MS)
        with contextlib.suppress(TimeoutError):
            await effect()
            return
    raise AssertionError(f"{PRESSES} clicks on {selector} did nothing")


async def open_consent(page: "Page") -> "Frame":
    """Open the widget as a visitor does and return its frame."""
    await page.evaluate("window.disio.open()")
    element = await page.wait_for_selector("iframe")
    assert element is not None
    assert element is not None
    frame = await element.content_frame()
    assert frame is not None
    # The frame takes the size of what is in it, and Start counts only once the browser says that it can be seen.
    await frame.wait_for_selector("html[data-sight=clear] #start")
    return frame
