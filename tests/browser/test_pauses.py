"""Pauses in a real browser: who computes when nobody may, measured as processor time of all the browser's renderers."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from disio_shared import messages as m
from tests.waiting import wait_until

from .conftest import PRESS_MS, press
from .stand_in import StandIn

if TYPE_CHECKING:
    from playwright.async_api import Browser, Frame, Page

ENDLESS = "export default () => { for (;;); }"
SAVING = """
export default async (n, unit) => {
  if (unit.state !== null && unit.state !== undefined) return { resumed: unit.state.at };
  unit.saveState({ at: n });
  await new Promise(done => setTimeout(done, 50));
  for (;;);
}
"""
WATCHED_S = 3.0
"""How long nothing may be computed. One core would take as much processor time."""
FLAT_S = 0.6
"""What all renderers together may take in that time: pages live, even when nothing is computed."""


async def renderers_s(browser: "Browser") -> float:
    """Processor time of all renderers of the browser, in seconds."""
    session = await browser.new_browser_cdp_session()
    answer = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    return float(sum(info["cpuTime"] for info in answer["processInfo"] if info["type"] == "renderer"))


async def spent(browser: "Browser") -> float:
    """Processor time that the renderers take within ``WATCHED_S``."""
    before = await renderers_s(browser)
    await asyncio.sleep(WATCHED_S)  # what is measured is this very time
    return await renderers_s(browser) - before


async def is_flat(browser: "Browser") -> bool:
    """Tell whether nothing is computed. Pages do other things, too; they are done with them in the second time."""
    return await spent(browser) < FLAT_S or await spent(browser) < FLAT_S


async def computing(running: StandIn, browser: "Browser") -> str:
    """Assign units that never end, and wait until the processor feels it; returns their token."""
    token = await running.assign(ENDLESS, [1, 2, 3, 4], unit_timeout_s=600.0)
    before = await renderers_s(browser)

    async def is_felt() -> bool:
        return await renderers_s(browser) - before >= 1.0

    await wait_until(is_felt, timeout=60)
    return token


async def test_nothing_is_computed_before_the_click(consent: "Frame", stand_in: StandIn, browser: "Browser") -> None:
    await stand_in.assign(ENDLESS, [1, 2, 3, 4], unit_timeout_s=600.0)
    assert await is_flat(browser)
    assert not stand_in.messages


async def test_a_pause_ends_a_unit_that_never_ends(
    running: StandIn, browser: "Browser", page: "Page", consent: "Frame"
) -> None:
    await computing(running, browser)
    await press(consent, "#badge", lambda: consent.wait_for_selector("#pause", timeout=PRESS_MS))
    await press(consent, "#pause", lambda: page.wait_for_function("disio.state === 'paused'", timeout=PRESS_MS))
    assert await is_flat(browser)
    await page.wait_for_function("disio.state === 'paused'")


async def test_a_revoked_client_computes_nothing(running: StandIn, browser: "Browser", page: "Page") -> None:
    await computing(running, browser)
    await page.evaluate("disio.revoke()")
    await page.wait_for_function("disio.state === 'revoked'")
    assert await is_flat(browser)


async def test_a_frame_that_is_not_displayed_computes_nothing(
    running: StandIn, browser: "Browser", page: "Page"
) -> None:
    await computing(running, browser)
    await page.evaluate("document.querySelector('iframe').style.display = 'none'")
    await page.wait_for_function("disio.state === 'paused'")
    assert await is_flat(browser)
    await page.evaluate("document.querySelector('iframe').style.display = ''")
    await page.wait_for_function("disio.state === 'running'")


@pytest.mark.parametrize(
    "style",
    ["opacity: 0.01", "max-width: 0", "left: -3000px; right: auto", "clip-path: inset(50%)"],
)
async def test_a_badge_that_cannot_be_seen_pauses(
    running: StandIn, browser: "Browser", page: "Page", style: str
) -> None:
    await computing(running, browser)
    await page.evaluate("style => { document.querySelector('iframe').style.cssText += ';' + style }", style)
    await page.wait_for_function("disio.state === 'paused'")
    assert await is_flat(browser)


async def test_a_covered_badge_pauses(running: StandIn, browser: "Browser", page: "Page") -> None:
    await computing(running, browser)
    cover = "position:fixed;inset:0;z-index:2147483647;background:#fff;pointer-events:none"
    await page.evaluate(
        "css => { const e = document.createElement('div'); e.style.cssText = css; document.body.append(e) }", cover
    )
    await page.wait_for_function("disio.state === 'paused'")
    assert await is_flat(browser)


async def test_a_unit_that_was_paused_goes_on_from_what_it_saved(running: StandIn, page: "Page") -> None:
    token = await running.assign(SAVING, [7], unit_timeout_s=60.0)
    await running.until(lambda: running.of_type(m.Checkpoint), "checkpoint")
    await page.evaluate("disio.pause()")
    await page.wait_for_function("disio.state === 'paused'")
    await asyncio.sleep(0.3)  # past the moment that a run has to end by itself
    await page.evaluate("disio.resume()")
    await running.until(lambda: running.results(token), "result")
    assert running.results(token) == {0: {"resumed": 7}}
    assert running.failures(token) == {}
