"""Several distributors side by side on one machine, each a process with its own port, cache and keys.

Rule: a process that ends is started again, slower each time; the supervisor itself serves nobody.
"""

import asyncio
import json
import random
import signal
import sys
from pathlib import Path

import msgspec

from disio_distributor.config import DistributorSettings
from disio_distributor.foreground import print_ready, stop_event
from disio_shared.backoff import Backoff
from disio_shared.children import BOUND_TO_PARENT
from disio_shared.clock import SystemClock
from disio_shared.datadir import JOIN_TOKEN, DataDir
from disio_shared.errors import ConfigError
from disio_shared.logs import logger

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STEADY_S = 60.0
"""A process that ran so long starts again at once."""
KILL_AFTER_S = 10.0
"""Beyond its own drain, before a process is killed."""
VARIABLES_ONLY = ("hello_timeout_s", "drain_s")

log = logger("distributor.supervisor")


async def supervise(settings: DistributorSettings) -> int:
    """Run ``settings.processes`` distributors until interrupted, and return the exit status.

    Raises:
        ConfigError: They would share one cache.
    """
    if settings.cache:
        raise ConfigError("--processes", "each process needs a cache of its own", "leave --cache out")
    data_dir = DataDir(Path(settings.data_dir) if settings.data_dir else None)
    stopped = stop_event()
    children = [_Child(settings, data_dir, number) for number in range(settings.processes)]
    running = [asyncio.create_task(child.run()) for child in children]
    await stopped.wait()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return 0


class _Child:
    """One process, started again whenever it ends."""

    def __init__(self, settings: DistributorSettings, data_dir: DataDir, number: int) -> None:
        self._settings, self._number = settings, number
        self._own = msgspec.structs.replace(
            settings,
            processes=1,
            json=True,
            port=settings.port + number if settings.port else 0,
            data_dir=str(data_dir.path / f"process-{number + 1}"),
            join_token_file=settings.join_token_file or _existing(data_dir.path / JOIN_TOKEN),
            name=f"{settings.name}-{number + 1}" if settings.name else "",
        )

    async def run(self) -> None:
        """Keep it running until cancelled; then stop it."""
        backoff, clock = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, random.uniform), SystemClock()
        while True:
            started_at = clock.steady()
            status = await self._once()
            log.error("a distributor process ended; starting it again", number=self._number + 1, status=status)
            if clock.steady() - started_at > STEADY_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def _once(self) -> int:
        """Run the process to its end."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "disio_distributor", "start", *flags_of(self._own)),
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=BOUND_TO_PARENT,
        )
        try:
            assert process.stdout is not None
            line = await process.stdout.readline()
            if line:
                self._ready(line)
            return await process.wait()
        finally:
            await self._end(process)

    def _ready(self, line: bytes) -> None:
        url = str(json.loads(line)["url"])
        self._own = msgspec.structs.replace(
            self._own, port=int(url.rsplit(":", 1)[1]) if self._is_local(url) else self._own.port
        )
        print_ready(url, self._settings.json)

    def _is_local(self, url: str) -> bool:
        return not self._settings.public_url and url.rsplit(":", 1)[1].isdigit()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._settings.drain_s + KILL_AFTER_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def flags_of(settings: DistributorSettings) -> list[str]:
    """Return the command line that means these settings."""
    flags = []
    for name, value in msgspec.structs.asdict(settings).items():
        flag = f"--{name.replace('_', '-')}"
        if name in VARIABLES_ONLY or value in ("", [], None):
            continue
        if isinstance(value, bool):
            flags += [flag] if value else [] if name == "json" else [f"--no-{name}"]
        else:
            flags += [part for item in (value if isinstance(value, list) else [value]) for part in (flag, str(item))]
    return flags


def _existing(path: Path) -> str:
    return str(path) if path.is_file() else ""
