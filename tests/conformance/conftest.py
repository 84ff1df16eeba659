"""Which conformance units run where, and the fixture that has their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from disio.trial.serving import TrialServer
from tests.unit.client_cli.python_rig import python_kit

from .all_cases import CASES
from .answers import Answers, Ask, Runner
from .case import Case
from .chromium import ChromiumRunner
from .cli import CliRunner

if TYPE_CHECKING:
    from playwright.async_api import Browser

BY_NAME = {case.name: case for case in CASES}
CLIENTS = ("cli", "chromium")
RUNNERS_OF = {
    "js": CLIENTS,
    "classic": CLIENTS,
    "python": CLIENTS,
    "wat": (*CLIENTS, "wasmtime"),
    "wasm": (*CLIENTS, "wasmtime"),
}
"""Where each form runs."""
KIT_URL = "/kits/python/"


def places(case: Case) -> list[tuple[str, str]]:
    """Return each form of a case with each runner for it."""
    return [
        (form, runner)
        for form in case.sources
        for runner in RUNNERS_OF.get(form, ())
        if not case.only or runner in case.only
    ]


HERE = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "place" in metafunc.fixturenames:
        asks = [(case, *place) for case in CASES for place in places(case)]
        ids = [f"{case.name}-{form}-{runner}" for case, form, runner in asks]
        metafunc.parametrize("place", asks, ids=ids)
    elif "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, ids=[case.name for case in CASES])


def _asked(items: list[pytest.Item]) -> Iterator[Ask]:
    for item in items:
        if item.path.parent != HERE:  # others may have parameters of these names
            continue
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "place" in parameters:
            case, form, runner = parameters["place"]
            yield runner, case.name, form
        elif isinstance(case := parameters.get("case"), Case):
            for form, runner in places(case):
                yield runner, case.name, form


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def answers(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Answers]:
    """The answers to the tests that were chosen, as they come in."""

    @asynccontextmanager
    async def cli() -> AsyncIterator[Runner]:
        runner = CliRunner()
        try:
            await runner.start()
            yield runner
        finally:
            await runner.close()

    @asynccontextmanager
    async def chromium() -> AsyncIterator[Runner]:
        context = await browser.new_context()
        async with TrialServer().serving() as server:
            page = await context.new_page()
            kit = python_kit("python")
            files = f"{server.url}{KIT_URL}*"
            await page.route(files, lambda route: route.fulfill(body=kit[Path(route.request.url).name]))
            await page.goto(f"{server.url}/trial")
            await page.wait_for_function("window.disioTrial !== undefined")
            yield ChromiumRunner(page, {"python": {name: KIT_URL + name for name in kit}})
            await context.close()

    @asynccontextmanager
    async def bare() -> AsyncIterator[Runner]:
        # Not at the top: this file is read before pytest's faulthandler starts, which would take wasmtime's signals.
        from .bare import BareRunner

        yield BareRunner()

    runners: dict[str, Callable[[], AbstractAsyncContextManager[Runner]]] = {
        "cli": cli,
        "chromium": chromium,
        "wasmtime": bare,
    }
    asks = list(dict.fromkeys(_asked(request.session.items)))
    async with Answers(asks, BY_NAME, runners).coming() as coming:
        yield coming
