"""Trials in a browser of this machine: found, started without a window on a profile of its own, ended with the command.

Rule: whatever happens, the browser's processes and its profile are gone afterwards.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from disio.trial.kits import files_of
from disio.trial.serving import TrialServer
from disio.trial.trials import Outcome, Trial, TrialFailed
from disio_client.engines.native_walls import Walls
from disio_shared.children import BOUND_TO_PARENT

DoneT = TypeVar("DoneT")
VARIABLE = "DISIO_BROWSER"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"%PROGRAMFILES%\Google\Chrome\Application\chrome.exe",
    r"%PROGRAMFILES(X86)%\Microsoft\Edge\Application\msedge.exe",
)
"""Where browsers are that no PATH leads to."""
FLAGS = (
    "--headless=new",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
)
START_S = 45.0
"""For a browser to open the page and ask for work."""
LOAD_S = 120.0
"""Beyond a unit's time: to start the compute frame and load code; the page keeps stricter limits itself."""
END_S = 5.0
MAX_WORDS = 300
REMEDY = f"install Chromium, Chrome or Edge, or name one in {VARIABLE}, or use --engine cli"


def find_browser(environment: Mapping[str, str] = os.environ) -> str:
    """Return the path of a browser.

    Raises:
        TrialFailed: There is none, or the one that was named is not there.
    """
    path = environment.get("PATH", os.defpath)
    named = environment.get(VARIABLE)
    if named:
        found = shutil.which(named, path=path)
        if found is None:
            raise TrialFailed(f"{VARIABLE} names {named!r}, which is no program", "correct it, or unset it")
        return found
    candidates = [*NAMES, *(os.path.expandvars(place) for place in PLACES)]
    found = next((found for name in candidates if (found := shutil.which(name, path=path))), None)
    if found is None:
        raise TrialFailed("there is no browser on this machine", REMEDY)
    return found


class BrowserSandbox:
    """The trial page in a browser; made by ``open``."""

    walls: Walls | None = None

    def __init__(self, server: TrialServer, process: asyncio.subprocess.Process, log: Path) -> None:
        self._server, self._process, self._log = server, process, log

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, language: str) -> AsyncIterator["BrowserSandbox"]:
        """Start a browser; it has ended when this is left.

        Raises:
            TrialFailed: There is none, or it does not start.
        """
        program, server = find_browser(), TrialServer(files_of(language))
        with tempfile.TemporaryDirectory(prefix="disio-test-", ignore_cleanup_errors=True) as folder:
            profile = Path(folder)
            async with server.serving():
                process = await _start(program, profile, server.page_url)
                sandbox = cls(server, process, profile / "browser.log")
                try:
                    await sandbox._during(server.met.wait(), START_S, "open a page")
                    yield sandbox
                finally:
                    await _end(process)

    async def run(self, trial: Trial) -> Outcome:
        """Run this; runs of one unit share a realm, as they do at a volunteer's.

        Raises:
            TrialFailed: The browser died or could run nothing.
        """
        return await self._during(self._server.run(trial), trial.unit_timeout_s + LOAD_S, "answer")

    async def _during(self, work: Coroutine[Any, Any, DoneT], limit_s: float, what: str) -> DoneT:
        """Return what ``work`` does while the browser lives."""
        task, death = asyncio.ensure_future(work), asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({task, death}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            how = "ended" if death.done() else f"did not {what} within {limit_s:.0f} s"
            raise TrialFailed(f"the browser {how}{self._last_words()}", f"{VARIABLE} can name another one")
        finally:
            for part in (task, death):
                part.cancel()
            await asyncio.gather(task, death, return_exceptions=True)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._log.read_text(errors="replace").strip().splitlines()
            return f": {lines[-1][:MAX_WORDS]}" if lines else ""
        return ""


async def _start(program: str, profile: Path, url: str) -> asyncio.subprocess.Process:
    # Chromium's own sandbox does not start for root; the page's policy and the frame's opaque origin hold all the same.
    as_root = ["--no-sandbox"] if sys.platform == "linux" and os.geteuid() == 0 else []
    own = {
        "HOME": str(profile),
        "TMPDIR": str(profile),
        "XDG_CONFIG_HOME": str(profile / "config"),
        "XDG_CACHE_HOME": str(profile / "cache"),
    }
    with (profile / "browser.log").open("wb") as log:
        try:
            return await asyncio.create_subprocess_exec(
                program,
                *FLAGS,
                *as_root,
                f"--user-data-dir={profile / 'profile'}",
                url,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, **own},
                start_new_session=True,
                preexec_fn=BOUND_TO_PARENT,
            )
        except OSError as error:
            raise TrialFailed(f"the browser {program} does not start: {error}", REMEDY) from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the browser to end, and end whatever is left of its process group."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.wait()
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode is None:
        process.kill()
    await process.wait()
