"""Where the tag puts the button, and what a page hears when something keeps the box out."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import web

from .conftest import PRESS_MS, open_consent, press
from .stand_in import StandIn

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

PLACE = """
    (() => { const place = [...document.querySelectorAll('*')].find((one) => one.style.colorScheme !== '');
    return place === undefined ? ['nowhere'] : [getComputedStyle(place).position, place.parentElement.localName,
        place.parentElement.previousElementSibling?.localName ?? '']; })()
"""
"""How the button stands, in what, and what comes before that."""
SCRIPT = '<script async src="{d}/client.js" {attributes}></script>'


class Hosts:
    """Serves a page."""

    def __init__(self) -> None:
        self.html, self.headers, self.url = "", {"Cache-Control": "no-store"}, ""

    async def answer(self, _request: web.Request) -> web.Response:
        return web.Response(text=f"<!doctype html>{self.html}", content_type="text/html", headers=self.headers)


@pytest_asyncio.fixture(loop_scope="session")
async def host() -> AsyncIterator[Hosts]:
    hosts, app = Hosts(), web.Application()
    app.router.add_get("/", hosts.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hosts.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield hosts
    await runner.cleanup()


@pytest.mark.parametrize(
    ("attributes", "element", "place"),
    [
        ("", "", ["fixed", "body"]),
        ("", "<disio-widget></disio-widget>", ["static", "disio-widget", "h1"]),
        ('data-widget="corner"', "<disio-widget></disio-widget>", ["fixed", "body"]),
        ('data-widget="inline"', "", ["static", "span", "script"]),
        ('data-widget="inline"', "<disio-widget></disio-widget>", ["static", "disio-widget", "h1"]),
        ('data-widget="none"', "<disio-widget></disio-widget>", ["nowhere"]),
    ],
)
async def test_the_button_stands_where_the_tag_says(
    browser_context: "BrowserContext", stand_in: StandIn, host: Hosts, attributes: str, element: str, place: list[str]
) -> None:
    tag = SCRIPT.format(d=stand_in.url, attributes=attributes)
    host.html = f"<title>host</title><body><h1>Host</h1>{element}<p>text</p>{tag}<p>more</p>"
    page = await loaded(browser_context, host)
    assert (await page.evaluate(PLACE))[: len(place)] == place


async def test_a_tag_in_the_head_has_no_place_in_the_text(
    browser_context: "BrowserContext", stand_in: StandIn, host: Hosts
) -> None:
    tag = SCRIPT.format(d=stand_in.url, attributes='data-widget="inline"')
    host.html = f"<head><title>host</title>{tag}</head><body><p>text</p>"
    page = await loaded(browser_context, host)
    assert (await page.evaluate(PLACE))[:2] == ["fixed", "body"]


async def test_a_box_beside_its_tag_opens_there_and_computes(
    browser_context: "BrowserContext", stand_in: StandIn, host: Hosts
) -> None:
    tag = SCRIPT.format(d=stand_in.url, attributes='data-widget="inline"')
    host.html = f"<title>host</title><body><h1>Host</h1>{tag}<p>more</p>"
    page = await loaded(browser_context, host)
    consent = await open_consent(page)
    await press(consent, "#start", lambda: consent.wait_for_selector("#start", state="hidden", timeout=PRESS_MS))
    token = await stand_in.assign("export default (n) => n + 1", [1])
    await stand_in.until(lambda: stand_in.results(token), "result")
    assert await page.evaluate("document.querySelector('span > iframe') !== null")


async def loaded(context: "BrowserContext", host: Hosts) -> "Page":
    """Return the page, with what the widget says of trouble in ``heard``."""
    page = await context.new_page()
    await page.add_init_script(
        "window.heard = []; for (const type of ['blocked', 'error'])"
        " document.addEventListener(`disio:${type}`, (event) => heard.push([type, event.detail]))"
    )
    await page.goto(host.url)
    await page.wait_for_function("window.disio !== undefined")
    await page.wait_for_load_state()
    return page


async def refuse(context: "BrowserContext") -> None:
    """Keep the box out as an ad-blocker does."""
    await context.route("**/embed/consent*", lambda route: route.abort("blockedbyclient"))


async def test_a_box_that_is_kept_out_is_told_of_within_seconds_and_can_be_tried_again(
    browser: "Browser", stand_in: StandIn, host: Hosts
) -> None:
    host.html = f"<title>host</title><body><h1>Host</h1>{SCRIPT.format(d=stand_in.url, attributes='')}"
    context = await browser.new_context()
    try:
        await refuse(context)
        await context.clock.install()
        page = await loaded(context, host)
        await page.evaluate(
            "disio.open(); window.came ="
            " new Promise((done) => document.querySelector('iframe').addEventListener('load', done))"
        )
        await page.evaluate("came.then(() => true)")
        await page.clock.run_for(5_000)  # of the fifteen that a silent frame has: this one has loaded
        state, reason, heard = await page.evaluate("[disio.state, disio.reason, heard]")
        assert state == "blocked" and "keeps it out" in reason
        assert heard == [["blocked", "load"], ["error", reason]]
        assert await page.query_selector("iframe") is None, "the page is as it was"
        assert (await page.evaluate(PLACE))[0] == "fixed", "the button is back"
        await context.unroute_all()
        await page.evaluate("disio.open()")
        await page.wait_for_function("document.querySelector('iframe') !== null")
        frame = await (await page.wait_for_selector("iframe")).content_frame()  # type: ignore[union-attr]
        assert frame is not None
        await frame.wait_for_selector("#start")
        await page.clock.run_for(20_000)
        assert await page.evaluate("disio.state") == "asked"
    finally:
        await context.close()


async def test_a_policy_that_keeps_the_box_out_is_told_of_at_once(
    browser_context: "BrowserContext", stand_in: StandIn, host: Hosts
) -> None:
    host.html = f"<title>host</title><body>{SCRIPT.format(d=stand_in.url, attributes='')}"
    host.headers = {"Content-Security-Policy": f"default-src 'none'; script-src {stand_in.url} 'unsafe-eval'"}
    page = await loaded(browser_context, host)
    await page.evaluate("disio.open()")
    await page.wait_for_function("disio.state === 'blocked'")
    heard = await page.evaluate("heard")
    assert heard == [["blocked", "csp"], ["error", "This page's policy does not let the box in."]]
