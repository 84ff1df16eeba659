"""No-op throughput of the whole pipeline: REST, manager, distributor, CLI client and engines on this machine.

Run: ``make bench`` or ``python benchmarks/throughput.py [--units N] [--runs N] [--cores N]``.

A task of N payloads whose unit returns at once is computed by one client on embedded, fully durable stores. What is
timed starts when a tenth of the task is done, so process starts and the growth of the first batches are left out.
Compared with a bare skeleton of the same pipeline (no leases, no limits, no recovery), measured elsewhere on two cores:
208,000 units/s in batches of 100 and 300,000 in batches of 500; and with the budget of 10 microseconds of CPU a unit.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from disio.platform import Platform, PlatformSettings
from disio.rest import ManagerClient

NOOP = "export default () => 0"
LIMIT_S = 300.0


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


async def run_once(platform: Platform, manager: ManagerClient, units: int) -> tuple[float, dict[str, float]]:
    """Compute one task; return units a second and CPU microseconds a unit for each service."""
    document: dict[str, Any] = {
        "name": "no-op",
        "workunit": {"language": "javascript", "source": NOOP},
        "payloads": {"range": [0, units]},
    }
    task = await manager.create_task(document)
    first: tuple[float, int] | None = None
    before: dict[str, float] = {}
    async with asyncio.timeout(LIMIT_S):
        while True:
            seen = await manager.task(task["id"])
            now, done = time.perf_counter(), int(seen["done"])
            if first is None and done * 10 >= units:
                first, before = (now, done), cpu_seconds(platform)
            if done == units:
                break
            await asyncio.sleep(0.02)
    assert first is not None
    after, counted = cpu_seconds(platform), units - first[1]
    per_unit = {name: (after[name] - before[name]) / counted * 1e6 for name in after}
    return counted / (now - first[0]), per_unit


async def measure(units: int, runs: int, cores: int) -> int:
    """Run the benchmark and print what was seen."""
    with tempfile.TemporaryDirectory(prefix="disio-bench-", ignore_cleanup_errors=True) as folder:
        settings = PlatformSettings(
            data_dir=Path(folder), clients=1, cores=cores, ports=(0, 0, 0, 0), with_dashboard=False
        )
        platform = Platform(settings, lambda text: print(text, file=sys.stderr))
        try:
            await platform.start()
            async with ManagerClient.from_files(platform.manager_url, platform.token_file) as manager:
                await run_once(platform, manager, max(1000, units // 10))
                seen = [await run_once(platform, manager, units) for _ in range(runs)]
        finally:
            await platform.stop()
    rates = [rate for rate, _ in seen]
    print(f"no-op units/s, {units} units, {runs} runs, one client with {cores or 'all'} cores:")
    print(f"  min {min(rates):,.0f}   median {statistics.median(rates):,.0f}   max {max(rates):,.0f}")
    costs = {name: statistics.median(cost[name] for _, cost in seen) for name in seen[0][1]}
    print("CPU microseconds a unit (median): " + ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items()))
    print(f"  together {sum(costs.values()):.1f}; budget 10")
    return 0


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--units", type=int, default=200_000, help="payloads of the measured task")
    parser.add_argument("--runs", type=int, default=3, help="measured runs")
    parser.add_argument("--cores", type=int, default=0, help="units the client runs at a time; 0 = all cores")
    options = parser.parse_args()
    sys.exit(asyncio.run(measure(options.units, options.runs, options.cores)))


if __name__ == "__main__":
    main()
