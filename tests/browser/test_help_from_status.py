"""From the public status page to a computing browser: open, choose, Start; and links to tasks that are over."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import BrowserContext, Page, expect

from disio.rest import ManagerClient
from tests.waiting import patient

from .conftest import PRESS_MS, press
from .test_widget import violations

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
ENDS_S = 30
WAIT_MS = 60_000
SOURCE = "export default (n) => { let x = n; for (let i = 0; i < 3e6; i++) x = Math.sin(x); return x }"
SHOTS = os.environ.get("DISIO_TEST_SHOTS", "")
"""A folder for pictures to look at; none are made without."""


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """What a ``disio up`` with a public status page and no clients of its own says of itself."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    words = ["up", "--public-status", "--clients", "0", "--port", "0", "--json", "--no-browser"]
    words += ["--data-dir", str(tmp_path / "data")]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "disio", *words, stdout=pipe, env=environment)
    assert process.stdout is not None
    try:
        yield msgspec.json.decode(await process.stdout.readline())
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), ENDS_S)


def manager_of(up: dict[str, Any]) -> ManagerClient:
    return ManagerClient.from_files(up["manager"], Path(up["token_file"]))


async def create(manager: ManagerClient, name: str, count: int, priority: int = 0) -> str:
    document = {
        "name": name,
        "public": True,
        "description": f"{name}, for everybody who likes numbers.",
        "workunit": {"language": "javascript", "source": SOURCE},
        "payloads": {"range": [0, count]},
        "policy": {"priority": priority},
    }
    return str((await manager.create_task(document, idempotency_key=name))["id"])


async def shoot(page: Page, name: str) -> None:
    """Take pictures for people, if they want some: light, dark, and as narrow as a phone."""
    if not SHOTS:
        return
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await page.set_viewport_size({"width": width, "height": 900})
        await page.screenshot(path=f"{SHOTS}/{name}-{scheme}-{width}.png", full_page=True)
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1280, "height": 900})


async def test_open_choose_start_computing(up: dict[str, Any], browser_context: BrowserContext) -> None:
    expect.set_options(timeout=patient(WAIT_MS))
    page = await browser_context.new_page()
    async with manager_of(up) as manager:
        await create(manager, "urgent", 100_000, priority=10)
        wanted = await create(manager, "wanted", 100_000)
        began = time.monotonic()
        await page.goto(f"{up['dashboard']}/status")
        opened = time.monotonic()
        await shoot(page, "status")
        row = page.locator("h3", has_text="wanted").locator("xpath=following-sibling::p/a").first
        assert await row.inner_text() == "Help this one"
        left = time.monotonic()
        await row.click()
        await expect(page.locator("#wished")).to_have_text("“wanted” comes first. It is 0 % done.")
        await expect(page.locator("#others")).to_contain_text("urgent")
        assert await violations(page) == []
        assert (await manager.stats())["clients"] == 0, "nobody computes before Start"
        await shoot(page, "help")
        asked = time.monotonic()
        await page.wait_for_selector("html[data-sight=clear] #start")
        frame = page.main_frame
        await press(frame, "#start", lambda: frame.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
        await expect(page.locator("#doing")).to_have_text(re.compile("Helping"))
        first = time.monotonic()
        await expect(page.locator("#units")).not_to_have_text("0")
        print(
            f"open {opened - began:.2f} s, choose {asked - left:.2f} s, Start to computing {first - asked:.2f} s, "
            f"together {opened - began + asked - left + first - asked:.2f} s; "
            f"first result {time.monotonic() - asked:.2f} s after Start"
        )
        await expect(page.locator("#tasks")).to_contain_text("wanted")
        await expect(page.locator("#doing")).to_have_text("Helping: wanted")
        await shoot(page, "helping")
        await manager.verb(wanted, "cancel")


async def test_a_link_to_a_task_that_is_over_offers_the_others(
    up: dict[str, Any], browser_context: BrowserContext
) -> None:
    expect.set_options(timeout=patient(WAIT_MS))
    page = await browser_context.new_page()
    async with manager_of(up) as manager:
        over, other = await create(manager, "over", 10), await create(manager, "other", 10)
        await manager.verb(over, "cancel")
        await page.goto(f"{up['distributor']}/help?task={over}")
        await expect(page.locator("#wished")).to_have_text("“over” has ended. Thank you for coming!")
        await shoot(page, "help-over")
        assert await violations(page) == []
        await page.locator("#others").get_by_role("link", name="other").click()
        await expect(page).to_have_url(f"{up['distributor']}/help?task={other}")
        await expect(page.locator("#wished")).to_contain_text("“other” comes first")
        await page.goto(f"{up['distributor']}/help?task=never-was")
        await expect(page.locator("#wished")).to_have_text("The task that you came for is not here, or not public.")


async def test_the_dashboard_hands_the_links_out(up: dict[str, Any], browser_context: BrowserContext) -> None:
    expect.set_options(timeout=patient(WAIT_MS))
    async with manager_of(up) as manager:
        task = await create(manager, "shared", 10)
    page = await browser_context.new_page()
    await page.goto(up["login_url"])
    await expect(page.get_by_label("Link for volunteers", exact=True)).to_have_value(f"{up['dashboard']}/status")
    await shoot(page, "overview")
    await page.goto(f"{up['dashboard']}/tasks/{task}")
    await page.get_by_text("Share this task").click()
    link = page.get_by_label("Link that helps it in a browser", exact=True)
    await expect(link).to_have_value(f"{up['distributor']}/help?task={task}")
    await shoot(page, "task")
    async with page.expect_popup() as coming:
        await page.get_by_role("link", name="Public page").click()
    public = await coming.value
    await expect(public.get_by_role("heading", name="shared")).to_be_visible()
    await expect(public.get_by_text("volunteers now")).to_be_visible()
    await shoot(public, "public-task")
    await page.get_by_role("link", name="Clone & edit").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value(re.compile("shared"))
