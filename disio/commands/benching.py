"""What ``disio bench`` does: the no-op throughput of a whole platform on embedded, fully durable stores.

Rule: what is timed starts when a tenth of a task is done, so that the growth of the first batches is left out, and a
smaller task before the first run leaves out the starts of engines.
"""

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil

from disio import shapes
from disio.platform import Platform, PlatformSettings
from disio.printing import emit
from disio.rest import ManagerClient
from disio_shared.errors import DisioError

NOOP = "export default () => 0"
LOOK_S = 0.02
LEFT_OUT = 10
"""One part in so many of a run is not counted."""
WARM_UP = 1_000
"""Payloads of the task before the first run, at least."""


class TooSlow(DisioError):
    """A run did not end in time."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"a run took longer than {limit_s:g} s: give it fewer --units or a longer --limit")


@dataclass(frozen=True)
class Run:
    """One run."""

    rate: float
    """Units a second."""
    cpu_us: dict[str, float]
    """Microseconds of CPU that each service took for a unit, with all of its processes."""


def cpu_seconds(platform: Platform) -> dict[str, float]:
    """Return user + system seconds of each service with all of its children."""
    used = {}
    for name, service in platform.services.items():
        if service.pid is None:
            continue
        process = psutil.Process(service.pid)
        family = [process, *process.children(recursive=True)]
        used[name] = sum(sum(member.cpu_times()[:2]) for member in family)
    return used


async def run_once(platform: Platform, manager: ManagerClient, units: int, limit_s: float) -> Run:
    """Compute one task of units that return at once.

    Raises:
        TooSlow: It was not done after ``limit_s`` seconds.
        DisioError: The manager is gone, or refused it.
    """
    document: dict[str, Any] = {
        "name": "no-op",
        "workunit": {"language": "javascript", "source": NOOP},
        "payloads": {"range": [0, units]},
    }
    try:
        async with asyncio.timeout(limit_s):
            task = str((await manager.create_task(document))["id"])
            began, counted_from = await _done(manager, task, max(1, units // LEFT_OUT))
            before = cpu_seconds(platform)
            ended, _ = await _done(manager, task, units)
    except TimeoutError as error:
        raise TooSlow(limit_s) from error
    counted = max(1, units - counted_from)
    costs = {name: (used - before.get(name, 0.0)) / counted * 1e6 for name, used in cpu_seconds(platform).items()}
    return Run(counted / max(ended - began, LOOK_S), costs)


async def _done(manager: ManagerClient, task: str, enough: int) -> tuple[float, int]:
    """Wait until so many are done; return when that was seen and how many were."""
    while (done := int((await manager.task(task))["done"])) < enough:
        await asyncio.sleep(LOOK_S)
    return time.perf_counter(), done


async def runs_of(units: int, runs: int, cores: int, limit_s: float) -> list[Run]:
    """Start a platform, run a smaller task, then the measured ones, and take everything away again.

    Raises:
        DisioError: A part did not start, or a run was not done in time.
    """
    with tempfile.TemporaryDirectory(prefix="disio-bench-", ignore_cleanup_errors=True) as folder:
        settings = PlatformSettings(Path(folder), clients=1, cores=cores, ports=(0, 0, 0, 0), with_dashboard=False)
        platform = Platform(settings, lambda text: click.echo(text, err=True))
        try:
            await platform.start()
            async with ManagerClient.from_files(platform.manager_url, platform.token_file) as manager:
                await run_once(platform, manager, max(WARM_UP, units // LEFT_OUT), limit_s)
                return [await run_once(platform, manager, units, limit_s) for _ in range(runs)]
        finally:
            await platform.stop()


async def measure(units: int, runs: int, cores: int, limit_s: float, as_json: bool) -> int:
    """Run and print what was seen; return the exit status."""
    seen = await runs_of(units, runs, cores, limit_s)
    told = numbers(units, cores, seen)
    if as_json:
        emit(shapes.Bench, told)
    else:
        click.echo("\n".join(lines(told)))
    return 0


def numbers(units: int, cores: int, seen: list[Run]) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    rates = [run.rate for run in seen]
    return {
        "units": units,
        "cores": cores or psutil.cpu_count() or 1,
        "rates": rates,
        "rate": statistics.median(rates),
        "cpu_us": {name: statistics.median(run.cpu_us.get(name, 0.0) for run in seen) for name in seen[0].cpu_us},
    }


def lines(told: dict[str, Any]) -> list[str]:
    """Return what a person reads."""
    rates, costs = told["rates"], told["cpu_us"]
    each = ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items())
    return [
        f"{told['units']:,} units that return at once, {len(rates)} runs, {told['cores']} at a time",
        f"  {told['rate']:,.0f} units/s (median; least {min(rates):,.0f}, most {max(rates):,.0f})",
        f"  {sum(costs.values()):.1f} microseconds of CPU a unit: {each}",
    ]
