"""Results as table, chart and picture, before a stand-in manager; and the pages by axe-core."""

import base64
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.unit.dashboard.standin_manager import StandinManager
from tests.waiting import wait_until

from .test_dashboard import add_task, dashboard, manager, page  # noqa: F401 - fixtures

AXE = Path(__file__).parents[2] / "dashboard/web/node_modules/axe-core/axe.min.js"


def with_results(manager: StandinManager, results: list[Any]) -> str:  # noqa: F811
    task_id = add_task(manager, state="running", done=len(results))
    manager.results[task_id] = [
        {"i": at, "payload": {"n": at}, "result": result, "client": "c", "seconds": 0.1 * at}
        for at, result in enumerate(results)
    ]
    return task_id


async def open_task(page: Page, task_id: str, query: str = "") -> None:  # noqa: F811
    await page.goto(f"{page.url.rpartition('/tasks')[0]}/tasks/{task_id}{query}")


async def violations(page: Page) -> list[str]:  # noqa: F811
    """Return what axe-core finds; its source goes in by the debugger, which the page's policy does not bind."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}" for each in found["violations"]]


async def test_a_table_sorts_and_filters_what_it_shows(page: Page, manager: StandinManager) -> None:  # noqa: F811
    await open_task(page, with_results(manager, [{"sum": value, "name": f"r{value}"} for value in (5, 30, 4)]))
    rows = page.get_by_label("Table of results").get_by_role("row")
    await expect(rows).to_have_count(4)
    await page.get_by_role("button", name="result.sum").click()
    await expect(rows.nth(1)).to_contain_text("r4")
    await page.get_by_role("button", name="result.sum").click()
    await expect(rows.nth(1)).to_contain_text("r30")
    assert "sort=result.sum" in page.url and "down=1" in page.url
    await page.get_by_label("Filter").fill("R5")
    await expect(page.get_by_text("1 of the 3 results on this page")).to_be_visible()
    await expect(rows).to_have_count(2)


async def test_a_chart_is_drawn_from_the_address_and_has_a_table(page: Page, manager: StandinManager) -> None:  # noqa: F811
    task_id = with_results(manager, [{"sum": value * value} for value in range(50)])
    await open_task(page, task_id, "?view=chart&chart=line&x=payload.n&y=result.sum")
    chart = page.get_by_role("img", name="Line of result.sum over payload.n: payload.n from 0 to 49, y from 0 to 2401")
    await expect(chart).to_be_visible()
    await expect(page.get_by_text("50 of 50 results")).to_be_visible()
    colours = "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    canvas = page.locator(".result-chart canvas")

    async def is_drawn(beside: set[str], least: int) -> str:
        shown: str = await canvas.evaluate("c => c.toDataURL()")
        return shown if shown not in beside and await canvas.evaluate(colours) > least else ""

    seen = {await wait_until(partial(is_drawn, set(), 10))}
    for kind in ("Scatter", "Histogram", "Heat map"):
        await page.locator(".charted select").first.select_option(label=kind)
        await expect(page.get_by_role("img", name=re.compile(f"^{kind} of"))).to_be_visible()
        seen.add(await wait_until(partial(is_drawn, seen, 2)))
    assert len(seen) == 4
    assert await violations(page) == []
    await page.get_by_role("button", name="As a table").click()
    await expect(page.get_by_role("columnheader", name="x about")).to_be_visible()


async def test_tiles_paint_a_picture_of_their_own_accord(page: Page, manager: StandinManager) -> None:  # noqa: F811
    red, grey = base64.b64encode(bytes((255, 0, 0)) * 4).decode(), base64.b64encode(bytes((7,)) * 4).decode()
    tiles = [
        {"x": 0, "y": 0, "w": 2, "h": 2, "width": 4, "height": 2, "pixels": red},
        {"x": 2, "y": 0, "w": 2, "h": 2, "width": 4, "height": 2, "pixels": grey},
        "no tile",
    ]
    await open_task(page, with_results(manager, tiles))
    await expect(page.get_by_text("2 of 1,000 tiles painted, and 1 result without a tile")).to_be_visible()
    pixel = "(c) => [...c.getContext('2d').getImageData(0, 0, 4, 2).data.slice(0, 12)]"
    shown = page.get_by_role("img", name="Picture of 4 × 2 pixels")
    assert await shown.evaluate(pixel) == [255, 0, 0, 255, 255, 0, 0, 255, 7, 7, 7, 255]
    await page.get_by_label("Zoom").select_option("4")
    assert await shown.evaluate("(c) => c.clientWidth") == 16
    assert await violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_form_has_no_violations(page: Page, scheme: Any) -> None:  # noqa: F811
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.goto(f"{page.url.rpartition('/tasks')[0]}/tasks/new")
    await page.get_by_role("button", name="Mandelbrot").click()
    await expect(page.get_by_label("Preview of the payloads")).to_contain_text("48 payloads")
    await expect(page.get_by_label("Code", exact=True)).to_be_visible()
    for summary in ("Advanced", "The same as a command, and in Python"):
        await page.get_by_text(summary, exact=True).click()
    assert await violations(page) == []
    await page.set_viewport_size({"width": 390, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_the_keyboard_gets_into_the_editor_and_out_again(page: Page) -> None:  # noqa: F811
    await page.goto(f"{page.url.rpartition('/tasks')[0]}/tasks/new")
    code = page.get_by_label("Code", exact=True)
    await code.focus()
    await page.keyboard.type("x")
    await page.keyboard.press("Tab")
    await expect(code).to_be_focused()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Tab")
    await expect(code).not_to_be_focused()


async def test_what_the_manager_finds_wrong_is_marked_in_the_code(page: Page, manager: StandinManager) -> None:  # noqa: F811
    manager.problems = [{"line": 1, "column": 3, "message": "unexpected 'x'"}]
    await page.goto(f"{page.url.rpartition('/tasks')[0]}/tasks/new")
    await page.get_by_label("Code", exact=True).focus()
    await page.keyboard.type("abcxyz")
    await expect(page.locator(".cm-lintRange-error")).to_have_text("c")
