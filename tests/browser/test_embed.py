"""The embed in a real browser: what happens before and after a visitor's click, and what a unit can reach."""

import asyncio
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from disio_shared import messages as m

from .conftest import PRESS_MS, press
from .stand_in import StandIn

if TYPE_CHECKING:
    from playwright.async_api import Frame, Page

PROBE = """
export default async function probe(url) {
  const out = {};
  const attempt = async (name, act) => {
    try { out[name] = String(await act()) } catch (error) { out[name] = 'refused: ' + error.name }
  };
  await attempt('fetch', () => fetch(url + '/leak'));
  await attempt('XMLHttpRequest', () => new XMLHttpRequest());
  await attempt('WebSocket', () => new WebSocket(url.replace('http', 'ws') + '/leak'));
  await attempt('EventSource', () => new EventSource(url + '/leak'));
  await attempt('importScripts', () => importScripts(url + '/leak'));
  await attempt('import', () => import(url + '/leak'));
  await attempt('import data', () => import('data:text/javascript,export default 1'));
  await attempt('Worker', () => new Worker(URL.createObjectURL(new Blob(['']))));
  await attempt('eval', () => eval('1'));
  await attempt('Function', () => (() => 1).constructor('return 1')());
  await attempt('AsyncFunction', () => (async () => 1).constructor('return 1')());
  await attempt('indexedDB', () => indexedDB.open('x'));
  await attempt('localStorage', () => localStorage.x);
  await attempt('caches', () => caches.open('x'));
  await attempt('document', () => document.cookie);
  await attempt('parent', () => parent.document);
  await attempt('BroadcastChannel', () => new BroadcastChannel('x'));
  await attempt('postMessage', () => postMessage({type: 'done', token: 't-1', indexes: [0], values: [], seconds: [0]}));
  await attempt('prototype postMessage', () => Object.getPrototypeOf(globalThis).postMessage('x'));
  return out;
}
"""

OPENED = {"/client.js", "/embed/consent", "/.well-known/disio.json"}
"""What is asked of a distributor when the box is opened, and until Start is clicked."""

CLASSIC = """
function Total(data) { this.sum = 0; data.payload.numbers.forEach(function (n) { this.sum += n }, this) }
worker.onStart = function (data) {
  console.log('classic', data.id);
  var total = new Total(data);
  communication.saveState({ at: data.id });
  communication.end({ sum: total.sum, time: took = 0, resumed: data.state });
};
worker.onMessage = function () {};
"""


async def test_nothing_but_the_loader_is_requested_before_a_click(page: "Page", stand_in: StandIn) -> None:
    await page.evaluate("new Promise(done => requestIdleCallback(done))")
    assert stand_in.requests == ["/client.js"]
    assert await page.evaluate("disio.state") == "idle"
    assert await page.locator("iframe").count() == 0
    assert (
        await page.evaluate("JSON.stringify([localStorage.length, sessionStorage.length, document.cookie])")
        == '[0,0,""]'
    )


async def test_opening_the_box_neither_connects_nor_computes(consent: "Frame", stand_in: StandIn) -> None:
    assert set(stand_in.requests) <= OPENED
    asks = await consent.inner_text("#asks")
    assert asks == f"{stand_in.host_url.removeprefix('http://')} asks this computer to help with tests."


async def test_start_and_no_thanks_have_the_same_size(consent: "Frame") -> None:
    start = await consent.locator("#start").bounding_box()
    no = await consent.locator("#no").bounding_box()
    assert start is not None
    assert no is not None
    assert (start["width"], start["height"]) == (no["width"], no["height"])


async def test_a_scripted_click_starts_nothing(consent: "Frame", page: "Page", stand_in: StandIn) -> None:
    await consent.evaluate("document.getElementById('start').click()")
    await consent.evaluate("document.getElementById('start').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    await page.evaluate("disio.resume()")
    await page.evaluate("frames[0].postMessage({disio: 'start'}, '*')")
    await consent.evaluate("new Promise(done => requestIdleCallback(done))")
    assert set(stand_in.requests) <= OPENED
    assert await page.evaluate("disio.state") == "asked"


async def test_a_click_on_a_faded_box_starts_nothing(consent: "Frame", page: "Page", stand_in: StandIn) -> None:
    await page.evaluate("document.querySelector('iframe').style.opacity = '0.01'")
    await consent.wait_for_selector("html[data-sight=covered]")
    await press(consent, "#start", lambda: consent.wait_for_selector("#notice:not(:empty)", timeout=PRESS_MS))
    assert "cover" in await consent.inner_text("#notice")
    assert set(stand_in.requests) <= OPENED


async def test_no_thanks_closes_the_box_and_tells_that_alone(consent: "Frame", page: "Page", stand_in: StandIn) -> None:
    await page.evaluate("void disio.on('consent', answer => { window.answer = answer })")
    await press(consent, "#no", lambda: page.wait_for_function("window.answer === 'declined'", timeout=PRESS_MS))
    assert await page.locator("iframe").count() == 0
    await stand_in.until(lambda: set(stand_in.requests) - OPENED, "answer")
    told = set(stand_in.requests) - OPENED
    assert told == {f"/embed/answer?answer=declined&page={quote(stand_in.host_url.rstrip('/'), safe='')}"}


async def test_after_a_click_it_says_hello_and_asks_for_work(running: StandIn) -> None:
    await running.until(lambda: running.of_type(m.Ready), "Ready")
    hello = running.of_type(m.Hello)[0]
    assert (hello.version, hello.kind, hello.site, hello.languages) == (
        1,
        "web",
        "s1",
        ["javascript", "wasm", "python"],
    )
    assert hello.cores >= 1


async def test_units_of_a_module_run_and_their_results_come_back(running: StandIn) -> None:
    source = "export default async (payload, unit) => ({double: payload * 2, at: unit.index, big: 1e300})"
    token = await running.assign(source, list(range(300)))
    await running.until(lambda: len(running.results(token)) == 300, "300 results")
    assert running.results(token)[299] == {"double": 598, "at": 299, "big": 1e300}
    assert running.failures(token) == {}


async def test_bytes_go_in_and_come_out_as_bytes(running: StandIn) -> None:
    token = await running.assign("export default (bytes) => bytes.map((b) => b ^ 255)", [b"\x00\x01\xff"])
    await running.until(lambda: running.results(token), "result")
    assert running.results(token) == {0: b"\xff\xfe\x00"}


async def test_classic_scripts_run_unchanged_and_get_the_saved_state(running: StandIn) -> None:
    token = await running.assign(CLASSIC, [{"numbers": [1, 2]}, {"numbers": [3]}], states={1: b'{"at":7}'})
    await running.until(lambda: len(running.results(token)) == 2, "results")
    assert running.results(token) == {
        0: {"sum": 3, "time": 0, "resumed": None},
        1: {"sum": 3, "time": 0, "resumed": {"at": 7}},
    }
    await running.until(lambda: len(running.of_type(m.Checkpoint)) == 2, "checkpoints")
    assert [c.state for c in running.of_type(m.Checkpoint)] == [b'{"at":0}', b'{"at":1}']


async def test_a_unit_reaches_neither_network_nor_storage_nor_the_page(running: StandIn) -> None:
    token = await running.assign(PROBE, [running.url])
    await running.until(lambda: running.results(token), "result of the probe")
    probe = running.results(token)[0]
    assert {name: said for name, said in probe.items() if not said.startswith("refused")} == {}
    assert not [path for path in running.requests if "leak" in path]


async def test_errors_name_the_unit_alone_and_the_others_are_done(running: StandIn) -> None:
    source = (
        "export default function run(n) {"
        " if (n === 2) throw new TypeError('two'); if (n === 3) return undefined; return n }"
    )
    token = await running.assign(source, [1, 2, 3, 4])
    await running.until(lambda: len(running.results(token)) + len(running.failures(token)) == 4, "answers")
    assert running.results(token) == {0: 1, 3: 4}
    failures = running.failures(token)
    assert failures[1][0] == "error"
    assert failures[1][1].splitlines()[:1] == ["TypeError: two"]
    assert "workunit.js:1:" in failures[1][1]
    assert failures[2][0] == "result"


async def test_code_that_does_not_load_fails_each_unit_with_the_reason(running: StandIn) -> None:
    token = await running.assign("export default function (", [1, 2])
    await running.until(lambda: len(running.failures(token)) == 2, "failures")
    assert all("SyntaxError" in error for _, error in running.failures(token).values())


async def test_an_endless_loop_is_ended_alone(running: StandIn) -> None:
    source = "export default (n) => { if (n === 1) for (;;); return n }"
    token = await running.assign(source, [0, 1, 2, 3], unit_timeout_s=0.5)
    await running.until(lambda: len(running.results(token)) + len(running.failures(token)) == 4, "answers")
    assert running.results(token) == {0: 0, 2: 2, 3: 3}
    assert {index: kind for index, (kind, _) in running.failures(token).items()} == {1: "timeout"}


async def test_results_are_kept_through_a_lost_connection(running: StandIn) -> None:
    gate = "export default async (n) => { await new Promise(r => setTimeout(r, 1500)); return n }"
    token = await running.assign(gate, [5])
    await running.until(lambda: running.of_type(m.Progress), "heartbeat")
    await running.drop()
    await running.until(lambda: len(running.of_type(m.Hello)) == 2, "second Hello")
    hello = running.of_type(m.Hello)[1]
    assert (hello.client_id, hello.secret) == ("c-1", "s")
    assert token in hello.holding or running.results(token)
    await running.until(lambda: running.results(token), "result")
    assert running.results(token) == {0: 5}


async def test_cancelled_units_say_nothing_more(running: StandIn) -> None:
    token = await running.assign("export default () => { for (;;); }", [1], unit_timeout_s=30.0)
    await running.until(lambda: any(p.token == token for p in running.of_type(m.Progress)), "heartbeat")
    await running.send(m.Cancel(task=running_task(running), tokens=[token]))
    after = await running.assign("export default (n) => n", [9])
    await running.until(lambda: running.results(after), "result of the next task")
    assert running.results(token) == {}
    assert running.failures(token) == {}


async def test_a_paused_client_starts_nothing_until_it_is_resumed(
    running: StandIn, page: "Page", consent: "Frame"
) -> None:
    await running.until(lambda: running.of_type(m.Ready), "Ready")
    await page.evaluate("disio.pause()")
    await page.wait_for_function("disio.state === 'paused'")
    token = await running.assign("export default (n) => n", [1])
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(running.until(lambda: running.results(token), "result"), 1.0)
    assert running.results(token) == {}
    await page.evaluate("disio.resume()")
    await running.until(lambda: running.results(token), "result after resume")


async def test_leaving_the_page_gives_the_units_back(running: StandIn, page: "Page") -> None:
    token = await running.assign("export default () => new Promise(() => {})", [1, 2], unit_timeout_s=30.0)
    await running.until(lambda: any(p.token == token for p in running.of_type(m.Progress)), "heartbeat")
    await page.close()
    await running.until(lambda: running.of_type(m.Release), "Release")
    assert running.of_type(m.Release)[0].tokens == [token]


async def test_stop_and_forget_ends_it_all(running: StandIn, page: "Page", consent: "Frame") -> None:
    await press(consent, "#badge", lambda: consent.wait_for_selector("#stop", timeout=PRESS_MS))
    await press(consent, "#stop", lambda: page.wait_for_function("disio.state === 'revoked'", timeout=PRESS_MS))
    assert await page.locator("iframe").count() == 0


def running_task(stand_in: StandIn) -> str:
    """The task of the code that was assigned last."""
    return "k-" + list(stand_in.codes)[-1][:6]
