"""Which share of the processor a volunteer's browser really takes, next to the one that was chosen.

    python -m benchmarks.throttle [--language javascript] [--unit-ms 100] [--share 25] [--realtime]

A real ``disio up`` without clients hands out units that compute for a given time; a real Chromium opens ``/help``,
Start is pressed as by a visitor, and processor seconds are read from the kernel twenty times a second. "measured" and
"ratio" are the workers' threads, which is what the throttle rules; "pages" is the ratio of all renderers (workers,
frames, the widget, and what engines do beside the workers), "whole" that of the whole browser.

For each language and length a page of its own is started at 25 %. The first row is the start itself, from the click
until what the interpreter took is rested for; the rows after it are what follows. A window holds whole duty cycles,
from the begin of one run to the begin of another: with units of 2 s at 5 % of two processors a cycle is 20 s long, and
a window that cuts one says nothing.

Rule: what is printed was read from the kernel. It ends by itself and never fails for a share. On a machine that others
load, units compute less than the time they take, which the page cannot know: ``--realtime`` gives all of it precedence.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import wasmtime
from playwright.async_api import Page, async_playwright

from benchmarks.cpu_series import EVERY_S, Reader, Sample, begins, whole_cycles
from tools import found

SHARES = (5, 25, 50, 80)
FIRST_SHARE = 25
"""What a visitor starts with."""
LENGTHS_MS = (1, 100, 2000)
RUN_S = 0.2
"""Units that are quicker are run together for so long (``client_web/src/session/batches.ts``)."""
CYCLES = 5
LEAST_REST_S = 0.12
LEAST_S, SETTLE_S = 15.0, 3.0
START_LIMIT_S = 90.0
PRECEDENCE = 10
ENDS_S = 30.0
CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    # The page would pause while the processor is under pressure.
    "--disable-blink-features=ComputePressure",
)
JAVASCRIPT = (
    "export default ({ ms }) => { const end = performance.now() + ms; while (performance.now() < end); return 1; };"
)
PYTHON = """import time
def run(payload, unit):
    end = time.perf_counter() + payload["ms"] / 1000
    while time.perf_counter() < end:
        pass
    return 1
"""
WASM = """(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (func $now (result i64) (drop (call $time (i32.const 1) (i64.const 1) (i32.const 8))) (i64.load (i32.const 8)))
  (func (export "_start") (local $end i64)
    (local.set $end (i64.add (call $now) (i64.const %d000000)))
    (loop $more (br_if $more (i64.lt_u (call $now) (local.get $end))))))"""


@dataclass(frozen=True)
class Row:
    """One line of the table: shares of all processors in percent."""

    language: str
    unit_ms: int
    phase: str
    wanted: float
    workers: float
    pages: float
    browser: float
    seconds: float
    cycles: int
    units: int

    def __str__(self) -> str:
        ratios = "".join(f"{part / self.wanted:>9.2f}" for part in (self.workers, self.pages, self.browser))
        told = f"{self.language:<11}{self.unit_ms:>7}  {self.phase:<7}{self.wanted:>6.0f} %{self.workers:>8.2f} %"
        return f"{told}{ratios}{self.seconds:>9.1f}{self.cycles:>8}{self.units:>9}"


HEAD = "language   unit ms  phase    wanted  measured    ratio    pages    whole  seconds  cycles    units"


@click.command()
@click.option("--language", "languages", multiple=True, type=click.Choice(["javascript", "wasm", "python"]))
@click.option("--unit-ms", "lengths", multiple=True, type=click.IntRange(1, 10_000), help="Length of a unit.")
@click.option("--share", "shares", multiple=True, type=click.Choice([str(share) for share in SHARES]))
@click.option("--realtime", is_flag=True, help="Take precedence over all else on this machine (needs permission).")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def main(
    languages: tuple[str, ...], lengths: tuple[int, ...], shares: tuple[str, ...], realtime: bool, as_json: bool
) -> None:
    """Measure the chosen cells (all by default: half an hour) and print one line for each."""
    if realtime:
        take_precedence()
    wanted = [int(share) for share in shares] or list(SHARES)
    # The default first, at which the page starts; then the least, for which the others would leave much to rest for.
    wanted.sort(key=lambda share: (share != FIRST_SHARE, share))
    asyncio.run(
        measure(
            languages or ("javascript", "wasm", "python"), lengths or LENGTHS_MS, wanted, PRECEDENCE * realtime, as_json
        )
    )


def take_precedence() -> None:
    """Run before everything else on this machine, as do all processes that this one starts.

    Raises:
        click.ClickException: The system does not allow it.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRECEDENCE))
    except (OSError, AttributeError) as error:
        raise click.ClickException(f"--realtime is not permitted here ({error}); run without it, or as root") from None


async def measure(
    languages: tuple[str, ...], lengths: tuple[int, ...], shares: list[int], precedence: int, as_json: bool
) -> None:
    """Measure cell by cell and print each as soon as it is known."""
    chromium = found.chromium()
    if chromium is None:
        raise click.ClickException("no Chromium here: install it, or run `make services`")
    if not as_json:
        click.echo(HEAD)
    with tempfile.TemporaryDirectory() as folder, running_up(Path(folder)) as up:
        for language in languages:
            for length in lengths:
                task = submit(up, language, length)
                async with helping(str(chromium.path), f"{up['distributor']}/help", precedence) as (page, reader):
                    async for row in rows(page, reader, language, length, shares):
                        click.echo(json.dumps(row.__dict__) if as_json else str(row))
                call(up, f"/tasks/{task}/cancel", {})


@contextmanager
def running_up(folder: Path) -> Iterator[dict[str, Any]]:
    """Start ``disio up`` without clients; yield what it says of itself."""
    words = ["up", "--clients", "0", "--port", "0", "--json", "--no-browser", "--data-dir", str(folder / "data")]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "disio", *words], stdout=subprocess.PIPE, stderr=log, env=clean
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise click.ClickException(f"disio up did not start: {(folder / 'up.log').read_text()[-500:]}")
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(ENDS_S)


def call(up: dict[str, Any], path: str, body: Any) -> Any:
    """Make one call of the manager's REST."""
    token = Path(up["token_file"]).read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{up['manager']}/api{path}", json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def submit(up: dict[str, Any], language: str, unit_ms: int) -> str:
    """Make a task without end of units that compute for so long; return its id."""
    source: dict[str, Any] = {"source": {"javascript": JAVASCRIPT, "python": PYTHON}.get(language)}
    if language == "wasm":
        code = bytes(wasmtime.wat2wasm(WASM % unit_ms))
        source = {"source_base64": base64.b64encode(code).decode(), "clock": "real"}
    payloads = {"grid": {"ms": unit_ms, "n": {"range": [0, 100_000_000]}}}
    document = {"name": f"{language} {unit_ms} ms", "workunit": {"language": language, **source}, "payloads": payloads}
    return str(call(up, "/tasks", document)["id"])


@asynccontextmanager
async def helping(program: str, url: str, precedence: int) -> AsyncIterator[tuple[Page, Reader]]:
    """Open the volunteer page in a browser of its own, read its processes, and press Start."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_ARGS))
        reader = Reader(precedence)
        try:
            page = await browser.new_page()
            await page.goto(url)
            await page.wait_for_selector("html[data-sight=clear] #start")
            reader.start()
            await asyncio.sleep(SETTLE_S)
            await page.click("#start")
            await page.wait_for_selector("#start", state="hidden")
            yield page, reader
        finally:
            await reader.stop()
            await browser.close()


async def rows(page: Page, reader: Reader, language: str, length: int, shares: list[int]) -> AsyncIterator[Row]:
    """Measure the start and then one cell after the other."""
    begun = reader.series[-1].at
    cores = await page.evaluate("navigator.hardwareConcurrency")
    first = await paid(page, reader, begun)
    yield row(language, length, "start", FIRST_SHARE, first, 1, await units_of(page), cores)
    for share in shares:
        await page.evaluate(
            "share => document.querySelector(`input[name=share][value='${share}']`).click()", str(share)
        )
        run = max(RUN_S, length / 1000)
        cycle = run / (cores * share / 100)
        before, at = await units_of(page), time.monotonic()
        part, cycles = await window(reader, at + SETTLE_S, cycle, cycle - run)
        yield row(language, length, "steady", share, part, cycles, await units_of(page) - before, cores)


def row(
    language: str, length: int, phase: str, share: int, part: list[Sample], cycles: int, units: int, cores: int
) -> Row:
    """Put shares of all processors into a line."""
    seconds = part[-1].at - part[0].at
    first, last = part[0], part[-1]
    used = (last.workers - first.workers, last.renderers - first.renderers, last.browser - first.browser)
    workers, pages, browser = (100 * each / seconds / cores for each in used)
    return Row(language, length, phase, share, workers, pages, browser, seconds, cycles, units)


async def units_of(page: Page) -> int:
    """Return how many units the page says it has computed."""
    return int("".join(c for c in await page.inner_text("#units") if c.isdigit()) or 0)


async def paid(page: Page, reader: Reader, begun: float) -> list[Sample]:
    """Return what was read from the click until the first unit was done, paid for by a rest, and another run begins."""
    limit = begun + START_LIMIT_S
    while time.monotonic() < limit and not await units_of(page):
        await asyncio.sleep(EVERY_S)
    done = time.monotonic()
    while time.monotonic() < limit:
        await asyncio.sleep(EVERY_S)
        if found := begins(reader.since(done), LEAST_REST_S):
            return reader.since(begun)[: found[0] + 1 - len(reader.since(done)) or None]
    return reader.since(begun)


async def window(reader: Reader, at: float, cycle: float, rest: float) -> tuple[list[Sample], int]:
    """Read for some whole duty cycles, and at least ``LEAST_S``; where nothing rests there are no cycles."""
    limit = at + LEAST_S + (CYCLES + 4) * cycle
    rest_s = max(LEAST_REST_S, rest / 2)
    series: list[Sample] = []
    while time.monotonic() < limit:
        await asyncio.sleep(EVERY_S)
        series = reader.since(at)
        part, cycles = whole_cycles(series, rest_s) if rest > 0 else (series, 0)
        if part and part[-1].at - part[0].at >= LEAST_S and (cycles >= CYCLES or rest <= 0):
            return part, cycles
    return whole_cycles(series, rest_s)


if __name__ == "__main__":
    main()
