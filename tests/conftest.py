"""Fixtures every test folder shares: real servers and a real browser, started once and ended by pid.

A test that wants to be alone uses its own database name (MongoDB), database number or prefix (Redis) or context
(Chromium); a test that takes a server away uses `mongodb_server` or `redis_server`, which are its own.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import pytest_asyncio

from tests.services.need import in_ci, need, summary
from tests.services.process import ServerProcess
from tests.services.programs import mongodb_server as start_mongodb
from tests.services.programs import redis_server as start_redis
from tests.waiting import patient
from tools import found

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

# Tests talk to this machine alone. To read the list of the world's certificates is a quarter of a process's start.
os.environ["SSL_CERT_FILE"] = os.environ["SSL_CERT_DIR"] = os.devnull

# How long an example takes says more about the machine than about disio; CI tries the same examples each time.
slow_machine_too = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile(
    "disio", deadline=None, suppress_health_check=slow_machine_too, derandomize=in_ci(), print_blob=True
)
hypothesis.settings.load_profile("disio")

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What else this machine does is no matter of the tests: a page would pause while the processor is under pressure.
    "--disable-blink-features=ComputePressure",
]
SERVICE_OF_FIXTURE = {
    "mongodb_uri": "mongodb",
    "mongodb_server": "mongodb",
    "redis_url": "redis",
    "redis_server": "redis",
    "browser": "chromium",
}


def _running(server: ServerProcess) -> Iterator[ServerProcess]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URI of a server that speaks MongoDB's protocol, shared by the session."""
    known = need("mongodb", found.mongodb())
    if known.url:
        yield known.url
        return
    for server in _running(start_mongodb(known, tmp_path_factory.mktemp("mongodb"))):
        yield server.url


@pytest.fixture
def mongodb_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A MongoDB-protocol server of this test's own, which it may stop and start."""
    folder = tmp_path / "mongodb"
    folder.mkdir()
    yield from _running(start_mongodb(need("mongodb", _with_program(found.mongodb())), folder))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Redis server, shared by the session."""
    known = need("redis", found.redis())
    if known.url:
        yield known.url
        return
    for server in _running(start_redis(known, tmp_path_factory.mktemp("redis"))):
        yield server.url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A Redis server of this test's own, which it may stop and start."""
    folder = tmp_path / "redis"
    folder.mkdir()
    yield from _running(start_redis(need("redis", found.redis_program()), folder))


def _with_program(known: found.Found | None) -> found.Found | None:
    return known if known is not None and known.path else None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's Chromium, headless, shared by the session."""
    known = need("chromium", found.chromium())
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=known.path, args=CHROMIUM_ARGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser_context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh browser profile for one test."""
    context = await browser.new_context()
    yield context
    await context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the services its fixtures start, so that `-m redis` and the CI rule cover it; be patient."""
    for item in items:
        own = item.get_closest_marker("timeout")
        limit_s = own.args[0] if own else float(item.config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(patient(limit_s)), append=False)
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in SERVICE_OF_FIXTURE:
                item.add_marker(SERVICE_OF_FIXTURE[fixture])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly which real servers the tests met."""
    terminalreporter.write_line(summary(), bold=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true a test that needs a server and was skipped fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not in_ci():
        return
    left_out = [
        r.nodeid for r in reporter.stats.get("skipped", []) if {"mongodb", "redis", "chromium"} & set(r.keywords)
    ]
    if left_out:
        reporter.write_line(f"CI=true and these were skipped: {', '.join(left_out)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
