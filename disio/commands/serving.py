"""What ``disio up`` does: start the platform, tell where it is, run a demo or wait for Ctrl-C, stop.

Rule: however it ends, every process it started has ended before it.
"""

import asyncio
import contextlib
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec
import platformdirs

from disio.demos.running import run_mandelbrot, run_pi
from disio.platform import Platform, PlatformSettings
from disio.printing import complain
from disio.rest import ManagerClient
from disio_shared.errors import DisioError

FAILURE, INTERRUPTED = 1, 130


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The command line of ``disio up``."""

    clients: int
    demo: str | None
    digits: int
    stay: bool
    data_dir: Path | None
    port: int | None
    as_json: bool
    public_status: bool = False


class Interruption(asyncio.Event):
    """Set by the first signal that asks us to end."""

    by: int = 0
    """Number of that signal."""


class Voice:
    """Tells people on stderr, and programs on stdout."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def say(self, text: str) -> None:
        """Show a line to a person."""
        print(text, file=sys.stderr, flush=True)

    def urls(self, platform: Platform) -> None:
        """Tell where everything is."""
        if self._as_json:
            facts = {
                "ready": "up",
                "manager": platform.manager_url,
                "distributor": platform.distributor_url,
                "dashboard": platform.dashboard_url,
                "login_url": platform.login_url,
                "token_file": str(platform.token_file),
                "pids": {name: service.pid for name, service in platform.services.items()},
            }
            print(msgspec.json.encode(facts).decode(), flush=True)
            return
        clients = platform.settings.clients
        self.say(f"✓ manager      {platform.manager_url}")
        self.say(f"✓ distributor  {platform.distributor_url}     volunteer page: {platform.distributor_url}/demo")
        status = f"     for everybody: {platform.dashboard_url}/status" if platform.settings.public_status else ""
        self.say(f"✓ dashboard    {platform.dashboard_url}{status}")
        self.say(f"✓ clients      {clients} on this machine")
        self.say(f"Open: {platform.login_url}    (one-time login)    Ctrl-C stops everything")


async def serve(options: UpOptions, open_browser: bool) -> int:
    """Run until the demo or the person ends it; return the exit status."""
    voice = Voice(options.as_json)
    with _data_dir(options) as data_dir:
        ports = (8700, 8701, 8710, 8720)
        if options.port is not None:
            ports = (0, 0, 0, 0) if options.port == 0 else (options.port, *ports[1:])
        settings = PlatformSettings(
            data_dir=data_dir, clients=options.clients, ports=ports, public_status=options.public_status
        )
        platform = Platform(settings, voice.say)
        async with _interruptible() as interrupted:
            try:
                return await _until_ended(options, platform, voice, interrupted, open_browser)
            except DisioError as error:
                complain(error, FAILURE, options.as_json)
                return FAILURE
            finally:
                await platform.stop()


async def _until_ended(
    options: UpOptions, platform: Platform, voice: Voice, interrupted: Interruption, open_browser: bool
) -> int:
    work = asyncio.create_task(_work(options, platform, voice, interrupted, open_browser))
    stop = asyncio.create_task(interrupted.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not interrupted.is_set():
        return work.result()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    voice.say("stopping")
    return INTERRUPTED if interrupted.by == signal.SIGINT else 0


async def _work(
    options: UpOptions, platform: Platform, voice: Voice, interrupted: Interruption, open_browser: bool
) -> int:
    await platform.start()
    voice.urls(platform)
    if open_browser:
        await asyncio.to_thread(webbrowser.open, platform.login_url)
    status = 0
    if options.demo:
        help_line = f"waiting for clients: open {platform.distributor_url}/demo and press Start"
        async with ManagerClient.from_files(platform.manager_url, platform.token_file) as manager:
            status = 0 if await _demo(options, platform, manager, voice, help_line) else FAILURE
    if options.stay or not options.demo:
        await interrupted.wait()
    return status


async def _demo(options: UpOptions, platform: Platform, manager: ManagerClient, voice: Voice, help_line: str) -> bool:
    if options.demo == "pi":
        return await run_pi(manager, options.digits, voice.say, help_line)

    def link(path: str) -> str:
        return f"{platform.login_url}{'&' if '?' in platform.login_url else '?'}next={quote(path, safe='/')}"

    return await run_mandelbrot(manager, voice.say, help_line, link)


@contextlib.contextmanager
def _data_dir(options: UpOptions) -> Iterator[Path]:
    """Yield the folder for everything; a demo's own is temporary."""
    if options.data_dir is not None:
        yield options.data_dir.absolute()
    elif options.demo:
        with tempfile.TemporaryDirectory(prefix="disio-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    else:
        yield Path(platformdirs.user_data_dir("disio"))


@contextlib.asynccontextmanager
async def _interruptible() -> AsyncIterator[Interruption]:
    """Turn Ctrl-C and SIGTERM into an event; a second one ends the process at once."""
    event, loop = Interruption(), asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.by = number
        event.set()

    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt there
            loop.add_signal_handler(number, on_signal, number)
    try:
        yield event
    finally:
        for number in signals:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
