"""Python units in a real page of a real distributor: its files are fetched when a task needs them, and not before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext

from disio.rest import ManagerClient
from tests.integration.env import Env
from tests.waiting import wait_until

from .test_demo_page import start_helping

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

UNIT = """
import asyncio

async def run(payload, unit):
    await asyncio.sleep(0)
    if payload == 3:
        kept = []
        while True:
            kept.append(bytearray(1_000_000))
    if payload == 4:
        import js

        return js.fetch
    return {"big": payload + 2 ** 60, "index": unit.index, "drawn": unit.random()}
"""
JAVASCRIPT = "export default (payload) => payload"


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Env]:
    made = Env(tmp_path)
    yield made
    made.stop()


async def test_a_page_computes_a_python_task_and_fetches_python_for_it_alone(
    env: Env, browser_context: BrowserContext
) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    page = await browser_context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    async with env.rest(manager) as rest:
        await start_helping(page, f"{distributor.url}/demo")
        workunit = {"language": "python", "source": UNIT}
        policy = {"max_failures": 1, "unit_timeout_s": 60}
        document = {"name": "python", "workunit": workunit, "payloads": {"range": [0, 8]}, "policy": policy}
        first = await rest.create_task({**document, "workunit": {"language": "javascript", "source": JAVASCRIPT}})
        await _ended(env, rest, first["id"])
        assert not [url for url in asked if "/kits/" in url]
        task = await rest.create_task(document)
        await _ended(env, rest, task["id"])
        rows = [row async for row in rest.results(task["id"])]
        found = {row["i"]: (row["result"]["big"], row["result"]["index"]) for row in rows}
        assert found == {index: (index + 2**60, index) for index in (0, 1, 2, 5, 6, 7)}
        failures = {row["i"]: "\n".join(row["errors"]) for row in await rest.failures(task["id"])}
    assert "MemoryError: out of memory; the unit may use 64 MiB" in failures[3]
    assert "ModuleNotFoundError: No module named 'js'" in failures[4]
    kits = sorted(url.rsplit("/", 1)[1] for url in asked if "/kits/" in url)
    assert kits == ["pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide.mjs", "python_stdlib.zip"]


async def _ended(env: Env, rest: ManagerClient, task: str) -> None:
    async def is_over() -> bool:
        seen = await rest.task(task)
        return seen["state"] in ("done", "failed")

    await wait_until(is_over, 180.0, on_timeout=env.dump)
