"""What viewers of the dashboard cost a manager: results a second with and without them, alternating.

    python -m benchmarks.viewers [--viewers 50] [--rounds 5] [--seconds 4] [--batch 500]

Rule: the manager is its real process and so are the viewers (each reads the live stream, and asks for what the overview
asks for); the distributor is this process. Prints one JSON object with every round, and the ratio of the medians.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import click
import zmq

from disio_shared import messages
from tests.unit.manager.served import Peer, deliver_message

READY_S = 30.0
IN_FLIGHT = 4
ASKED = (
    ("/api/history?span=1h", 10.0),
    ("/api/attention", 3.0),
    ("/api/tasks?state=running&sort=progress&limit=8", 5.0),
)
SOURCE = "export default (payload) => payload"


@click.command()
@click.option("--viewers", default=50, show_default=True, type=click.IntRange(1, 400))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--seconds", default=4.0, show_default=True, type=click.FloatRange(0.5, 60))
@click.option("--batch", default=500, show_default=True, type=click.IntRange(1, 5_000))
@click.option("--watch", default="", hidden=True)
def main(viewers: int, rounds: int, seconds: float, batch: int, watch: str) -> None:
    """Measure and print; with ``--watch`` be the viewers of a manager until killed."""
    if watch:
        asyncio.run(_watch(watch, viewers))
    else:
        with tempfile.TemporaryDirectory() as folder:
            click.echo(json.dumps(asyncio.run(_measure(Path(folder), viewers, rounds, seconds, batch))))


async def _measure(folder: Path, viewers: int, rounds: int, seconds: float, batch: int) -> dict[str, Any]:
    flags = ["--no-zeroconf", "--json", "--port", "0", "--zmq-port", "0", "--data-dir", str(folder)]
    command = [sys.executable, "-m", "disio_manager", "start", *flags, "--log-level", "warning"]
    manager = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert manager.stdout is not None
        url = json.loads(await asyncio.wait_for(asyncio.to_thread(manager.stdout.readline), READY_S))["url"]
        async with _http(folder) as http:
            peer = await _joined(http, url)
            feed = _Feed(peer, await _task(http, url), batch)
            alone, watched = [], []
            for _ in range(rounds):
                alone.append(await feed.run(seconds))
                child = _viewers(url, folder, viewers)
                try:
                    assert child.stdout is not None
                    await asyncio.wait_for(asyncio.to_thread(child.stdout.readline), READY_S)
                    watched.append(await feed.run(seconds))
                finally:
                    child.terminate()
                    child.wait(READY_S)
            peer.close()
        ratio = round(median(watched) / median(alone), 3)
        return {"viewers": viewers, "alone": alone, "watched": watched, "ratio": ratio}
    finally:
        manager.terminate()
        manager.wait(READY_S)


class _Feed:
    """Delivers results, with a few batches on their way at a time."""

    def __init__(self, peer: Peer, task: str, batch: int) -> None:
        self._peer, self._task, self._batch = peer, task, batch
        self._next = self._leased = self._sent = 0

    async def run(self, seconds: float) -> float:
        """Return results a second."""
        done, flying, begun = 0, 0, time.perf_counter()
        while (is_on := time.perf_counter() - begun < seconds) or flying:
            while is_on and flying < IN_FLIGHT:
                await self._send()
                flying += 1
            await self._peer.hear(messages.Committed)
            flying, done = flying - 1, done + self._batch
        return round(done / (time.perf_counter() - begun))

    async def _send(self) -> None:
        if self._next + self._batch > self._leased:
            grant = await self._peer.leased(50 * self._batch)
            self._leased = max(block.stop for block in grant.blocks)
        indexes = list(range(self._next, self._next + self._batch))
        self._next, self._sent = self._next + self._batch, self._sent + 1
        await self._peer.say(deliver_message(self._task, indexes, f"b{self._sent}", b"null"))


def _http(folder: Path) -> aiohttp.ClientSession:
    token = (folder / "admin.token").read_text().strip()
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})


async def _joined(http: aiohttp.ClientSession, url: str) -> Peer:
    async with http.get(url + "/api/link") as answer:
        link = await answer.json()
    peer = Peer(link["zmq_port"], link["curve_key"].encode(), "bench", zmq.curve_keypair())
    await peer.join()
    return peer


async def _task(http: aiohttp.ClientSession, url: str) -> str:
    workunit = {"language": "javascript", "source": SOURCE}
    made = {"name": "bench", "workunit": workunit, "payloads": {"range": [0, 10**9]}}
    async with http.post(url + "/api/tasks", json=made) as answer:
        answer.raise_for_status()
        return str((await answer.json())["id"])


def _viewers(url: str, folder: Path, viewers: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.viewers", "--watch", url, "--viewers", str(viewers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "BENCH_FOLDER": str(folder)})


async def _watch(url: str, viewers: int) -> None:
    """Look at the overview so many times at once."""
    connector = aiohttp.TCPConnector(limit=0)
    token = (Path(os.environ["BENCH_FOLDER"]) / "admin.token").read_text().strip()
    headers, timeout = {"Authorization": f"Bearer {token}"}, aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers=headers, connector=connector, timeout=timeout) as http:
        open_now = asyncio.Semaphore(0)
        parts = [_stream(http, url, open_now) for _ in range(viewers)]
        parts += [_poll(http, url + path, every, nth / viewers) for nth in range(viewers) for path, every in ASKED]
        watching = [asyncio.create_task(part) for part in parts]
        for _ in range(viewers):
            await open_now.acquire()
        click.echo("ready")
        await asyncio.gather(*watching)


async def _stream(http: aiohttp.ClientSession, url: str, open_now: asyncio.Semaphore) -> None:
    async with http.get(url + "/api/events") as answer:
        answer.raise_for_status()
        open_now.release()
        async for _ in answer.content.iter_any():
            pass


async def _poll(http: aiohttp.ClientSession, url: str, every_s: float, phase: float) -> None:
    tag = ""
    await asyncio.sleep(every_s * phase)
    while True:
        async with http.get(url, headers={"If-None-Match": tag} if tag else {}) as answer:
            await answer.read()
            tag = answer.headers.get("ETag", tag)
        await asyncio.sleep(every_s)


if __name__ == "__main__":
    main()
