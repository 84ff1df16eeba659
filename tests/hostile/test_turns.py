"""What tells a frozen page from a busy machine is tried out: it must see what it is there to see."""

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.browser.conftest import PRESS_MS, open_consent, press
from tests.waiting import wait_until

from .canaries import Ears
from .stand import HostileStand
from .turns import LONG_MS, Span, Turns

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

HOLD = f"{{ const end = performance.now() + {3 * LONG_MS}; while (performance.now() < end); }}"
US = "http://disio"


@pytest_asyncio.fixture(loop_scope="session")
async def stand() -> AsyncIterator[HostileStand]:
    """A distributor and a page of the hostile suite; nothing runs."""
    ears = await Ears().open()
    stand = HostileStand(ears)
    await stand.start()
    yield stand
    await stand.stop()
    ears.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: "Browser", stand: HostileStand) -> AsyncIterator["Page"]:
    """The page, watched since it was loaded."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(stand.host_url)
    await page.wait_for_function("window.disio !== undefined")
    await page.evaluate("watchTurns()")
    yield page
    await context.close()


async def seen(page: "Page", look: Callable[[Turns], list[Span]]) -> Turns:
    """Wait until the browser told of something."""

    async def told() -> bool:
        return bool(look(await Turns.of(page)))

    await wait_until(told)
    return await Turns.of(page)


async def test_a_task_of_the_consent_frame_that_holds_the_page_is_seen_as_its_own(
    page: "Page", stand: HostileStand
) -> None:
    consent = await open_consent(page)
    await consent.evaluate(f"void setTimeout(() => {HOLD})")

    def held(turns: Turns) -> list[Span]:
        return [task for task in turns.not_its_own(stand.url) if task.ms > 2 * LONG_MS]

    turns = await seen(page, held)
    assert any(gap.meets(task) for gap in turns.gaps for task in held(turns))


async def test_a_long_script_of_the_loader_is_seen_as_its_own(page: "Page", stand: HostileStand) -> None:
    await page.evaluate(f"void disio.on('consent', () => {HOLD})")
    consent = await open_consent(page)
    await press(consent, "#no", lambda: page.wait_for_selector("iframe", state="detached", timeout=PRESS_MS))
    turns = await seen(page, lambda turns: [script for script in turns.scripts if script.ms > LONG_MS])
    assert f"{stand.url}/client.js" in {span.source for span in turns.not_its_own(stand.url)}


async def test_what_the_page_does_itself_is_not_taken_for_disio(page: "Page", stand: HostileStand) -> None:
    await page.evaluate(f"void setTimeout(() => {HOLD})")
    turns = await seen(page, lambda turns: turns.tasks)
    assert [task.source for task in turns.tasks] == ["self"]
    assert turns.not_its_own(stand.url) == []


async def test_an_idle_page_has_no_disio(browser: "Browser", stand: HostileStand) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{stand.host_url}/?idle")
    assert await page.evaluate("[typeof disio, typeof turns]") == ["undefined", "object"]
    await context.close()


def test_only_disios_own_counts_and_only_when_it_is_long() -> None:
    tasks = [Span(0, 60, "self"), Span(100, 70, "cross-origin-descendant"), Span(200, 80, "unknown")]
    scripts = [Span(300, LONG_MS, f"{US}/client.js"), Span(400, 51, f"{US}/client.js"), Span(450, 51, "http://host/")]
    turns = Turns(1.0, 61.0, [Span(0, 61), Span(90, 20), Span(500, 55)], tasks, scripts)
    assert [span.at for span in turns.not_its_own(US)] == [100, 400]
    assert str(turns) == (
        "3 gaps over 50 ms in 1 s, the largest 61 ms; its thread was held in 2 of them, by 3 long tasks"
    )


@pytest.mark.parametrize(("at", "meets"), [(0, False), (1, True), (15, True), (29, True), (30, False)])
def test_times_meet_when_they_share_a_moment(at: float, meets: bool) -> None:
    assert Span(at, 10).meets(Span(10, 20)) is meets
    assert Span(10, 20).meets(Span(at, 10)) is meets
