"""How units end in a real browser: each alone, with the right kind, and what they do to others in other slots.

A process of the browser that is killed costs nobody a unit.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from disio_shared import messages as m
from tests.browser.conftest import PRESS_MS, open_consent, press
from tests.browser.stand_in import StandIn
from tests.services.need import need
from tools import found

from .own_browser import OwnBrowser

if TYPE_CHECKING:
    from playwright.async_api import Browser, Frame, Page

UNIT = "export default %(sync)s (p, unit) => { if (p === 2) { %(body)s } return p + 1 }"
ENDINGS = {
    "an endless loop": ("", "for (;;) {}", "timeout", "no answer within the unit's limit of 1 s"),
    "an endless await": ("async", "for (;;) await null", "timeout", "no answer within the unit's limit of 1 s"),
    "microtasks": ("async", "const f = () => queueMicrotask(f); f(); await new Promise(() => {})", "timeout", "1 s"),
    "a text thrown": ("", "throw 'just text'", "error", "just text"),
    "a rejection that nobody awaits": (
        "async",
        "Promise.reject(new Error('lost')); await new Promise(() => {})",
        "error",
        "Error: lost",
    ),
    "an error in a timer": (
        "async",
        "setTimeout(() => { throw new Error('tick') }, 1); await new Promise(() => {})",
        "error",
        "tick",
    ),
    "a stack overflow": ("", "(function f() { f() })()", "error", "Maximum call stack size exceeded"),
    "too large a text": ("", "return 'x'.repeat(2000)", "result", "result is 2002 bytes; the limit is 1000"),
    "an endless string": ("", "let s = 'x'; for (;;) s += s", "memory", "Invalid string length"),
    "one huge buffer": ("", "new ArrayBuffer(2 ** 45)", "memory", "Array buffer allocation failed"),
    "one huge array": ("", "new Float64Array(2 ** 40)", "memory", "RangeError"),
    "a negative size": ("", "new ArrayBuffer(-1)", "error", "Invalid array buffer length"),
    "too small a buffer": ("", "new Uint8Array(new ArrayBuffer(8), 0, 9)", "error", "Invalid typed array length: 9"),
}


HOLD = "const until = performance.now() + %d; while (performance.now() < until);"
SLOW = f"export default (n) => {{ {HOLD % 1500} return n }}"
FILLS_MEMORY = "const kept = []; for (;;) kept.push(new Uint8Array(2 ** 31))"
KILLS_ITS_PROCESS = "'x'.repeat(2 ** 28).split('')"
"""V8 ends the process for the list that this would take."""
BESIDE = {
    "loops for ever": ("for (;;) {}", "timeout", 1.5),
    "fills its memory": (FILLS_MEMORY, "memory", 10.0),
    "kills its process": (KILLS_ITS_PROCESS, "crash", 10.0),
}
"""What a unit does, how it ends by that, and its limit in seconds: time enough for what is to end it otherwise."""
CORES = "Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', {get: () => %d})"
PLAIN = "if (location.pathname.startsWith('/embed/compute')) Element.prototype.append = () => {}"
"""A compute frame with nothing in it does not show that it lost its process, as in browsers other than Chromium."""
LOOKS_LATE = "const every = setInterval; window.setInterval = (look, ms) => every(look, ms === 500 ? 4000 : ms)"
"""The compute frame is not looked at before its process is gone."""
BLIND = "Object.defineProperty(document, 'hidden', {get: () => true})"
"""A frame's silence means nothing while its page is hidden; the page is not told, so that it works on."""


class Visit:
    """A page whose visitor lends computing time."""

    def __init__(self, stand: StandIn, page: "Page") -> None:
        self.stand, self.page = stand, page
        self.frames = 0
        """Compute frames that were made so far."""
        page.on("framenavigated", self._note)

    def _note(self, frame: "Frame") -> None:
        self.frames += "/embed/compute" in frame.url

    async def answers(self, token: str, count: int) -> tuple[dict[int, Any], dict[int, tuple[str, str]]]:
        """Wait for all answers of a batch."""
        return await answers(self.stand, token, count)


async def answers(stand: StandIn, token: str, count: int) -> tuple[dict[int, Any], dict[int, tuple[str, str]]]:
    """Wait for all answers of a batch."""
    await stand.until(lambda: len(stand.results(token)) + len(stand.failures(token)) == count, "answers")
    return stand.results(token), stand.failures(token)


async def start(page: "Page", stand: StandIn, cores: int = 2, percent: int = 80) -> "Frame":
    """Lend a part of a computer with so many cores; returns the consent frame."""
    await page.add_init_script(CORES % cores)
    await page.goto(stand.host_url)
    await page.wait_for_function("window.disio !== undefined")
    consent = await open_consent(page)
    await consent.evaluate(f"document.querySelector('input[value=\"{percent}\"]').click()")
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    hello = await stand.until(lambda: stand.of_type(m.Hello), "Hello")
    assert hello[0].cores == max(1, -(-cores * percent // 100))
    return consent


@pytest_asyncio.fixture(loop_scope="session")
async def stand() -> AsyncIterator[StandIn]:
    """A distributor."""
    stand = StandIn()
    await stand.start()
    yield stand
    await stand.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: "Browser", stand: StandIn) -> AsyncIterator[Visit]:
    """A browser client with one slot at work all the time."""
    context = await browser.new_context()
    visit = Visit(stand, await context.new_page())
    await start(visit.page, stand)
    yield visit
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def own_browser(tmp_path: Path) -> AsyncIterator[OwnBrowser]:
    """A browser whose processes may be killed."""
    known = need("chromium", found.chromium())
    async with async_playwright() as playwright:
        own = OwnBrowser(str(known.path), playwright, tmp_path)
        await asyncio.to_thread(own.start)
        yield own
        await asyncio.to_thread(own.stop)


async def test_every_ending_is_that_units_alone(visit: Visit) -> None:
    for name, (sync, body, kind, words) in ENDINGS.items():
        code = UNIT % {"sync": sync, "body": body}
        terms = m.Terms(max_result_bytes=1000)
        token = await visit.stand.assign(code, list(range(5)), task=name, unit_timeout_s=1.0, terms=terms)
        results, failures = await visit.answers(token, 5)
        assert results == {0: 1, 1: 2, 3: 4, 4: 5}, (name, failures)
        assert failures[2][0] == kind, (name, failures)
        assert words in failures[2][1], (name, failures)


async def test_code_that_loads_for_ever_fails_every_unit_once(visit: Visit) -> None:
    token = await visit.stand.assign("for (;;) {}\nexport default (p) => p", [1])
    results, failures = await visit.answers(token, 1)
    assert results == {}
    assert set(failures.values()) == {("timeout", "the work unit does not load: its code was not ready within 10 s")}


@pytest.mark.parametrize("body", ["let s = 'x'; for (;;) s += s", "for (;;) {}"])
async def test_after_memory_or_time_ran_out_the_frame_is_made_anew(visit: Visit, body: str) -> None:
    before = visit.frames
    token = await visit.stand.assign(UNIT % {"sync": "", "body": body}, [1, 2, 3], unit_timeout_s=1.0)
    results, failures = await visit.answers(token, 3)
    assert (results, list(failures)) == ({0: 2, 2: 4}, [1])
    after = await visit.stand.assign("export default (n) => n", [7])
    assert await visit.answers(after, 1) == ({0: 7}, {})
    assert visit.frames > before


async def is_well(own: OwnBrowser) -> None:
    """Assert that the page is the one that was loaded first, and that its consent frame works on, with one frame."""
    async with own.page() as page:
        assert await page.evaluate("[window.loaded, disio.state]") == [1, "running"]
        consent = next(frame for frame in page.frames if "/embed/consent" in frame.url)
        # A worn frame is made anew when nothing runs, so there may be none for a moment.
        await consent.wait_for_function("document.querySelectorAll('iframe').length === 1")


@pytest.mark.parametrize("seen", ["hollow", "hollow-at-once", "silent"])
async def test_a_frame_whose_process_is_killed_costs_no_unit(
    own_browser: OwnBrowser, stand: StandIn, seen: str
) -> None:
    shown = seen != "silent"
    async with own_browser.page() as page:
        if not shown:
            await page.add_init_script(PLAIN)
        if seen == "hollow-at-once":
            await page.add_init_script(LOOKS_LATE)
        consent = await start(page, stand)
        await page.evaluate("window.loaded = 1")
        if shown:
            await consent.evaluate(f"void {BLIND}")
    token = await stand.assign(SLOW, [5, 6])
    await own_browser.kill_busy_renderer()
    assert await answers(stand, token, 2) == ({0: 5, 1: 6}, {})
    await is_well(own_browser)


async def test_a_unit_that_ends_its_process_is_the_only_one_blamed(own_browser: OwnBrowser, stand: StandIn) -> None:
    async with own_browser.page() as page:
        await start(page, stand)
        await page.evaluate("window.loaded = 1")
    token = await stand.assign(UNIT % {"sync": "", "body": KILLS_ITS_PROCESS}, [1, 2, 3])
    assert await answers(stand, token, 3) == ({0: 2, 2: 4}, {1: ("crash", "the unit ended its worker")})
    await is_well(own_browser)


async def test_a_killed_frame_costs_none_of_the_units_of_several_slots(own_browser: OwnBrowser, stand: StandIn) -> None:
    async with own_browser.page() as page:
        await start(page, stand, cores=4, percent=50)
        await page.evaluate("window.loaded = 1")
    token = await stand.assign(SLOW, list(range(5)))
    await own_browser.kill_busy_renderer()
    assert await answers(stand, token, 5) == ({n: n for n in range(5)}, {})
    await is_well(own_browser)


@pytest.mark.parametrize("name", BESIDE)
async def test_what_one_slots_unit_does_costs_no_other_slots_unit(
    own_browser: OwnBrowser, stand: StandIn, name: str
) -> None:
    body, kind, limit_s = BESIDE[name]
    async with own_browser.page() as page:
        await start(page, stand, cores=4, percent=50)
        await page.evaluate("window.loaded = 1")
    bad = await stand.assign(UNIT % {"sync": "", "body": body}, [1, 2, 3], task="bad", unit_timeout_s=limit_s)
    slow = await stand.assign(SLOW, [1, 2, 3], task="slow")
    assert await answers(stand, slow, 3) == ({0: 1, 1: 2, 2: 3}, {})
    results, failures = await answers(stand, bad, 3)
    assert (results, {at: said for at, (said, _) in failures.items()}) == ({0: 2, 2: 4}, {1: kind})
    await is_well(own_browser)
