"""How units end in a real browser: each alone, with the right kind."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from disio_shared import messages as m
from tests.browser.conftest import PRESS_MS, open_consent, press
from tests.browser.stand_in import StandIn

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
}


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
        stand = self.stand
        await stand.until(lambda: len(stand.results(token)) + len(stand.failures(token)) == count, "answers")
        return stand.results(token), stand.failures(token)


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: "Browser") -> AsyncIterator[Visit]:
    """A browser client with one slot at work all the time."""
    stand = StandIn()
    await stand.start()
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(stand.host_url)
    await page.wait_for_function("window.disio !== undefined")
    consent = await open_consent(page)
    await consent.evaluate("document.querySelector('input[value=\"80\"]').click()")
    visit = Visit(stand, page)
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    await stand.until(lambda: stand.messages, "Hello")
    yield visit
    await context.close()
    await stand.stop()


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
