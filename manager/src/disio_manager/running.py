"""From flags to a served manager to an exit status.

Rule: what a user can cause ends in one clear line on stderr, never in a traceback.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable
from typing import Any

from disio_manager.app import ManagerApp
from disio_manager.config import ManagerSettings
from disio_shared.config import load_settings
from disio_shared.errors import ConfigError, DisioError
from disio_shared.logs import set_up_logs
from disio_shared.problem_lines import problem_line

OK, FAILURE, USAGE = 0, 1, 2


def run_manager(flags: dict[str, Any]) -> int:
    """Run a manager until a signal; return the exit status."""
    try:
        settings = load_settings(ManagerSettings, "manager", flags)
        set_up_logs(settings.log_level, True if settings.json else None)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(settings))
    except ConfigError as error:
        return _told(error, USAGE, bool(flags.get("json")))
    except DisioError as error:
        return _told(error, FAILURE, bool(flags.get("json")))


async def _serve(settings: ManagerSettings) -> int:
    stop = asyncio.Event()
    _on_signals(stop.set)
    app = ManagerApp(settings, on_failure=stop.set)
    try:
        url = await app.start()
        _tell_ready(app, url)
        await stop.wait()
        return FAILURE if app.has_failed else OK
    finally:
        await app.stop()


def _tell_ready(app: ManagerApp, url: str) -> None:
    if app.settings.json:
        facts = {"ready": "manager", "url": url, "zmq_port": app.zmq_port, "cluster": app.cluster}
        print(json.dumps(facts), flush=True)
    else:
        print(f"ready manager {url}", flush=True)


def _on_signals(act: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, act)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    with contextlib.suppress(ImportError):
        import uvloop  # not on every system

        return uvloop.new_event_loop
    if sys.platform == "win32":
        return asyncio.SelectorEventLoop  # ZeroMQ needs a loop that can watch sockets
    return asyncio.new_event_loop


def _told(error: DisioError, status: int, as_json: bool) -> int:
    text = problem_line(error, status).decode() if as_json else f"disio manager: {error}"
    print(text, file=sys.stderr)
    return status
