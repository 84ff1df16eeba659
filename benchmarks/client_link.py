"""Results a second through a distributor's Socket.IO edge: one client, batches of 500, no-op units.

    python -m benchmarks.client_link [--seconds 5] [--batch 500] [--cache redis://127.0.0.1/0]

Rule: the distributor is its real process; client and stand-in manager share this one, so on two cores they are its
only rivals. Prints one JSON object; nothing is written outside a temporary folder.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

import click
import psutil

from disio_shared import messages
from tests.unit.distributor.peer import Peer
from tests.unit.distributor.standin_manager import StandInManager, block, running_manager

READY_S = 30.0
IN_FLIGHT = 4
"""Unacknowledged messages, as the protocol allows."""


@click.command()
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0.5, 60))
@click.option("--batch", default=500, show_default=True, type=click.IntRange(1, 500), help="Results in one message.")
@click.option("--cache", default="", help="Cache URL; default: SQLite.")
def main(seconds: float, batch: int, cache: str) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        click.echo(json.dumps(asyncio.run(_measure(folder, seconds, batch, cache))))


async def _measure(folder: str, seconds: float, batch: int, cache: str) -> dict[str, Any]:
    manager = _Endless()
    async with running_manager(manager):
        flags = ["--manager", manager.url, "--no-zeroconf", "--json", "--port", "0", "--data-dir", folder]
        flags += ["--log-level", "warning", *(["--cache", cache] if cache else [])]
        process = subprocess.Popen([sys.executable, "-m", "disio_distributor", "start", *flags], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), READY_S)
            return await _drive(json.loads(line)["url"], process.pid, seconds, batch) | {"delivered": manager.delivered}
        finally:
            process.terminate()
            process.wait(READY_S)
            if process.stdout is not None:
                process.stdout.close()


async def _drive(url: str, pid: int, seconds: float, batch: int) -> dict[str, Any]:
    peer = await Peer().connect(url)
    await peer.hello()
    done = sent = 0
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def report(results: messages.Results) -> None:
        nonlocal done
        try:
            stored = await peer.ask(results)
            assert isinstance(stored, messages.Stored), stored
            done += stored.accepted
        finally:
            slots.release()

    await peer.say(messages.Ready(slots=64))
    await peer.hear(messages.Assign)  # the first one waits for block and code; its lease is given up
    cpu_before, started_at = _cpu(pid), time.perf_counter()
    tasks: set[asyncio.Task[None]] = set()
    await peer.say(messages.Ready(slots=64))
    while time.perf_counter() - started_at < seconds:
        assign = await peer.hear(messages.Assign)
        await peer.say(messages.Ready(slots=64))
        for start in range(0, len(assign.indexes), batch):
            await slots.acquire()
            sent += 1
            part = assign.indexes[start : start + batch]
            results = messages.Results(
                token=assign.token, indexes=part, values=[b"null"] * len(part), seconds=[1e-6] * len(part)
            )
            task = asyncio.create_task(report(results))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    passed, cpu = time.perf_counter() - started_at, _cpu(pid) - cpu_before
    await peer.close()
    return {
        "results_per_s": round(done / passed),
        "messages_per_s": round(sent / passed),
        "results": done,
        "distributor_cpu_us_per_result": round(cpu / max(done, 1) * 1e6, 2),
        "cores": os.cpu_count(),
    }


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


class _Endless(StandInManager):
    """A manager whose task never ends."""

    def __init__(self) -> None:
        super().__init__()
        self.delivered = 0
        self._next = 0
        self.status_s = 5.0

    def _grant(self, ask: messages.Ask) -> messages.Grant:
        count = min(max(ask.payloads, 1), 100_000)
        self.blocks = [block(self._next, self._next + count, f"b{self._next}")]
        self._next += count
        return super()._grant(ask)

    def _answer(self, peer: bytes, message: messages.FromDistributor) -> messages.ToDistributor | None:
        if isinstance(message, messages.Deliver):
            self.delivered += sum(len(part.indexes) for part in message.results)
            return messages.Committed(batch=message.batch)
        return super()._answer(peer, message)


if __name__ == "__main__":
    main()
