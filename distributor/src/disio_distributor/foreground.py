"""What the process in the foreground owes its caller: the ready line, and an end when it is asked for.

Rule: the first interrupt asks, the second ends at once.
"""

import asyncio
import json
import os
import signal
import sys

import click

EXIT_INTERRUPTED = 130


def stop_event() -> asyncio.Event:
    """Return an event that the first interrupt sets; the second ends the process."""
    stopped = asyncio.Event()

    def interrupted() -> None:
        if stopped.is_set():
            os._exit(EXIT_INTERRUPTED)
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(interrupted))
        else:
            loop.add_signal_handler(number, interrupted)
    return stopped


def print_ready(url: str, as_json: bool) -> None:
    """Tell on stdout that clients are served."""
    click.echo(json.dumps({"ready": "distributor", "url": url}) if as_json else f"ready distributor {url}")
