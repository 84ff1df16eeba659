"""The visitor's share in real Chromium: what units say they took, and what the kernel says the browser's workers took.

Rule: the share is one of time in which workers are busy, which holds on a machine that others load, too; there the
workers get less of the processor meanwhile, so of processor time only the upper bound is a promise. Exact figures on a
quiet machine are `benchmarks/throttle.py`'s.
"""

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.cpu_series import Reader
from disio_shared import messages as m

from .conftest import PRESS_MS, press
from .stand_in import StandIn

if TYPE_CHECKING:
    from playwright.async_api import Frame

UNIT = "export default (n) => { const end = performance.now() + 20; while (performance.now() < end); return n }"
WATCHED_S = 20.0
MOST, LEAST = 1.2, 0.6
"""Of the share: a busy machine wakes workers late, and a second's worth is kept for later, at most."""


def spent_s(running: StandIn) -> float:
    """Seconds that units were busy, by their own account, as far as their results are here."""
    return sum(sum(message.seconds) for message in running.messages if isinstance(message, m.Results))


@pytest.mark.parametrize("share", [5, 50])
async def test_workers_are_busy_for_the_chosen_share_of_the_time(
    running: StandIn, consent: "Frame", share: int
) -> None:
    cores = int(await consent.evaluate("navigator.hardwareConcurrency"))
    await press(consent, "#badge", lambda: consent.wait_for_selector("#stop", timeout=PRESS_MS))
    await consent.evaluate("share => document.querySelector(`input[name=share][value='${share}']`).click()", str(share))
    await running.assign(UNIT, list(range(20_000)))
    await running.until(lambda: spent_s(running) > 0, "first results")
    reader = Reader()
    reader.start()
    await running.until(lambda: reader.series, "a reading")
    before, begun, first = spent_s(running), time.monotonic(), reader.series[-1]
    await asyncio.sleep(WATCHED_S)  # a share of time takes time to read
    busy, took_s, last = spent_s(running) - before, time.monotonic() - begun, reader.series[-1]
    await reader.stop()
    wanted = cores * share / 100
    assert LEAST * wanted <= busy / took_s <= MOST * wanted, (busy / took_s, wanted)
    used = (last.workers - first.workers) / (last.at - first.at)
    assert 0 < used <= MOST * wanted, (used, wanted)
