"""The trial page in a real browser: units run as in volunteers' tabs, and each answer says all there is to say."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest_asyncio

from disio.trial.serving import TrialServer, spec_of
from disio.trial.trials import Trial
from disio_distributor.web import Pages
from disio_shared.values import decode_value, encode_value
from tests.unit.client_cli.python_rig import python_kit
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator, Page


@pytest_asyncio.fixture(loop_scope="session")
async def trial_page(browser_context: "BrowserContext", built_pages: Path) -> AsyncIterator["Page"]:
    """The trial page, loaded as a person would load it: without a token it asks for no work."""
    async with TrialServer().serving() as server:
        page = await browser_context.new_page()
        await page.goto(f"{server.url}/trial")
        await page.wait_for_function("window.disioTrial !== undefined")
        yield page
        assert "/trial/work" not in server.requests


async def run(page: "Page", source: str, payloads: list[Any], **fields: Any) -> list[dict[str, Any]]:
    """Run a JavaScript unit on payloads; return the page's results with their values decoded."""
    spec = msgspec.to_builtins(spec_of(Trial(language="javascript", code=source.encode(), payload=b""), None))
    spec |= {"indexes": list(range(len(payloads))), "payloads": [as_text(payload) for payload in payloads], **fields}
    answer = await page.evaluate("(spec) => disioTrial.run(spec)", spec)
    assert "Chrome" in answer["engine"]
    for result in answer["results"]:
        if result["value"] is not None:
            result["value"] = decode_value(msgspec.convert(result["value"], bytes))
    return list(answer["results"])


def as_text(value: Any) -> str:
    return str(msgspec.to_builtins(encode_value(value)))


async def test_values_of_each_kind_come_back_with_the_time_they_took(trial_page: "Page") -> None:
    results = await run(trial_page, "export default (x) => x", [1, "ü", b"\x00\xff", {"a": [1e300]}])
    assert [(r["index"], r["kind"], r["value"]) for r in results] == [
        (0, "ok", 1),
        (1, "ok", "ü"),
        (2, "ok", b"\x00\xff"),
        (3, "ok", {"a": [1e300]}),
    ]
    assert all(r["seconds"] >= 0 and r["error"] == "" for r in results)


async def test_what_a_unit_says_on_its_way_is_kept_by_unit(trial_page: "Page") -> None:
    source = """export default (n, unit) => {
        unit.log('payload', n); console.log('state', unit.state); unit.progress(0.5); unit.saveState({ n });
        return n }"""
    results = await run(trial_page, source, [3, 4], states={"1": as_text("before")})
    assert [r["logs"] for r in results] == [["payload 3", "state null"], ["payload 4", "state before"]]
    assert [r["progress"] for r in results] == [[0.5], [0.5]]
    states = [msgspec.convert(state, bytes) for r in results for state in r["states"]]
    assert states == [b'{"n":3}', b'{"n":4}']


async def test_each_ending_is_that_of_its_unit_alone(trial_page: "Page") -> None:
    source = """export default (n, unit) => {
        unit.log(n); if (n === 0) throw new TypeError('zero'); if (n === 1) for (;;);
        if (n === 2) return undefined; return n }"""
    results = await run(trial_page, source, [0, 1, 2, 3], unit_timeout_s=0.5)
    assert [(r["kind"], r["value"]) for r in results] == [
        ("error", None),
        ("timeout", None),
        ("result", None),
        ("ok", 3),
    ]
    assert results[0]["error"].startswith("TypeError: zero")
    assert [r["logs"] for r in results] == [["0"], ["1"], ["2"], ["3"]]


async def test_calls_of_one_task_share_a_realm_and_other_tasks_get_their_own(trial_page: "Page") -> None:
    source = "let calls = 0; export default () => ++calls"
    counts = [(await run(trial_page, source, [0], task=task))[0]["value"] for task in ("a", "a", "b", "a")]
    assert counts == [1, 2, 1, 1]


async def test_calls_that_overlap_run_one_after_the_other(trial_page: "Page") -> None:
    spec = msgspec.to_builtins(
        spec_of(Trial(language="javascript", code=b"export default (x) => x", payload=b"7"), None)
    )
    answers = await trial_page.evaluate("(spec) => Promise.all([1, 2, 3].map(() => disioTrial.run(spec)))", spec)
    assert [a["results"][0]["kind"] for a in answers] == ["ok"] * 3


async def test_a_unit_that_ran_out_of_memory_runs_again_in_the_new_frame(trial_page: "Page") -> None:
    source = "export default (n) => { let s = 'x'; while (n === 1) s += s; return n }"
    kinds = [(await run(trial_page, source, [n], unit_timeout_s=5.0))[0]["kind"] for n in (1, 0, 1)]
    assert kinds == ["memory", "ok", "memory"]


async def test_the_next_python_task_gets_an_interpreter_that_waits_for_it_and_has_seen_no_other(
    trial_page: "Page",
) -> None:
    kit = python_kit("python")
    await trial_page.route("**/kits/python/*", lambda route: route.fulfill(body=kit[Path(route.request.url).name]))
    python = {"language": "python", "kit": {name: f"/kits/python/{name}" for name in kit}}
    source = """
import builtins, random
def run(payload, unit):
    seen, builtins.mark = hasattr(builtins, "mark"), True
    return [seen, random.random(), unit.random()]
"""
    (first,) = await run(trial_page, source, [0], task="a", **python)
    (before,) = trial_page.workers
    await wait_until(lambda: len(trial_page.workers) == 2, 30.0)
    spare = trial_page.workers[-1]
    (second,) = await run(trial_page, source, [0], task="b", **python)
    assert (first["value"][0], second["value"][0]) == (False, False)
    assert {before, spare} <= set(trial_page.workers)
    (again,) = await run(trial_page, source, [0], task="a", **python)
    assert again["value"][0], "the first task's interpreter was kept for it"


async def test_no_distributor_serves_the_page(built_pages: Path) -> None:
    assert Pages(built_pages).find("/trial") is None
    assert not (built_pages / "trial.html").exists()


async def test_whoever_looks_at_the_page_sees_what_it_does_and_how_runs_ended(
    browser_context: "BrowserContext", built_pages: Path
) -> None:
    page = await browser_context.new_page()
    await page.set_viewport_size({"width": 340, "height": 640})
    state, runs = page.locator("#state"), page.locator("#runs li")
    async with TrialServer().serving() as server:
        await page.goto(f"{server.url}/trial")
        await wait_until(lambda: _says(state, "Nothing to do."))
        await page.goto("about:blank")
        await page.goto(server.page_url)
        await wait_until(lambda: _says(state, "Ready for the next run."))
        for code in (b"export default () => 1", b"export default () => { throw new Error('<b>' + 'x'.repeat(500)) }"):
            await server.run(Trial(language="javascript", code=code, payload=b"1"))
        await wait_until(lambda: _says(runs.first, "Run 2: payload 0"))
        newest, first = await runs.all_inner_texts()
        assert "error" in newest and "<b>xxx" in newest
        assert "ok" in first and first.endswith(" s")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await wait_until(lambda: _says(state, "The command has ended."))


async def _says(place: "Locator", text: str) -> bool:
    return text in await place.inner_text()
