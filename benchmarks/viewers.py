"""What viewers cost a manager: results it commits with nobody looking, and with fifty.

    python -m benchmarks.viewers [--viewers 50] [--rounds 5] [--seconds 8] [--tasks 1000] [--rate 0]

Two managers with the same tasks, each a process of its own, take results in turns from two distributors over real
ZeroMQ. Fifty viewers, half of them through a dashboard: each has a live stream open and asks for what its page asks
for, as often as the page does (20 Overview, 10 Tasks, 13 Task with its results, 3 Fleet, 2 Payload, 2 Sites). A round
has two turns: *beside*, the viewers look at another manager, which takes no results; *watched*, they look at the one
that does. With a rate, results come as fast as that and no faster, and the managers' CPU time is compared: the same
work, so what the watched one used more is what its viewers cost, in parts of a core.

Rule: the turns alternate, so whatever else the machine does is in all of them. Viewers and dashboard are processes that
take their share of the same cores and caches; they do in both.
"""

import asyncio
import contextlib
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import aiohttp
import click
import psutil
import zmq

from benchmarks.watching import SHARES, Watchers
from disio_manager.identity import load_identity
from disio_manager.stores.opening import open_store
from disio_shared import messages
from disio_shared.datadir import DataDir
from tests.filled import Sizes, fill
from tests.integration.env import Env, task
from tests.unit.manager.served import Peer

BATCH = 500
OUTSTANDING = 4
"""Batches that a distributor has under way."""
LOW = 5_000
"""Payloads below which a distributor asks for more."""
PEERS = 2
PAYLOADS = 10**11
TURNS = ("beside", "watched")
WARM_S = 2.0


class Round(NamedTuple):
    """What one manager did in one turn."""

    rate: float
    """Results a second."""
    per_cpu: float
    """Results a second of its CPU time."""
    share: float
    """Of a core that it used."""


class Load:
    """One distributor by hand: it delivers as fast as the manager commits, or at a rate."""

    def __init__(self, peer: Peer, rate: float) -> None:
        self._peer, self.committed, self._pause_s = peer, 0, BATCH / rate if rate else 0.0
        self._due = 0.0
        self._left: list[tuple[str, int, int]] = []
        self._asked = self._sent = self._outstanding = 0
        self._is_asking = False

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._due = time.perf_counter()
        while True:
            await self._go_on()
            if self._pause_s and not await self._peer.socket.poll(self._wait_ms()):
                continue
            message = messages.TO_DISTRIBUTOR.decode(await self._peer.socket.recv())
            if isinstance(message, messages.Committed):
                self._outstanding -= 1
                self.committed += BATCH
            elif isinstance(message, messages.Grant):
                self._is_asking = False
                self._left += [(block.task, block.start, block.stop) for block in message.blocks]

    async def _go_on(self) -> None:
        if not self._is_asking and sum(stop - start for _, start, stop in self._left) < LOW:
            self._is_asking, self._asked = True, self._asked + 1
            await self._peer.say(self._peer.ask_message(10_000, self._asked))
        while self._outstanding < OUTSTANDING and self._left and self._due <= time.perf_counter():
            self._due += self._pause_s
            name, start, stop = self._left.pop(0)
            if start + BATCH < stop:
                self._left.insert(0, (name, start + BATCH, stop))
            await self._deliver(name, list(range(start, min(stop, start + BATCH))))

    def _wait_ms(self) -> int:
        """Return how long to wait for a message before the next batch is due."""
        return max(1, math.ceil((self._due - time.perf_counter()) * 1e3)) if self._outstanding < OUTSTANDING else 1_000

    async def _deliver(self, name: str, indexes: list[int]) -> None:
        self._sent, self._outstanding = self._sent + 1, self._outstanding + 1
        columns = messages.ResultColumns(
            task=name,
            indexes=indexes,
            values=[b"null"] * len(indexes),
            seconds=[0.001] * len(indexes),
            clients=["a", "b"],
            by=[at % 2 for at in range(len(indexes))],
        )
        await self._peer.say(messages.Deliver(batch=f"{self._peer.distributor}-{self._sent}", results=[columns]))


class Side:
    """One manager with its distributors."""

    def __init__(self, env: Env, name: str, rate: float) -> None:
        self._rate = rate
        self.started = env.manager(name=name)
        self.folder = env.folder / name
        self.token = (self.folder / "admin.token").read_text().strip()
        self._process = psutil.Process(self.started.process.pid)
        self._loads: list[Load] = []

    async def connect(self) -> str:
        """Make the task and join; return its id."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession(self.started.url, headers=headers) as http:
            body = task("export default () => null", {"range": [0, PAYLOADS]}, priority=5)
            async with http.post("/api/tasks", json=body) as answer:
                told = await answer.json()
                if answer.status != 201:
                    raise click.ClickException(str(told))
                made: str = told["id"]
            async with http.get("/api/link") as answer:
                link = await answer.json()
        for nth in range(PEERS):
            peer = Peer(link["zmq_port"], link["curve_key"].encode(), f"d{nth}", zmq.curve_keypair())
            peer.socket.rcvhwm = 1_000
            await peer.join()
            self._loads.append(Load(peer, self._rate / PEERS))
        return made

    async def turn(self, seconds: float) -> Round:
        """Take results for a while and return what came of it."""
        running = [asyncio.create_task(load.run()) for load in self._loads]
        await asyncio.sleep(WARM_S)
        before, cpu, begun = self._committed(), self._cpu(), time.perf_counter()
        await asyncio.sleep(seconds)
        done, spent, took = self._committed() - before, self._cpu() - cpu, time.perf_counter() - begun
        for each in running:
            each.cancel()
        for told in await asyncio.gather(*running, return_exceptions=True):
            if not isinstance(told, asyncio.CancelledError):
                raise click.ClickException(f"a distributor broke: {told!r}")
        return Round(done / took, done / spent, spent / took)

    def _committed(self) -> int:
        return sum(load.committed for load in self._loads)

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


@click.command()
@click.option("--viewers", default=sum(SHARES.values()), show_default=True, type=click.IntRange(1, 400))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--seconds", default=8.0, show_default=True, type=click.FloatRange(0.5, 600.0))
@click.option("--tasks", default=1_000, show_default=True, type=click.IntRange(1, 100_000))
@click.option(
    "--rate", default=0.0, help="Results a second; 0: as many as the manager takes.", type=click.FloatRange(0)
)
@click.option("--look", default="", hidden=True)
def main(viewers: int, rounds: int, seconds: float, tasks: int, rate: float, look: str) -> None:
    """Measure and print."""
    if look:
        asyncio.run(_look(Path(look), viewers))
    else:
        click.echo(json.dumps(asyncio.run(measure(viewers, rounds, seconds, tasks, rate)), indent=1))


async def measure(viewers: int, rounds: int, seconds: float, tasks: int, rate: float) -> dict[str, Any]:
    """Return every round of both turns, their medians and how they compare."""
    with tempfile.TemporaryDirectory() as folder:
        env = Env(Path(folder))
        try:
            for name in ("busy", "other"):
                await _fill(env.folder / name, tasks)
            busy, other = Side(env, "busy", rate), Side(env, "other", rate)
            seen = {"watched": (busy, await busy.connect()), "beside": (other, await other.connect())}
            found: dict[str, list[Round]] = {name: [] for name in TURNS}
            with contextlib.ExitStack() as exits:
                looking = {
                    name: exits.enter_context(_looking(side.folder, viewers)) for name, (side, _) in seen.items()
                }
                for nth in range(rounds):
                    for name in TURNS[nth % 2 :] + TURNS[: nth % 2]:
                        await _say(looking[name], seen[name][1])
                        found[name].append(await busy.turn(seconds))
                        click.echo(f"{name:8} {found[name][-1]}", err=True)
                        click.echo(await _say(looking[name], "stop"), err=True)
        finally:
            env.stop()
    return _told(found, rate > 0)


@contextlib.contextmanager
def _looking(folder: Path, viewers: int) -> Iterator["subprocess.Popen[str]"]:
    """Yield the viewers of a manager, a process of their own that ends with its input."""
    argv = [sys.executable, "-m", "benchmarks.viewers", "--viewers", str(viewers), "--look", str(folder)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


async def _say(looking: "subprocess.Popen[str]", line: str) -> str:
    assert looking.stdin is not None and looking.stdout is not None
    looking.stdin.write(line + "\n")
    looking.stdin.flush()
    told = (await asyncio.to_thread(looking.stdout.readline)).strip()
    if line != "stop" and not told.endswith("look"):
        raise click.ClickException(f"the viewers could not begin: {told or 'they ended'}")
    return told


async def _fill(folder: Path, tasks: int) -> None:
    folder.mkdir()
    manager = load_identity(DataDir(folder)).curve_public.decode()
    store = await open_store("", folder, manager)
    await fill(store, Sizes(tasks, 5_000, 0, 1_000, 10, 5, 5), manager)
    while await store.next_number() < tasks:
        pass  # those that the filling gave by itself are taken
    await store.close()


def _told(found: dict[str, list[Round]], is_paced: bool) -> dict[str, Any]:
    medians = {
        name: {field: round(median(getattr(each, field) for each in rounds), 3) for field in Round._fields}
        for name, rounds in found.items()
    }
    pairs = list(zip(found["watched"], found["beside"], strict=True))
    ratios = {
        field: round(median(getattr(one, field) / getattr(two, field) for one, two in pairs), 3)
        for field in ("rate", "per_cpu")
    }
    cores = [round(one.share - two.share, 4) for one, two in pairs]
    told = {"rounds": found, "medians": medians, "watched to beside, median of rounds": ratios}
    return told | ({"cores that viewers took": cores, "their median": median(cores)} if is_paced else {})


async def _look(data: Path, viewers: int) -> None:
    """Be the viewers: a line with a task begins, ``stop`` ends, and the end of the input is the end."""
    async with contextlib.AsyncExitStack() as exits:
        watchers = await exits.enter_async_context(Watchers.of(data, viewers))
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            print(await (watchers.stop() if line == "stop" else watchers.begin(line)), flush=True)


if __name__ == "__main__":
    main()
