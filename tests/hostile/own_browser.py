"""A Chromium of a test's own, of which the test may kill processes.

Rule: nothing is attached to the browser while a process of it is killed. Playwright takes a page for crashed as soon as
one of its frames is, and its driver ends by an error of its own when that page makes a new one.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.conftest import CHROMIUM_ARGS
from tests.services.process import ServerProcess, free_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.async_api import Page, Playwright

BUSY_S = 0.5
"""Processor time by which a process that computes is told from others."""


class OwnBrowser:
    """One browser with one page, headless."""

    def __init__(self, program: str, playwright: Playwright, folder: Path) -> None:
        self._playwright = playwright
        self._server = ServerProcess(
            "chromium",
            "http://127.0.0.1",
            free_port(),
            folder,
            lambda port, folder: [
                *[program, *CHROMIUM_ARGS, "--headless", f"--remote-debugging-port={port}"],
                *[f"--user-data-dir={folder / 'profile'}", "about:blank"],
            ],
        )

    def start(self) -> None:
        """Start it."""
        self._server.start()

    def stop(self) -> None:
        """End all its processes."""
        everything = self._processes()
        self._server.stop()
        psutil.wait_procs(everything, 10)

    @contextlib.asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """Attach to its page, which lives on afterwards."""
        browser = await self._playwright.chromium.connect_over_cdp(self.url)
        try:
            yield browser.contexts[0].pages[0]
        finally:
            await browser.close()

    @property
    def url(self) -> str:
        """Where it takes commands without anybody being attached to a page."""
        return f"{self._server.url}:{self._server.port}"

    def renderers_s(self) -> float:
        """Processor time in seconds that its living renderers have used."""
        return sum(busy_s(process) for process in self._renderers())

    async def kill_busy_renderer(self) -> None:
        """Kill the renderer process that computes, once there is one."""
        before = {process: busy_s(process) for process in self._renderers()}

        def busiest() -> list[psutil.Process]:
            used = [(busy_s(process) - before.get(process, 0.0), process) for process in self._renderers()]
            (most, process), *others = sorted(used, key=lambda one: -one[0])
            return [process] if most >= BUSY_S and all(2 * other < most for other, _ in others) else []

        for process in await wait_until(busiest):
            process.kill()

    def _processes(self) -> list[psutil.Process]:
        return [] if self._server.pid is None else psutil.Process(self._server.pid).children(recursive=True)

    def _renderers(self) -> list[psutil.Process]:
        return [process for process in self._processes() if is_renderer(process)]


def is_renderer(process: psutil.Process) -> bool:
    """Whether it is a process of pages and frames."""
    with contextlib.suppress(psutil.Error):
        return "--type=renderer" in process.cmdline()
    return False


def busy_s(process: psutil.Process) -> float:
    """Return the processor time in seconds that a process has used; one that is gone has used none."""
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
