"""Units of pi in each language through the CLI client's engine, next to the same code in a plain interpreter.

Run: ``make bench`` or ``python benchmarks/units.py [--rounds N] [--units N]``.

Python is compared with CPython and with the same Pyodide in node, which tells what of the difference is the
interpreter's and what is disio's. The unit is examples/pi, long enough to take about 50 ms or more. Rounds are
interleaved: in each one the engine (a slot with a warm realm) and the plain program (warm as well) compute the same
units one after the other, and what is printed is the median of the rounds. A machine that does something else meanwhile
shows in the ratios; nothing here fails for being slow.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psutil

from disio_client import events as ev
from disio_client.engines.deno import HOST_SCRIPT, DenoEngine
from disio_client.engines.native import NativeEngine, find_walls
from disio_client.engines.native_walls import Walls
from disio_client.runner import Slot
from disio_shared.clock import SystemClock
from disio_shared.messages import Terms

ROOT = Path(__file__).parents[1]
PI = ROOT / "examples/pi"
KITS = ROOT / "distributor/src/disio_distributor/static/kits"
PYODIDE = ROOT / "client_web/node_modules/pyodide"
NATIVE = "python-native:bench"
COUNT = 4
LIMIT_S = 300.0

JS_DRIVER = """
import process from "node:process";
import { pathToFileURL } from "node:url";
const [file, text, count] = process.argv.slice(2);
const run = (await import(pathToFileURL(file).href)).default, unit = { progress() {} };
run(JSON.parse(text), unit);
const cpu = process.cpuUsage(), from = performance.now();
for (let i = 0; i < Number(count); i++) run(JSON.parse(text), unit);
const used = process.cpuUsage(cpu);
console.log(JSON.stringify([(performance.now() - from) / 1e3, (used.user + used.system) / 1e6]));
"""
PYODIDE_DRIVER = """
import process from "node:process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [kit, lock, file, text, count] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(kit + "/pyodide.mjs").href);
const python = await loadPyodide({ indexURL: kit + "/", lockFileContents: readFileSync(lock, "utf8") });
python.globals.set("source", readFileSync(file, "utf8"));
python.globals.set("text", text);
python.runPython(`
import json
space = {}
exec(source, space)
class Unit:
    progress = staticmethod(lambda fraction: None)
def once():
    space["run"](json.loads(text), Unit)
`);
const once = python.globals.get("once");
once();
const cpu = process.cpuUsage(), from = performance.now();
for (let i = 0; i < Number(count); i++) once();
const used = process.cpuUsage(cpu);
console.log(JSON.stringify([(performance.now() - from) / 1e3, (used.user + used.system) / 1e6]));
"""
PYTHON_DRIVER = """
import json, runpy, sys, time
file, text, count = sys.argv[1:]
run = runpy.run_path(file)["run"]
class Unit:
    progress = staticmethod(lambda fraction: None)
run(json.loads(text), Unit)
cpu, start = time.process_time(), time.perf_counter()
for _ in range(int(count)):
    run(json.loads(text), Unit)
print(json.dumps([time.perf_counter() - start, time.process_time() - cpu]))
"""
WASM_DRIVER = """
import json, pathlib, sys, tempfile, time, wasmtime
file, text, count = sys.argv[1:]
engine = wasmtime.Engine()
module, linker = wasmtime.Module.from_file(engine, file), wasmtime.Linker(engine)
linker.define_wasi()
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "in").write_text(text)
def run():
    wasi, store = wasmtime.WasiConfig(), wasmtime.Store(engine)
    wasi.stdin_file, wasi.stdout_file = str(folder / "in"), str(folder / "out")
    store.set_wasi(wasi)
    try:
        linker.instantiate(store, module).exports(store)["_start"](store)
    except wasmtime.ExitTrap as ended:
        assert ended.code == 0
run()
cpu, start = time.process_time(), time.perf_counter()
for _ in range(int(count)):
    run()
print(json.dumps([time.perf_counter() - start, time.process_time() - cpu]))
"""


@dataclass(frozen=True)
class Contest:
    """One language: its unit, the plain program it is compared with, and how much slower it may be."""

    language: str
    file: str
    position: int
    plain_name: str
    plain: list[str]
    """Command; file, payload and count follow."""
    target: float


def contests(folder: Path) -> list[Contest]:
    """Return the contests that this machine can hold."""
    drivers = {
        "driver.mjs": JS_DRIVER, "pyodide.mjs": PYODIDE_DRIVER, "driver.py": PYTHON_DRIVER, "wasm.py": WASM_DRIVER,
    }  # fmt: skip
    for name, text in drivers.items():
        (folder / name).write_text(text)
    name, js = _javascript()
    python = [sys.executable, str(folder / "driver.py")]
    pyodide = [*js, str(folder / "pyodide.mjs"), str(_kit_folder("python")), str(PYODIDE / "pyodide-lock.json")]
    return [
        Contest("javascript", "pi.js", 40_000, name, [*js, str(folder / "driver.mjs")], 1.10),
        Contest("wasm", "pi.wasm", 200_000, "wasmtime", [sys.executable, str(folder / "wasm.py")], 1.10),
        Contest("python", "pi.py", 6_000, "Pyodide", pyodide, 1.10),
        Contest("python", "pi.py", 6_000, "CPython", python, 1.50),
        Contest(NATIVE, "pi.py", 6_000, "CPython", python, 1.05),
    ]


def _javascript() -> tuple[str, list[str]]:
    """Return node, or Deno where there is none, and how to run a file with it."""
    node = shutil.which("node")
    if node is not None:
        return "node", [node]
    import deno  # type: ignore[import-untyped]

    return "deno", [str(deno.find_deno_bin()), "run", "--allow-all", "--no-config"]


class Engine:
    """A slot with its engine, asked for whole runs."""

    def __init__(self, folder: Path, walls: Walls, code: Callable[[str], bytes]) -> None:
        native = partial(NativeEngine.start, folder, walls)
        self._slot = Slot(0, DenoEngine.start, code, self._take, SystemClock(), _kit, native)
        self._heard = asyncio.Condition()
        self._finished = self._runs = 0
        self._failures: list[str] = []

    async def _take(self, event: ev.Event) -> None:
        async with self._heard:
            if isinstance(event, ev.RunFinished):
                self._finished = event.run
            elif isinstance(event, ev.UnitsFailed):
                self._failures += event.errors
            self._heard.notify_all()

    async def compute(self, task: str, language: str, file: str, payload: bytes, count: int) -> tuple[float, float]:
        """Return wall and CPU seconds of `count` units of a task; each task has a realm of its own.

        Raises:
            RuntimeError: A unit failed.
        """
        self._runs += 1
        run = ev.StartRun(
            slot=0, run=self._runs, token=str(self._runs), task=task, workunit=file, language=language,
            indexes=list(range(count)), payloads=[payload] * count, unit_timeout_s=LIMIT_S, memory_mb=0,
            terms=Terms(output="json"),
        )  # fmt: skip
        wall, cpu = time.perf_counter(), self._cpu()
        self._slot.start(run)
        async with asyncio.timeout(LIMIT_S), self._heard:
            await self._heard.wait_for(lambda: self._finished == run.run)
        if self._failures:
            raise RuntimeError(self._failures[0])
        return time.perf_counter() - wall, self._cpu() - cpu

    async def serve(self) -> None:
        await self._slot.prepare()
        await self._slot.serve()

    def _cpu(self) -> float:
        if self._slot.pid is None:
            return 0.0
        # A native worker may have the program that builds its walls above it.
        process = psutil.Process(self._slot.pid)
        return float(sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True))))


def _kit_named(language: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = msgspec.json.decode(HOST_SCRIPT.with_name("kits.json").read_bytes()).get(language)
    return found


def _kit_folder(language: str) -> Path:
    kit = _kit_named(language)
    assert kit is not None, "the web bundles were built with it"
    return KITS / str(kit["name"])


def _kit(language: str) -> Mapping[str, bytes]:
    kit = _kit_named(language)
    return (
        {}
        if kit is None
        else {each["name"]: (_kit_folder(language) / each["name"]).read_bytes() for each in kit["files"]}
    )


def plain(contest: Contest, payload: bytes, count: int) -> tuple[float, float]:
    """Return wall and CPU seconds of `count` units in the plain program, its start not counted."""
    command = [*contest.plain, str(PI / contest.file), payload.decode(), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    wall, cpu = json.loads(done.stdout)
    return float(wall), float(cpu)


async def hold(contest: Contest, engine: Engine, rounds: int, units: int) -> str:
    """Return the line of a contest."""
    payload = msgspec.json.encode({"n": contest.position, "count": COUNT})
    ours, theirs = [], []
    for number in range(rounds):
        # As the plain program: a process or realm of its own in each round (two processes of one program may differ by
        # some percent, by where things lie in memory), and one unit before the clock starts.
        task = f"{contest.language}-{contest.plain_name}-{number}"
        await engine.compute(task, contest.language, contest.file, payload, 1)
        ours.append(await engine.compute(task, contest.language, contest.file, payload, units))
        theirs.append(await asyncio.to_thread(plain, contest, payload, units))
    (wall, cpu), (plain_wall, plain_cpu) = _medians(ours), _medians(theirs)
    return (
        f"{contest.language.partition(':')[0]:<13} {units / wall:7.2f} units/s {cpu / units * 1e3:7.1f} ms CPU   "
        f"{contest.plain_name:<9} {units / plain_wall:7.2f} units/s {plain_cpu / units * 1e3:7.1f} ms CPU   "
        f"time x{wall / plain_wall:.2f}, CPU x{cpu / plain_cpu:.2f} (target x{contest.target:.2f})"
    )


def _medians(seen: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in seen), statistics.median(cpu for _, cpu in seen)


async def measure(rounds: int, units: int) -> None:
    """Print a line for each language."""
    with tempfile.TemporaryDirectory(prefix="disio-bench-", ignore_cleanup_errors=True) as name:
        walls = await find_walls(Path(name))
        engine = Engine(Path(name), walls, lambda file: (PI / file).read_bytes())
        serving = asyncio.create_task(engine.serve())
        try:
            print(f"pi units, medians of {rounds} interleaved rounds of {units}:", flush=True)
            for contest in contests(Path(name)):
                print(await hold(contest, engine, rounds, units), flush=True)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--units", type=int, default=10, help="units of one round")
    options = parser.parse_args()
    asyncio.run(measure(options.rounds, options.units))
