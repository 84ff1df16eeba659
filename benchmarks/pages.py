"""How long each call of a page takes with many tasks and many results, on SQLite.

    python -m benchmarks.pages [--tasks 10000] [--results 1000000] [--repeats 5]

Rule: the manager serves over real HTTP from a file that was filled beforehand; the first time of each call, with
nothing cached, and the median of the repeats after it are printed in milliseconds, one JSON object.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import click

from disio_manager.core.changes import AddFailures, AddResults, PutStretch, PutTask
from disio_manager.core.records import StretchRecord, TaskRecord
from disio_manager.history import LEVELS, Point, Row
from disio_manager.identity import load_identity
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared.datadir import DataDir
from disio_shared.taskdoc import Policy
from tests.unit.manager.served import Served, serve

BATCH = 5_000
STATES = ("done", "done", "done", "failed", "cancelled", "done", "done", "expired", "paused", "done")
OPEN_EVERY = 100
"""One task of so many is open."""


@click.command()
@click.option("--tasks", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--results", default=1_000_000, show_default=True, type=click.IntRange(1, 100_000_000))
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(1, 100))
def main(tasks: int, results: int, repeats: int) -> None:
    """Fill, measure and print."""
    click.echo(json.dumps(asyncio.run(measure(tasks, results, repeats)), indent=1))


async def measure(tasks: int, results: int, repeats: int) -> dict[str, dict[str, float]]:
    """Return for each call its first time and the median of the others, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        manager = load_identity(DataDir(place)).curve_public.decode()
        store = await open_store("", place, manager)
        await fill(store, tasks, results, manager)
        await store.close()
        async with serve(place) as served:
            return {path: await _timed(served, path, repeats) for path in calls(tasks)}


def calls(tasks: int) -> list[str]:
    """Return what the pages ask for."""
    big = "/api/tasks/task1"
    lists = ["limit=50", "limit=50&state=queued,running,paused&sort=progress", "limit=50&sort=ended", "limit=50&q=7"]
    lists += ["limit=50&failures=true", "limit=50&sort=progress", f"limit=50&cursor={max(1, tasks // 2)}"]
    lists += ["limit=50&state=done&created_from=1700000100&ended_from=1700000200"]
    return [
        *(f"/api/tasks?{each}" for each in lists),
        "/api/stats",
        "/api/attention",
        *(f"/api/history?span={span}" for span in ("1h", "6h", "2d", "90d")),
        big,
        *(f"{big}/history?span={span}" for span in ("1h", "90d")),
        f"{big}/explain",
        f"{big}/failures?limit=25",
        f"{big}/failures/groups",
        f"{big}/results?limit=26&from=500000&format=ndjson",
        f"{big}/payloads/1",
    ]


async def fill(store: ManagerStore, tasks: int, results: int, owner: str) -> None:
    """Write tasks, the results and failures (one in ten) of the first one, and 90 days of history."""
    for start in range(1, tasks + 1, 500):
        for number in range(start, min(tasks + 1, start + 500)):
            total = results if number == 1 else 100
            record = _task(number, total)
            await store.commit([PutTask(record), PutStretch(_stretch(record, owner))])
    for start in range(0, results, BATCH):
        indexes = [index for index in range(start, min(results, start + BATCH)) if index % 10]
        values = [b'{"n": %d}' % index for index in indexes]
        seconds, by = [0.5] * len(indexes), [index % 50 for index in indexes]
        clients = [f"client{nth}" for nth in range(50)]
        await store.commit([AddResults("task1", indexes, values, seconds, clients, by, "d1", 1.7e9)])
        failed = list(range(start, min(results, start + BATCH), 10))
        texts = [[f"ValueError: row {index} of /data/in/{index}.csv is '{index}'"] for index in failed]
        await store.commit([AddFailures("task1", failed, texts, 1.7e9)])
    now = time.time()
    for span, kept in LEVELS:
        ats = range(int(now - kept) // span * span, int(now), span)
        for task in ("", "task1"):
            point = Point(seconds=float(span), ok=100, queue=1e6, kinds={"web": 9.0}, most_clients=3)
            await store.history.put([Row(task, span, at, point) for at in ats])


def _task(number: int, total: int) -> TaskRecord:
    state = "running" if number == 1 or number % OPEN_EVERY == 0 else STATES[number % len(STATES)]
    is_open = state in ("running", "paused")
    return TaskRecord(
        id=f"task{number}",
        number=number,
        name=f"Task {number}",
        tags=["math", f"n{number}"],
        workunit="ab" * 32,
        language="javascript",
        workunit_bytes=10,
        payloads=b'{"range":[0,%d]}' % total,
        policy=Policy(),
        total=total,
        state=state,
        created_at=1.7e9 + number,
        finished_at=None if is_open else 1.7e9 + number + 60,
    )


def _stretch(record: TaskRecord, owner: str) -> StretchRecord:
    failed = record.total // 10 if record.number == 1 or record.state == "failed" else 0
    done = record.total - failed if record.state != "paused" else 0
    return StretchRecord(
        task=record.id,
        start=0,
        stop=record.total,
        owner=owner,
        frontier=record.total if done else 0,
        done=done,
        failed=failed,
    )


async def _timed(served: Served, path: str, repeats: int) -> dict[str, float]:
    times = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        async with served.http.get(served.url + path) as answer:
            await answer.read()
            answer.raise_for_status()
        times.append(round((time.perf_counter() - begun) * 1000, 1))
    return {"first": times[0], "median": median(times[1:])}


if __name__ == "__main__":
    main()
