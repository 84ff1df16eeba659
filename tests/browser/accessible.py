"""What axe-core finds wrong with a page, and signing in for that.

Rule: the page's own policy stays in force in every other test; only a context made for axe lets a script in.
"""

from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

AXE = Path(__file__).parents[2] / "dashboard/web/node_modules/axe-core/axe.min.js"


async def open_for_axe(browser: Browser, dark: bool = False, width: int = 1280) -> BrowserContext:
    """Return a context whose pages may be looked over."""
    return await browser.new_context(
        bypass_csp=True,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
    )


async def violations(page: Page) -> list[str]:
    """Return what is wrong, in a line each, with where."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['help']} at {[node['target'] for node in each['nodes']][:5]}"
        for each in found["violations"]
    ]
