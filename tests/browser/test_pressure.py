"""A processor under pressure pauses, in a browser that tells of it: readings come as the test wishes.

The other tests' browser does not tell: what else the machine does is no matter of theirs.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.conftest import CHROMIUM_ARGS
from tests.services.need import need
from tests.waiting import patient
from tools import found

from .conftest import PRESS_MS, press
from .stand_in import StandIn

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

TOLD_MS = 30_000


@pytest_asyncio.fixture(loop_scope="session")
async def telling_page() -> AsyncIterator["Page"]:
    """A page of a browser that tells how the processor is doing."""
    known = need("chromium", found.chromium())
    args = [arg for arg in CHROMIUM_ARGS if "ComputePressure" not in arg]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=known.path, args=args)
        yield await browser.new_page()
        await browser.close()


async def is_now(session: "CDPSession", state: str) -> None:
    """Have the browser say so from the next reading on."""
    await session.send("Emulation.setPressureStateOverride", {"source": "cpu", "state": state})


async def test_a_processor_under_pressure_pauses(telling_page: "Page", stand_in: StandIn) -> None:
    session = await telling_page.context.new_cdp_session(telling_page)
    await session.send("Emulation.setPressureSourceOverrideEnabled", {"source": "cpu", "enabled": True})
    await is_now(session, "nominal")
    # By itself, as on /help: a frame in a page of another site got no readings.
    await telling_page.goto(f"{stand_in.url}/embed/consent")
    frame = telling_page.main_frame
    await frame.wait_for_selector("html[data-sight=clear] #start")
    await press(frame, "#start", lambda: frame.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    await stand_in.until(lambda: stand_in.messages, "Hello")
    under_pressure = telling_page.get_by_text("under pressure")
    await expect(under_pressure).to_have_count(0)
    await is_now(session, "critical")
    await expect(under_pressure).to_be_visible(timeout=patient(TOLD_MS))
