"""The volunteer page of a real distributor: a browser alone computes the demo, once somebody pressed Start."""

import asyncio
import os
import re
import sys
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import BrowserContext, Page

from disio.demos import pi

from .conftest import PRESS_MS, open_consent, press

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def start_helping(page: Page, url: str) -> None:
    """Do what a visitor does: open the box, press Start."""
    await page.goto(url)
    await page.wait_for_function("window.disio !== undefined")
    frame = await open_consent(page)
    await press(frame, "#start", lambda: frame.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))


async def test_one_browser_that_pressed_start_computes_pi(browser_context: BrowserContext, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    options = [
        "--demo",
        "pi",
        "--digits",
        "400",
        "--clients",
        "0",
        "--port",
        "0",
        "--json",
        "--data-dir",
        str(tmp_path),
    ]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "disio",
        "up",
        *options,
        "--data-dir",
        str(tmp_path),
        stdout=pipe,
        stderr=pipe,
        env=environment,
    )
    assert process.stdout is not None
    ready = msgspec.json.decode(await process.stdout.readline())
    page = await browser_context.new_page()
    await start_helping(page, f"{ready['distributor']}/demo")
    out, err = await asyncio.wait_for(process.communicate(), 150)
    assert process.returncode == 0, err.decode()
    assert "all 400 hexadecimal digits are right" in err.decode()
    assert re.sub(r"\s", "", out.decode().split("pi = 3.", 1)[1]) == pi.known_digits(400)
