"""The path of a new user: ``disio up``, its link, a task from the gallery, tested and launched, and its picture.

A second browser computes it.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.mandelbrot import picture
from tests.waiting import patient

from .pngs import pixels_of
from .test_demo_page import start_helping

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
PROBLEMS = re.compile("Content Security Policy|Trusted|Uncaught")
WAIT_MS = 60_000
"""For a machine that others load; everything is there in seconds."""
ENDS_S = 30


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """What a real ``disio up`` without clients of its own says of itself."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    words = ["up", "--clients", "0", "--port", "0", "--json", "--no-browser", "--data-dir", str(tmp_path / "data")]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "disio", *words, stdout=pipe, env=environment)
    assert process.stdout is not None
    try:
        yield msgspec.json.decode(await process.stdout.readline())
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), ENDS_S)


async def test_from_an_empty_machine_to_a_picture(
    up: dict[str, Any], browser_context: BrowserContext, tmp_path: Path
) -> None:
    page, problems = await signed_in(browser_context, up)
    await page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="New task").click()
    await page.get_by_role("button", name=re.compile("Mandelbrot tiles")).click()
    await expect(page.get_by_label("Preview of the payloads")).to_contain_text("48 payloads")
    launch = page.get_by_role("button", name="Launch", exact=True)
    await expect(launch).to_be_disabled()
    await page.get_by_role("button", name="Test on payload").click()
    await expect(page.get_by_text("Two runs gave the same result, byte for byte.")).to_be_visible()
    await launch.click()
    await expect(page.get_by_role("heading", name="Mandelbrot, 512 × 384")).to_be_visible()

    assert browser_context.browser is not None
    volunteer = await browser_context.browser.new_context()
    try:
        await page.get_by_role("radio", name="Image").check()
        await expect(page.get_by_text("0 of 48 tiles painted")).to_be_visible()
        await start_helping(await volunteer.new_page(), f"{up['distributor']}/demo")
        await expect(page.get_by_text("48 of 48 tiles painted")).to_be_visible(timeout=patient(WAIT_MS * 2))
        await expect(page.get_by_role("img", name="Picture of 512 × 384 pixels, 48 of 48 tiles")).to_be_visible()
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Export PNG").click()
        download = await coming.value
        await download.save_as(tmp_path / "picture.png")
    finally:
        await volunteer.close()
    assert download.suggested_filename == "Mandelbrot-512-384.png"
    width, height, pixels = pixels_of((tmp_path / "picture.png").read_bytes())
    assert (width, height) == (512, 384)
    assert pixels == await asyncio.to_thread(picture, 512, 384, 200)
    assert problems == []


async def signed_in(context: BrowserContext, up: dict[str, Any]) -> tuple[Page, list[str]]:
    """Return a page that was opened by the one-time link, and what its console will complain of."""
    page = await context.new_page()
    page.set_default_timeout(patient(WAIT_MS))
    expect.set_options(timeout=patient(WAIT_MS))
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if PROBLEMS.search(message.text) else None)
    await page.goto(up["login_url"])
    return page, problems
