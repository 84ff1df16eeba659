"""Processor time of a browser over time, and which part of it holds whole duty cycles.

Rule: what a process used is counted up to its last reading, also when it has ended since. Nothing here knows of disio.
"""

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY_S = 0.05
LOOK_S = 1.0
"""New processes are looked for this often."""
QUIET_CORES = 0.2
"""In a rest less than so many processors are used. Pages live, even when nothing is computed."""


@dataclass(frozen=True)
class Sample:
    """Seconds of a clock, and processor seconds since the beginning: of workers, of renderers, and of all processes."""

    at: float
    workers: float
    renderers: float
    browser: float


class Reader:
    """Reads the processes of a browser that this process started, until ``stop``."""

    def __init__(self, precedence: int = 0) -> None:
        """Args: precedence: That of the browser, if it is a realtime one; 0 = none."""
        self._precedence = precedence
        self.series: list[Sample] = []
        self._kinds: dict[psutil.Process, bool] = {}
        self._used: dict[psutil.Process, float] = {}
        self._workers: dict[Path, float] = {}
        self._looked = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def since(self, at: float) -> list[Sample]:
        """Return what was read from a time of ``time.monotonic`` on."""
        return [sample for sample in self.series if sample.at >= at]

    async def _read(self) -> None:
        while True:
            self._sample()
            await asyncio.sleep(EVERY_S)

    def _sample(self) -> None:
        now = time.monotonic()
        if now - self._looked >= LOOK_S:
            self._looked = now
            self._look()
        for process in self._kinds:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self._used[process] = times.user + times.system
        for thread in self._workers:
            with contextlib.suppress(OSError):
                self._workers[thread] = int((thread / "schedstat").read_text().split()[0]) / 1e9
        renderers = sum(used for process, used in self._used.items() if self._kinds[process])
        self.series.append(Sample(time.monotonic(), sum(self._workers.values()), renderers, sum(self._used.values())))

    def _look(self) -> None:
        for process in psutil.Process().children(recursive=True):
            if process in self._kinds:
                continue
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            if words and "chrom" in words[0]:
                self._kinds[process] = "--type=renderer" in words
        for process, is_renderer in self._kinds.items():
            if is_renderer:
                self._find_workers(process.pid)

    def _find_workers(self, pid: int) -> None:
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with contextlib.suppress(OSError):
                if thread in self._workers or not (thread / "comm").read_text().startswith("DedicatedWorker"):
                    continue
                self._workers[thread] = 0.0
                if self._precedence:
                    # Let workers give way to what wakes them: between equals in real time a message waits for 0.1 s.
                    os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(self._precedence - 1))


def begins(series: list[Sample], rest_s: float) -> list[int]:
    """Return where computing began after a rest of at least so many seconds, as positions in the series."""
    found, quiet_from = [], None
    for at in range(1, len(series)):
        before, here = series[at - 1], series[at]
        passed = here.at - before.at
        if here.renderers - before.renderers < QUIET_CORES * passed:
            quiet_from = before.at if quiet_from is None else quiet_from
            continue
        if quiet_from is not None and before.at - quiet_from >= rest_s:
            found.append(at - 1)
        quiet_from = None
    return found


def whole_cycles(series: list[Sample], rest_s: float) -> tuple[list[Sample], int]:
    """Cut a series at the first and the last begin of computing, if most of it lies between them.

    Returns:
        The part, and how many duty cycles it holds; the whole series and 0 when computing hardly ever rests.
    """
    found = begins(series, rest_s)
    if len(found) > 1:
        part = series[found[0] : found[-1] + 1]
        if part[-1].at - part[0].at > (series[-1].at - series[0].at) / 2:
            return part, len(found) - 1
    return series, 0
