"""The page of a public task in a real browser: it fits a phone, follows the colour scheme, and runs nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.manager.served import Served, serve

if TYPE_CHECKING:
    from playwright.async_api import Browser

NASTY = "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
SOURCE = f"// {'a long line of code ' * 20}{NASTY}\nexport default function run(n) {{ return n * n }}"


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path / "data") as served:
        yield served


async def half_done(manager: Served) -> str:
    """Return a public task that is half done, with words that are too long."""
    task = await manager.create(
        public=True,
        name=f"Squares {'verylongword' * 12}",
        description=f"The squares of some numbers.\nAnd: {NASTY}",
        workunit={"language": "javascript", "source": SOURCE},
        payloads={"grid": {"n": {"range": [0, 40]}, "text": ["x" * 500]}},
    )
    peer = manager.peer()
    await peer.join()
    await peer.leased(40)
    await peer.deliver(task["id"], list(range(25)))
    return f"{manager.url}/tasks/{task['id']}"


@pytest.mark.chromium
@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(251, 250, 247)"), ("dark", "rgb(15, 20, 25)")])
async def test_it_fits_a_phone_in_both_colour_schemes(
    manager: Served, browser: "Browser", scheme: str, ground: str, tmp_path: Path
) -> None:
    url = await half_done(manager)
    context = await browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme="dark" if scheme == "dark" else "light"
    )
    try:
        page = await context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(url)
        await page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == ground, "its style is taken"
        assert (await page.title()).startswith("Squares")
        assert await page.locator("progress").evaluate("bar => bar.value") == 25
        assert [each for each in asked if not each.endswith("favicon.ico")] == [url], "it loads nothing"
        assert said == [], "its policy refuses nothing that is on it"
    finally:
        await context.close()
