"""A visitor's browser chooses its distributor, and loses nothing that it computed when that one dies.

Real distributors, a real manager, real Chromium. Rule: no result is computed twice by the only visitor, so what it
says it computed is what the task has.
"""

import json
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from disio.rest import ManagerClient
from tests.browser.conftest import PRESS_MS, open_consent, press
from tests.chaos.proxy import Faults, Proxy
from tests.chaos.stage import status_of
from tests.integration.env import Env, Started, task
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
UNIT = "export default async (n) => { await new Promise((done) => setTimeout(done, 100)); return n * n }"
TOTAL = 100
PATIENCE_S = 120.0


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Env]:
    made = Env(tmp_path)
    yield made
    made.stop()


@pytest.fixture
async def manager(
    env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Started, ManagerClient]]:
    """A manager whose leases are short, and a client of its REST interface."""
    (tmp_path / "disio.toml").write_text("[manager]\nlease_s = 15.0\nstatus_s = 2.0\n")
    monkeypatch.chdir(tmp_path)
    started = env.manager()
    async with env.rest(started) as rest:
        yield started, rest


async def started_page(context: "BrowserContext", url: str) -> "Page":
    """A volunteer's page, after Start was pressed in its box."""
    page = await context.new_page()
    await page.goto(f"{url}/demo")
    await page.wait_for_function("window.disio !== undefined")
    consent = await open_consent(page)
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    return page


async def computed(page: "Page") -> int:
    """How many units the visitor's browser has computed."""
    return int(await page.evaluate("disio.stats.units"))


async def has_computed(page: "Page", least: int, env: Env) -> None:
    """Wait until the visitor's browser has computed so many units."""

    async def look() -> bool:
        return await computed(page) >= least

    await wait_until(look, PATIENCE_S, on_timeout=env.dump)


async def know_each_other(*distributors: Started) -> None:
    """Wait until each has heard of the others."""

    async def look() -> bool:
        told = [json.loads((await status_of(f"{each.url}/ping"))[2])["siblings"] for each in distributors]
        return all(len(siblings) == len(distributors) - 1 for siblings in told)

    await wait_until(look, PATIENCE_S)


async def clients_of(distributor: Started) -> int:
    """How many clients a distributor has."""
    _, _, text = await status_of(f"{distributor.url}/metrics")
    lines = [line for line in text.splitlines() if line.startswith("disio_distributor_clients")]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))


async def done(rest: ManagerClient, task_id: str) -> dict[str, Any]:
    """The task's numbers, once it is over."""

    async def look() -> dict[str, Any] | None:
        seen = await rest.task(task_id)
        return seen if seen["state"] not in ("queued", "running") else None

    seen: dict[str, Any] | None = await wait_until(look, PATIENCE_S)
    assert seen is not None
    return seen


async def test_finished_results_outlive_the_distributor_that_handed_them_out(
    env: Env, manager: tuple[Started, ManagerClient], browser_context: "BrowserContext"
) -> None:
    started, rest = manager
    first = env.distributor(started.url, name="first")
    second = env.distributor(started.url, name="second")
    await know_each_other(first, second)
    created = await rest.create_task(task(UNIT, {"range": [0, TOTAL]}, when_exhausted="wait"))
    page = await started_page(browser_context, first.url)
    await has_computed(page, 3, env)
    first.process.send_signal(signal.SIGSTOP)
    known = int((await rest.task(created["id"]))["done"])
    kept = await computed(page) + 3
    await has_computed(page, kept, env)
    first.kill()

    async def is_there() -> bool:
        return await clients_of(second) == 1

    await wait_until(is_there, PATIENCE_S, on_timeout=env.dump)

    async def has_arrived() -> bool:
        return int((await rest.task(created["id"]))["done"]) >= kept

    await wait_until(has_arrived, PATIENCE_S, on_timeout=env.dump)
    assert known < kept, "what it kept was stored before the distributor died: this test has tested nothing"
    final = await done(rest, created["id"])
    assert (final["done"], final["failed"]) == (TOTAL, 0)
    assert [row["result"] async for row in rest.results(created["id"])] == [n * n for n in range(TOTAL)]
    assert await computed(page) == TOTAL, "nothing was computed twice, so no finished result was lost"


async def test_results_that_nobody_took_are_there_when_the_visitor_starts_again(
    env: Env, manager: tuple[Started, ManagerClient], browser_context: "BrowserContext"
) -> None:
    started, rest = manager
    first = env.distributor(started.url, name="first")
    created = await rest.create_task(task(UNIT, {"range": [0, 30]}, when_exhausted="wait"))
    page = await started_page(browser_context, first.url)
    await has_computed(page, 3, env)
    first.process.send_signal(signal.SIGSTOP)
    before = await computed(page)
    await has_computed(page, before + 3, env)
    frame = next(each for each in page.frames if "/embed/consent" in each.url)

    async def is_written() -> bool:
        rows = """() => new Promise(done => {
            const asked = indexedDB.open('disio.owed', 1);
            asked.onsuccess = () => {
                const all = asked.result.transaction('results').objectStore('results').getAll();
                all.onsuccess = () => done(all.result.reduce((sum, row) => sum + row.message.indexes.length, 0));
            };
        })"""
        return int(await frame.evaluate(rows)) >= 3

    await wait_until(is_written, PATIENCE_S)
    finished = await computed(page)
    await page.close()
    first.process.send_signal(signal.SIGCONT)
    again = await started_page(browser_context, first.url)
    final = await done(rest, created["id"])
    assert (final["done"], final["failed"]) == (30, 0)
    computed_twice = finished + await computed(again) - 30
    assert computed_twice < 3, "what was written is not computed again"


async def test_a_browser_goes_to_a_distributor_that_is_much_nearer(
    env: Env, manager: tuple[Started, ManagerClient], browser_context: "BrowserContext"
) -> None:
    started, rest = manager
    port = urlsplit(env.distributor(started.url, name="scout").url).port or 0
    env.started[-1].stop()  # its port is free, and known
    async with Proxy(port) as line:
        far = env.distributor(started.url, "--public-url", line.url, name="far", port=port)
        near = env.distributor(started.url, name="near")
        await know_each_other(far, near)
        line.set(Faults(latency_s=0.15))
        created = await rest.create_task(task(UNIT, {"range": [0, 10_000]}, when_exhausted="wait"))
        page = await started_page(browser_context, line.url)

        async def has_moved() -> bool:
            return await clients_of(near) == 1

        await wait_until(has_moved, PATIENCE_S, on_timeout=env.dump)
        finished = await computed(page)

        async def is_stored() -> bool:
            return int((await rest.task(created["id"]))["done"]) >= finished

        await wait_until(is_stored, PATIENCE_S, on_timeout=env.dump)
