"""How long each call of each page takes with many tasks, results, votes and audit rows, on SQLite or MongoDB.

    python -m benchmarks.pages [--tasks 10000] [--results 1000000] [--audit 100000] [--db mongodb://...] [--only audit]

Rule: the manager serves over real HTTP from a store that was filled beforehand through its own calls; of each call the
first time, with nothing cached, the median and the longest are printed in milliseconds, and what is above LIMIT_MS is
marked. Nothing is capped: the export of the audit and of results is read to its end.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import click

from disio_manager.identity import load_identity
from disio_manager.stores.opening import open_store
from disio_shared.datadir import DataDir
from tests.filled import Sizes, fill
from tests.page_calls import Call, page_calls
from tests.unit.manager.served import Served, serve

LIMIT_MS = 300.0
EXPORTS = ("/api/audit?format=ndjson",)
"""Read whole: they are as long as they are, so no limit is said of them."""


@click.command()
@click.option("--tasks", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--results", default=1_000_000, show_default=True, type=click.IntRange(1, 100_000_000))
@click.option("--votes", default=1_000_000, show_default=True, type=click.IntRange(0, 100_000_000))
@click.option("--audit", default=100_000, show_default=True, type=click.IntRange(0, 100_000))
@click.option("--sites", default=50, show_default=True, type=click.IntRange(0, 10_000))
@click.option("--repeats", default=7, show_default=True, type=click.IntRange(1, 100))
@click.option("--db", default="", help="As for a manager; it must be empty. Without it SQLite.")
@click.option("--only", default="", help="Calls alone whose path has this in it.")
def main(tasks: int, results: int, votes: int, audit: int, sites: int, repeats: int, db: str, only: str) -> None:
    """Fill, measure and print."""
    sizes = Sizes(
        tasks,
        results,
        min(votes, results),
        audit,
        sites,
        people=100,
        tokens=300,
        at_once=100 if db.startswith("mongodb") else 1_000,
    )
    found = asyncio.run(measure(sizes, repeats, db, only))
    slow = [name for name, told in found.items() if told["max"] > LIMIT_MS and not told.get("export")]
    click.echo(json.dumps({"sizes": sizes._asdict(), "ms": found, "over": slow}, indent=1))


async def measure(sizes: Sizes, repeats: int, db: str, only: str) -> dict[str, dict[str, float]]:
    """Return for each call its first time, the median and the longest of all, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        manager = load_identity(DataDir(place)).curve_public.decode()
        store = await open_store(db, place, manager)
        begun = time.perf_counter()
        await fill(store, sizes, manager)
        click.echo(f"filled in {time.perf_counter() - begun:.0f} s", err=True)
        calls = await page_calls(store, sizes)
        await store.close()
        found = {}
        async with serve(place, db=db, public_status=True) as served:
            for call in calls:
                if only in call.path:
                    found[_name(call)] = await _timed(served, call, repeats)
                    click.echo(f"{found[_name(call)]['max']:8.1f} {_name(call)}", err=True)
            for path in EXPORTS:
                if only in path:
                    found[path] = {**await _timed(served, Call("export", path), 1), "export": 1.0}
        return found


def _name(call: Call) -> str:
    body = "" if call.body is None else f" {json.dumps(call.body)}"
    return f"{call.page}: {call.path}{body}"


async def _timed(served: Served, call: Call, repeats: int) -> dict[str, float]:
    times = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        method = "GET" if call.body is None else "POST"
        async with served.http.request(method, served.url + call.path, json=call.body) as answer:
            told = await answer.read()
            if not answer.ok:
                raise click.ClickException(f"{method} {call.path}: {answer.status} {told[:500]!r}")
        times.append(round((time.perf_counter() - begun) * 1000, 1))
    return {"first": times[0], "median": round(median(times), 1), "max": max(times)}


if __name__ == "__main__":
    main()
