"""The widget as visitors meet it: what refuses a click, other languages, small devices, strict pages, and ``/help``."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from disio_shared import messages as m

from .conftest import PRESS_MS, open_consent, press
from .stand_in import StandIn

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Frame, Page

AXE = Path(__file__).parents[2] / "dashboard/web/node_modules/axe-core/axe.min.js"
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


async def violations(frame: "Frame | Page") -> list[str]:
    """What axe-core finds wrong, by rule and element."""
    await frame.evaluate(AXE.read_text() + "\n;undefined")
    found = await frame.evaluate("rules => axe.run(document, rules)", RULES)
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]


async def test_the_first_half_second_of_a_box_refuses_clicks(consent: "Frame", page: "Page", stand_in: StandIn) -> None:
    await page.evaluate("document.querySelector('iframe').style.opacity = '0.01'")
    await consent.wait_for_selector("html[data-sight=covered]")
    # The click of somebody who meant what was there a moment ago: it comes with the box. A click by keyboard is a
    # trusted one, and no browser drops it.
    await consent.focus("#start")
    await consent.evaluate(
        "new MutationObserver((_, all) => { all.disconnect(); window.cameAt = performance.now() })"
        ".observe(document.documentElement, { attributes: true, attributeFilter: ['data-sight'] })"
    )
    await consent.evaluate("window.clicks = []; start.addEventListener('click', () => clicks.push(performance.now()))")
    await page.evaluate("document.querySelector('iframe').style.opacity = '1'")
    await consent.wait_for_selector("html[data-sight=clear]")
    await page.keyboard.press("Enter")
    came, first = await consent.evaluate("[window.cameAt, clicks[0]]")
    if first - came >= 500:
        pytest.skip("this machine was too slow for a click within half a second")
    assert await consent.inner_text("#notice") == "That was quick. Please read, and click again."
    assert stand_in.messages == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en", "de-AT"])
async def test_every_state_is_accessible(browser: "Browser", stand_in: StandIn, scheme: str, locale: str) -> None:
    context = await browser.new_context(color_scheme=scheme, locale=locale)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(stand_in.host_url)
    await page.wait_for_function("window.disio !== undefined")
    consent = await open_consent(page)
    assert await consent.evaluate("document.documentElement.lang") == locale[:2]
    assert await violations(consent) == []
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    assert await violations(consent) == []
    await press(consent, "#badge", lambda: consent.wait_for_selector("#stop", timeout=PRESS_MS))
    assert await violations(consent) == []
    await press(consent, "#hour", lambda: page.wait_for_function("disio.state === 'paused'", timeout=PRESS_MS))
    assert await violations(consent) == []
    assert ("until" if locale == "en" else "bis") in await page.evaluate("disio.reason")
    await context.close()


async def test_a_phone_is_asked_a_second_time(browser: "Browser", stand_in: StandIn) -> None:
    context = await browser.new_context(user_agent=PHONE, viewport={"width": 390, "height": 800})
    page = await context.new_page()
    await page.goto(stand_in.host_url)
    await page.wait_for_function("window.disio !== undefined")
    consent = await open_consent(page)
    await press(consent, "#start", lambda: consent.wait_for_selector("#second-start", timeout=PRESS_MS))
    assert stand_in.messages == []
    assert await violations(consent) == []
    start = await consent.locator("#second-start").bounding_box()
    no = await consent.locator("#second-no").bounding_box()
    assert start is not None
    assert no is not None
    assert (start["width"], start["height"]) == (no["width"], no["height"])
    assert start["height"] >= 44
    await press(
        consent, "#second-start", lambda: consent.wait_for_selector("#second", state="hidden", timeout=PRESS_MS)
    )
    await stand_in.until(lambda: stand_in.messages, "Hello")
    await context.close()


async def test_a_no_is_kept_until_the_visitor_asks(page: "Page", consent: "Frame", stand_in: StandIn) -> None:
    await press(consent, "#no", lambda: page.wait_for_function("disio.state === 'idle'", timeout=PRESS_MS))
    await page.reload()
    await page.wait_for_function("window.disio !== undefined")
    await page.evaluate("new Promise(done => requestIdleCallback(done))")
    # The stand-in's own page has a heading and the script, and nothing of ours.
    assert await page.evaluate("[...document.body.children].map(one => one.tagName)") == ["H1", "SCRIPT"]
    await page.evaluate("document.querySelector('h1').onclick = () => disio.open()")
    await page.click("h1")
    await page.wait_for_selector("iframe")


async def test_a_second_tab_waits_for_the_first(
    running: StandIn, page: "Page", browser_context: "BrowserContext"
) -> None:
    other = await browser_context.new_page()
    await other.goto(running.host_url)
    await other.wait_for_function("window.disio !== undefined")
    consent = await open_consent(other)
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    await other.wait_for_function("disio.reason.startsWith('Another tab')")
    await page.close()
    await other.wait_for_function("disio.state === 'running'")


async def test_what_runs_is_shown_with_its_code(running: StandIn, consent: "Frame") -> None:
    await running.assign("export default () => new Promise(() => {})", [1], task_name="Prime gaps", unit_timeout_s=60.0)
    await press(consent, "#badge", lambda: consent.wait_for_selector("#stop", timeout=PRESS_MS))
    await consent.wait_for_selector("#tasks a")
    sha = next(iter(running.codes))
    assert await consent.inner_text("#tasks") == f"Prime gaps, javascript Code {sha[:8]}"
    assert await consent.get_attribute("#tasks a", "href") == f"{running.url}/workunits/{sha}"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Security-Policy": "default-src 'none'; script-src {d}; frame-src {d}"},
        {"Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Opener-Policy": "same-origin"},
        {"Cross-Origin-Embedder-Policy": "credentialless", "Cross-Origin-Opener-Policy": "same-origin"},
    ],
    ids=["strict policy", "require-corp", "credentialless"],
)
async def test_strict_pages_may_embed_it(
    browser_context: "BrowserContext", stand_in: StandIn, headers: dict[str, str]
) -> None:
    async def host(_request: web.Request) -> web.Response:
        tag = f'<script async src="{stand_in.url}/client.js" data-site="s1"></script>'
        filled = {name: value.format(d=stand_in.url) for name, value in headers.items()}
        return web.Response(text=f"<!doctype html><title>host</title>{tag}", content_type="text/html", headers=filled)

    app = web.Application()
    app.router.add_get("/", host)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    page = await browser_context.new_page()
    try:
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        await page.wait_for_function("window.disio !== undefined")
        consent = await open_consent(page)
        await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
        token = await stand_in.assign("export default (n) => n + 1", [1])
        await stand_in.until(lambda: stand_in.results(token), "result")
        assert stand_in.results(token) == {0: 2}
    finally:
        await runner.cleanup()


async def test_help_from_a_link(browser_context: "BrowserContext", stand_in: StandIn) -> None:
    page = await browser_context.new_page()
    token = await stand_in.assign("export default (n) => n + 1", [1])
    began = time.monotonic()
    await page.goto(f"{stand_in.url}/help")
    assert await violations(page) == []
    await page.wait_for_selector("html[data-sight=clear] #start")
    frame = page.main_frame
    await press(frame, "#start", lambda: frame.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    await stand_in.until(lambda: stand_in.results(token), "result")
    print(f"/help: from the link to the first result in {time.monotonic() - began:.2f} s")
    assert stand_in.of_type(m.Hello)[0].site == ""
    assert await violations(page) == []
