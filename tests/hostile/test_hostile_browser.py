"""The hostile suite against the browser client in a real Chromium: its page, storage and network are not touched.

The page around it is never frozen by units: they run in another process, and the browser tells which long tasks were
not the page's own. Tasks are long by the clock, and a machine can stand still while any of them runs; but what freezes
a page does so whenever it is played, so cases with long tasks are played again, and what counts then is processor time.
How long the page waited between its turns is printed beside the same of a page without disio, which another process of
the same browser shows.
The distributor and the page are of one site here, so that the consent frame shares the page's thread: on a page of
another site it does not.
"""

import hashlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.browser.conftest import PRESS_MS, open_consent, press
from tests.browser.stand_in import STATIC
from tests.browser.tracing import main_thread

from .canaries import Ears
from .cases import Case, of_client
from .stand import CLIENT_SECRET, PAGE_SECRET, HostileStand
from .suite import CASES
from .turns import DRAWN, LONG_MS, NOW, Span, Turns

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

KNOWN = (
    "/socket.io/",
    "/workunits/",
    "/kits/",
    "/embed/",
    "/ping",
    "/client.js",
    "/.well-known/disio.json",
    "/favicon.ico",
)
"""What a client asks its distributor for."""

AGAIN = 5
"""So often is a case played again before it is what froze the page: time that a host takes may look like the task's."""
NEVER_BUSY = """{
  const observe = PerformanceObserver.prototype.observe;
  PerformanceObserver.prototype.observe = function (what) {
    if (what.type !== "longtask" || what.forTheTest) observe.call(this, what);
  };
}"""
"""Long tasks are long by the clock: on a machine that others load, disio would take its page for a busy one, and pause
for minutes. That it does is tested with the pauses; these tests look at the tasks themselves."""


class Visit:
    """A page whose visitor lends computing time, and an idle page beside it."""

    def __init__(self, stand: HostileStand, page: "Page", idle: "Page") -> None:
        self.stand, self.page, self.idle = stand, page, idle
        self._played: list[tuple[Case, Span]] = []

    async def play(self, case: Case) -> Any:
        """Play one case."""
        evil = self.stand.evil(file="file:///etc/hostname", home="/nest", variable="HOME", pid="1")
        began = await self.page.evaluate(NOW)
        said = await self.stand.play(case, evil, [PAGE_SECRET, CLIENT_SECRET])
        self._played.append((case, Span(began, await self.page.evaluate(NOW) - began)))
        asked = [path for path in self.stand.requests if not path.startswith(KNOWN)]
        assert not asked, f"{case} made the browser ask for {asked}"
        return said

    async def suspects(self) -> list[Case]:
        """Return the cases during which something of disio's held the page's thread for long, by the clock."""
        await self.page.evaluate(DRAWN)
        held = (await Turns.of(self.page)).not_its_own(self.stand.url)
        return [case for case, span in self._played if any(span.meets(task) for task in held)]

    async def held_by(self, case: Case, browser: "Browser") -> list[tuple[float, str]]:
        """Play a case again; returns tasks that held the page long by their processor time, if some did each time."""
        held: list[tuple[float, str]] = []
        for _ in range(AGAIN):
            async with main_thread(browser, self.page) as thread:
                await self.play(case)
            assert thread.tasks
            held = thread.longer_than(LONG_MS)
            if not held:
                break
        return held

    async def watch(self) -> None:
        """Forget what was seen of the pages so far."""
        for page in (self.page, self.idle):
            await page.evaluate("watchTurns()")

    async def seen(self) -> str:
        """Return what was seen of both pages, in words."""
        page, idle = [await Turns.of(page) for page in (self.page, self.idle)]
        held = page.not_its_own(self.stand.url)
        return (
            f"embedding page: {page}; {len(held)} of disio's, {sum(task.ms for task in held):.0f} ms in all\n"
            f"idle page: {idle}"
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visit(browser: "Browser") -> AsyncIterator[Visit]:
    """A browser client that works, for all cases."""
    assert (STATIC / "manifest.json").exists(), "the browser client is not built: run make web"
    ears = await Ears().open()
    stand = HostileStand(ears)
    await stand.start()
    context = await browser.new_context()
    idle = await context.new_page()
    # Of another site, so that it has a process of its own.
    await idle.goto(f"{stand.host_url.replace('127.0.0.1', 'localhost')}/?idle")
    page = await context.new_page()
    # One slot that never rests: units of a case share a realm, and none waits for longer than the machine makes it.
    await page.add_init_script("Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', {get: () => 2})")
    await page.add_init_script(NEVER_BUSY)
    await page.goto(stand.host_url)
    await page.wait_for_function("window.disio !== undefined")
    consent = await open_consent(page)
    await consent.evaluate("document.querySelector('input[value=\"80\"]').click()")
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    await stand.until(lambda: stand.messages, "Hello")
    visit = Visit(stand, page, idle)
    await visit.watch()
    yield visit
    print(f"\nhostile suite, {len(stand.codes)} units in Chromium\n{await visit.seen()}")
    await context.close()
    await stand.stop()
    ears.close()


@pytest.mark.parametrize("case", of_client(CASES, "browser"), ids=str)
async def test_it_does_not_get_out_of_the_browser(visit: Visit, case: Case) -> None:
    said = await visit.play(case)
    assert said is not None


async def test_the_payload_of_another_task_is_not_there(visit: Visit) -> None:
    looks = next(case for case in CASES if case.name == "other-units")
    secret = f"payload-{hashlib.sha256(b'other').hexdigest()}"
    before = await visit.stand.assign(
        "globalThis.kept = []; export default (p) => { kept.push(p); return 1 }", [secret]
    )
    await visit.stand.until(lambda: visit.stand.results(before), "an answer")
    assert secret not in str(await visit.play(looks))


@pytest.mark.timeout(600)
async def test_no_unit_runs_where_it_could_freeze_the_page(visit: Visit, browser: "Browser") -> None:
    loops = next(case for case in CASES if case.name == "endless-loop")
    await visit.play(loops)
    session = await browser.new_browser_cdp_session()
    targets = (await session.send("Target.getTargets"))["targetInfos"]
    await session.detach()
    # Chromium lists a frame as a target of its own when another process renders it.
    apart = [target["url"] for target in targets if target["type"] == "iframe"]
    assert any(url.startswith(f"{visit.stand.url}/embed/compute") for url in apart), targets
    frozen = {case.name: held for case in await visit.suspects() if (held := await visit.held_by(case, browser))}
    assert not frozen, await visit.seen()


async def test_what_the_page_keeps_is_still_there_and_its_alone(visit: Visit) -> None:
    kept = await visit.page.evaluate("[localStorage.canary, sessionStorage.canary, document.cookie]")
    assert all(PAGE_SECRET in text for text in kept)
    assert await visit.page.evaluate("[localStorage.length, sessionStorage.length]") == [1, 1]
