"""Results a second from a manager into an NDJSON file, while the task goes on.

Run with ``python benchmarks/export.py [--rows N] [--runs N] [--cores N]``.

A manager starts on a database with N results of a task of 10^9 payloads; a distributor and a client go on with that
task, with units that mostly wait. Three readers fetch the N results, each in a process of its own: one that counts the
bytes of an answer in index order, one that does so page by page as they finished, and ``disio results``.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import psutil

from disio.platform import Platform, PlatformSettings
from disio.rest import ManagerClient
from disio_manager.core import events
from disio_manager.core.changes import Change, PutBlock
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.records import TaskRecord
from disio_manager.core.settings import CoreSettings
from disio_manager.stores.sqlite import SqliteStore
from disio_shared import messages
from disio_shared.payloads import RangeSpec
from disio_shared.taskdoc import Policy

CODE = b"export default async (n) => { await new Promise((done) => setTimeout(done, 20)); return n * n }"
TASK = "export-bench"
TOTAL = 10**9
BLOCK, GROUP = 10_000, 100
CLIENTS = ["client-a", "client-b"]
WANTED = 50_000
"""Rows a second."""
LIMIT_S, LOOK_S = 60.0, 0.01
READER = """
import http.client, sys
host, token, path, rows = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
manager, cursor, seen = http.client.HTTPConnection(host), "", 0
while seen < rows:
    manager.request("GET", path + cursor, headers={"Authorization": "Bearer " + token})
    answer = manager.getresponse()
    assert answer.status == 200, answer.read()
    cursor = "&cursor=" + answer.headers.get("X-Cursor", "")
    while part := answer.read1(1 << 20):
        seen += part.count(b"\\n")
print(seen)
"""


class Run(NamedTuple):
    """What a reader took."""

    seconds: float
    cpu_s: float
    manager_cpu_s: float
    """Of the manager meanwhile, the task's own work included."""
    rss: int
    """Bytes at most."""


def square(index: int) -> bytes:
    """Return what the unit makes of a payload."""
    return b"%d" % (index * index)


async def fill(path: Path, rows: int, value: Callable[[int], bytes] = square) -> None:
    """Make a database with at least so many results of a task that is not over."""
    store = await SqliteStore.open(path, "bench")
    digest = sha256(CODE).hexdigest()
    await store.put_workunit(digest, "javascript", CODE)
    core = Coordinator.restore([], [], CoreSettings(), 1_000.0, time.time())
    record = TaskRecord(
        id=TASK, number=await store.next_number(), name="export", tags=[], workunit=digest, language="javascript",
        workunit_bytes=len(CODE), payloads=b'{"range":[0,%d]}' % TOTAL, policy=Policy(), total=TOTAL, state="queued",
        created_at=time.time(),
    )  # fmt: skip
    join = messages.Join(version=1, distributor="d", name="d", url="", max_clients=1)
    created = events.TaskCreated(record, RangeSpec(0, 1, TOTAL))
    for event in (created, events.DistributorJoined("s", join, time.time())):
        await store.commit(core.handle(event, 1_000.0).changes)
    done = 0
    while done < rows:
        gathered: list[Change] = []
        while done < rows and len(gathered) < GROUP:
            ask = messages.Ask(request=done + 1, payloads=BLOCK, languages=["javascript"], kinds=["cli"])
            granted = core.handle(events.MessageArrived("s", ask, time.time(), (f"b{done}",)), 1_000.0).changes
            block = next(change.record for change in granted if isinstance(change, PutBlock))
            come = events.MessageArrived("s", delivery(block.start, block.stop, value), time.time())
            gathered += [*granted, *core.handle(come, 1_000.0).changes]
            done = block.stop
        await store.commit(gathered)
    await store.close()


def delivery(start: int, stop: int, value: Callable[[int], bytes]) -> messages.Deliver:
    """Return results as a distributor sends them."""
    columns = messages.ResultColumns(
        task=TASK,
        indexes=list(range(start, stop)),
        values=[value(index) for index in range(start, stop)],
        seconds=[0.001 * (index % 1_000) for index in range(start, stop)],
        clients=CLIENTS,
        by=[index % len(CLIENTS) for index in range(start, stop)],
    )
    return messages.Deliver(batch=f"x{start}", results=[columns])


def timed(command: list[str], output: Path, manager: int) -> Run:
    """Run a process to its end."""
    began, spent, rss = time.perf_counter(), cpu_seconds(manager), 0
    with output.open("wb") as out:
        actions = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, out.fileno(), 2)]
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            rss = max(rss, memory(pid, "VmHWM"))
            time.sleep(LOOK_S)
        _, status, used = os.wait4(pid, 0)
    elapsed = time.perf_counter() - began
    assert status == 0, output.read_text()
    return Run(elapsed, used.ru_utime + used.ru_stime, cpu_seconds(manager) - spent, rss)


def cpu_seconds(pid: int) -> float:
    """Return what a process has computed."""
    return sum(psutil.Process(pid).cpu_times()[:2])


def memory(pid: int, what: str) -> int:
    """Return bytes that a process has (``VmRSS``), or had at most (``VmHWM``)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith(f"{what}:")), 0)


def readers(platform: Platform, manager: int, rows: int, folder: Path) -> dict[str, Callable[[], Run]]:
    """Return what is measured, by name."""
    host, token = platform.manager_url.removeprefix("http://"), platform.token_file.read_text().strip()
    path = f"/api/tasks/{TASK}/results?format=ndjson"
    read = [sys.executable, "-c", READER, host, token]
    out = folder / "rows.ndjson"
    cli = [sys.executable, "-m", "disio", "results", "1", "--limit", str(rows), "--out", str(out)]
    cli += ["--manager", platform.manager_url, "--token-file", str(platform.token_file)]
    scratch = folder / "stdout"
    return {
        "copy of the file": lambda: timed(["/bin/cat", str(out)], scratch, manager),
        "index order": lambda: timed([*read, f"{path}&limit={rows}", str(rows)], scratch, manager),
        "order=finished": lambda: timed([*read, f"{path}&order=finished", str(rows)], scratch, manager),
        "disio results": lambda: timed(cli, scratch, manager),
        "disio results --follow": lambda: timed([*cli, "--follow"], scratch, manager),
    }


async def measure(rows: int, runs: int, cores: int) -> None:
    """Run the benchmark and print what was seen."""
    with tempfile.TemporaryDirectory(prefix="disio-bench-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        await fill(folder / "manager.db", rows)
        settings = PlatformSettings(folder, clients=1, cores=cores, ports=(0, 0, 0, 0), with_dashboard=False)
        platform = Platform(settings, lambda text: print(text, file=sys.stderr))
        try:
            await platform.start()
            await report(platform, rows, runs, folder)
        finally:
            await platform.stop()


async def report(platform: Platform, rows: int, runs: int, folder: Path) -> None:
    """Let the readers read, in turns; print what they took."""
    manager = platform.services["manager"].pid
    assert manager is not None, "it was started"
    async with ManagerClient.from_files(platform.manager_url, platform.token_file) as rest:
        done = await goes_on(rest, rows)
        before = memory(manager, "VmRSS")
        used = readers(platform, manager, rows, folder)
        await asyncio.to_thread(used["disio results"])
        seen = {name: [await asyncio.to_thread(run) for _ in range(runs)] for name, run in used.items()}
        more = int((await rest.task(TASK))["done"]) - done
    print(f"{rows:,} rows, {runs} runs of each, load average {os.getloadavg()[0]:.1f}; {WANTED:,} rows/s are wanted")
    for name, took in seen.items():
        best, median = min(run.seconds for run in took), statistics.median(run.seconds for run in took)
        own, managers = (1e6 / rows * statistics.median(each) for each in zip(*(run[1:3] for run in took), strict=True))
        rate = f"best {rows / best:11,.0f} rows/s   median {rows / median:11,.0f}"
        rss = max(run.rss for run in took) >> 20
        print(f"{name:23s} {rate}   CPU a row: its own {own:5.2f} us, the manager's {managers:5.2f}   {rss:4d} MiB")
    peak = memory(manager, "VmHWM")
    print(f"manager: {before >> 20} MiB before, {peak >> 20} MiB at most; the task went on by {more:,} results")


async def goes_on(rest: ManagerClient, rows: int) -> int:
    """Wait until new results come; return how many there are."""
    async with asyncio.timeout(LIMIT_S):
        while (done := int((await rest.task(TASK))["done"])) <= rows:
            await asyncio.sleep(0.1)
    return done


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000, help="results that are fetched")
    parser.add_argument("--runs", type=int, default=3, help="of each reader")
    parser.add_argument("--cores", type=int, default=8, help="units that the client has under way")
    options = parser.parse_args()
    asyncio.run(measure(options.rows, options.runs, options.cores))


if __name__ == "__main__":
    main()
