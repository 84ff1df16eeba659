"""An embedding page goes on answering while disio is loaded, starts, computes and stops.

The consent frame of these tests is of the same site as the page, so both share a thread: the hardest case. Frames of
another site have a process of their own. A task counts by its processor time; since a machine's host may take time that
looks like a task's own, a visit with a long task is made again: what holds the page does so each time.
"""

from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_until

from .conftest import PRESS_MS, open_consent, press
from .stand_in import StandIn
from .tracing import main_thread

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

LONGEST_MS = 50
VISITS = 4
WAIT_S = 60.0
ROUND = "export default n => { const end = Date.now() + n; while (Date.now() < end); return 'x'.repeat(1000); }"
PYTHON = "def run(payload, unit):\n    return payload"


async def visit(page: "Page", stand_in: StandIn) -> None:
    """Be a visitor who starts, computes in two languages, pauses, goes on and revokes."""
    await page.goto(stand_in.host_url)
    await page.wait_for_function("window.disio !== undefined")
    frame = await open_consent(page)
    await press(frame, "#start", lambda: frame.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    await stand_in.until(lambda: stand_in.messages, "Hello")
    quick = await stand_in.assign(ROUND, [1] * 300)
    await stand_in.until(lambda: len(stand_in.results(quick)) == 300, "results")
    # Its files pass through the page's thread. It need not be waited for: on a busy machine it starts in half a minute.
    await stand_in.assign(PYTHON, [1, 2], language="python", unit_timeout_s=60.0)
    await wait_until(lambda: any(asked.endswith("stdlib.zip") for asked in stand_in.requests), WAIT_S)
    await page.wait_for_function("disio.stats.tasks.length > 0")
    await page.evaluate("disio.pause()")
    await page.wait_for_function("disio.state === 'paused'")
    await page.evaluate("disio.resume()")
    await page.wait_for_function("disio.state === 'running'")
    await page.evaluate("disio.revoke()")
    await page.wait_for_function("disio.state === 'revoked'")


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("built_pages")
async def test_no_task_of_the_page_takes_50_ms(browser: "Browser") -> None:
    held: list[tuple[float, str]] = []
    for _ in range(VISITS):
        held = await held_by_a_visit(browser)
        if not held:
            break
    assert held == []


async def held_by_a_visit(browser: "Browser") -> list[tuple[float, str]]:
    """Return the tasks that held the page for too long, of a visit to a distributor of its own."""
    stand_in = StandIn()
    await stand_in.start()
    context = await browser.new_context()
    page = await context.new_page()
    async with main_thread(browser, page) as seen:
        await visit(page, stand_in)
    await context.close()
    await stand_in.stop()
    scripts = {url.split("#")[0] for url in seen.scripts}
    assert {f"{stand_in.url}/client.js", f"{stand_in.url}/embed/consent"} <= scripts
    assert len(seen.tasks) > 100
    return seen.longer_than(LONGEST_MS)
