"""A unit tried in the tab it is written in: what it gives, and that nothing it does takes the page with it."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.waiting import patient

from .test_dashboard import write_code
from .test_first_picture import signed_in, up  # noqa: F401 - a fixture

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
GALLERY = Path(__file__).parents[2] / "dashboard/web/src/newtask/gallery.json"
STARTS_MS = 180_000
"""Python starts twice, and a machine that others load takes long for that."""
SAME = "Two runs gave the same result, byte for byte."


@pytest.fixture
async def form(up: dict[str, Any], browser_context: BrowserContext) -> AsyncIterator[Page]:  # noqa: F811
    page, problems = await signed_in(browser_context, up)
    await page.goto(f"{up['dashboard']}/tasks/new")
    yield page
    assert problems == []


async def try_code(page: Page, source: str, payloads: str = '{"list": [3]}', timeout_s: str = "10") -> None:
    await write_code(page, source)
    await page.get_by_label("Payloads (JSON)").fill(payloads)
    await page.get_by_label("Unit timeout (s)").fill(timeout_s)
    await expect(page.get_by_label("Preview of the payloads")).to_contain_text("1 payload")
    await page.get_by_role("button", name="Test on payload").click()


async def test_every_language_runs_in_the_tab(form: Page) -> None:
    names = {entry["key"]: entry["label"] for entry in json.loads(GALLERY.read_bytes())}
    known = {"wasm": '"243F6A"', "python": '{"number":', "pi": '"243F6A88"'}
    for key, text in known.items():
        await form.get_by_role("button", name=re.compile(f"^(3. )?{names[key]} (A|P)")).click()
        await expect(form.get_by_label("Preview of the payloads")).to_contain_text("payloads")
        await form.get_by_role("button", name="Test on payload").click()
        await expect(form.get_by_text(SAME)).to_be_visible(timeout=patient(STARTS_MS))
        await expect(form.get_by_text(text).first).to_be_visible()
        await expect(form.get_by_role("button", name="Launch", exact=True)).to_be_enabled()


async def test_results_that_differ_are_told_and_the_log_is_shown(form: Page) -> None:
    await try_code(form, "export default (n, unit) => { unit.log(`for ${n}`); return Math.random() * n }")
    await expect(form.get_by_text("Two runs gave different results")).to_be_visible()
    await expect(form.get_by_text("for 3").first).to_be_visible()
    await write_code(form, "export default (n) => n")
    await expect(form.get_by_text("Two runs gave different results")).to_be_hidden()
    await expect(form.get_by_role("button", name="Launch", exact=True)).to_be_disabled()


async def test_an_endless_loop_and_a_memory_bomb_end_with_a_sentence(form: Page) -> None:
    await form.evaluate("window.isSamePage = true")
    await try_code(form, "export default () => { for (;;); }", timeout_s="1")
    await expect(form.get_by_text("It did not end within the unit timeout, and was stopped.")).to_be_visible()
    bomb = "export default () => { const all = []; for (;;) all.push(new Uint8Array(1 << 24).fill(1)) }"
    await try_code(form, bomb, timeout_s="20")
    await expect(form.locator(".trial .error")).to_contain_text("was stopped")
    await expect(form.get_by_role("button", name="Launch", exact=True)).to_be_disabled()
    await try_code(form, "export default (n) => { throw new TypeError(`not ${n}`) }")
    await expect(form.get_by_text("It failed with an error.")).to_be_visible()
    await expect(form.get_by_text("TypeError: not 3").first).to_be_visible()
    await try_code(form, "export default (n) => 2 * n")
    await expect(form.get_by_text(SAME)).to_be_visible()
    assert await form.evaluate("window.isSamePage") is True


async def test_a_unit_reaches_neither_network_nor_the_page(form: Page) -> None:
    source = """export default async () => {
      const reached = [];
      try { await fetch('/api/me'); reached.push('fetch'); } catch {}
      try { await import('/tryout/tryout.mjs'); reached.push('import'); } catch {}
      for (const name of ['document', 'localStorage', 'indexedDB', 'parent']) {
        try { if (globalThis[name]) reached.push(name); } catch {}
      }
      return reached;
    }"""
    await try_code(form, source)
    await expect(form.get_by_text(SAME)).to_be_visible()
    assert await form.locator(".run pre").first.inner_text() == "[]"


async def test_a_test_can_be_stopped(form: Page) -> None:
    await try_code(form, "export default () => { for (;;); }", timeout_s="600")
    await form.get_by_role("button", name="Stop").click()
    await expect(form.get_by_text("The test was stopped.")).to_be_visible()
    await expect(form.get_by_role("button", name="Test on payload")).to_be_enabled()


def test_the_policy_of_the_frame_names_no_host() -> None:
    folder = Path(__file__).parents[2] / "dashboard/src/disio_dashboard/tryout_files"
    manifest: dict[str, Any] = msgspec.json.decode((folder / "manifest.json").read_bytes())
    policy = manifest["routes"]["/compute"]["headers"]["Content-Security-Policy"]
    assert policy.endswith("sandbox allow-scripts; frame-ancestors 'self'")
    assert "http" not in policy and policy.count("'self'") == 1
