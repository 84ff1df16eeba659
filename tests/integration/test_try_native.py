"""``disio test --runtime native``: the worker that ``disio-client --trust-native`` starts, and what is told of it."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from disio_client.engines.native_walls import IN_WORDS
from tests.trying import Trying, busy_s, nothing_left
from tests.waiting import wait_until_sync

pytestmark = pytest.mark.integration

TALKS = """def run(n, unit):
    unit.log("payload", n, "state", unit.state)
    unit.progress(0.5)
    unit.save_state({"n": n})
    return {"n": n, "index": unit.index, "random": unit.random()}
"""
# msgspec is a compiled package of this interpreter; no sandbox has it.
SEES = """import os, sys, msgspec
def run(payload, unit):
    names = sorted(os.environ.keys() & {"DISIO_SECRET", "PYTHONHASHSEED", "HOME"})
    return [msgspec.__name__, names, os.environ["PYTHONHASHSEED"], os.environ["TZ"], os.getcwd() == os.environ["HOME"]]
"""


@pytest.fixture
def trying(tmp_path: Path) -> Iterator[Trying]:
    """The command in an empty folder, without a browser."""
    trying = Trying(tmp_path)
    yield trying
    trying.close()


def test_it_shows_its_walls_result_log_time_memory_and_bytes(trying: Trying) -> None:
    told = trying.run(trying.write("unit.py", TALKS), "--payload", "3", "--runtime", "native")
    assert (told.status, told.err) == (0, "")
    walls, first, *more = told.out.splitlines()
    assert walls in [f"native Python runs {words}" for words in IN_WORDS.values()]
    said = r"payload 0, run 1 in native Python: ok, \d+\.\d{3} s, \d+\.\d MB of memory, \d+ bytes"
    assert re.fullmatch(said, first)
    assert more[:2] == ["  log: payload 3 state None", '  saved: {"n":3}']
    assert more[2].startswith('  result: {"n":3,"index":0,"random":0.')
    assert more[3].startswith("payload 0, run 2 in native Python: ok") and len(more) == 4


def test_it_is_the_clients_own_worker_with_this_machines_packages(trying: Trying) -> None:
    words = ("--payload", "null", "--runtime", "native", "--json")
    shown = trying.run(trying.write("unit.py", SEES), *words, DISIO_SECRET="x").json
    assert shown["ok"]
    (run, again) = shown["runs"]
    assert run["result"] == ["msgspec", ["HOME", "PYTHONHASHSEED"], "0", "UTC", True]
    assert (run["engine"], run["runtime"]) == ("cli", "native")
    assert run["walls"] in ("bubblewrap", "namespaces", "limits") and again["walls"] == run["walls"]


def test_both_runtimes_agree_on_everything_but_time_and_memory(trying: Trying) -> None:
    words = ("--payload", "3", "--runtime", "both", "--repeat", "1", "--index", "4", "--state", "[1]", "--json")
    told = trying.run(trying.write("unit.py", TALKS), *words)
    assert (told.status, told.err) == (0, "")
    one, other = told.json["runs"]
    assert [one.pop("runtime"), other.pop("runtime")] == ["sandbox", "native"]
    assert one.pop("walls") is None and other.pop("walls")
    apart = {"seconds", "memory_bytes"}
    assert {key: one[key] for key in one if key not in apart} == {key: other[key] for key in other if key not in apart}
    assert one["result"]["index"] == 4 and one["states"] == [{"n": 3}] and other["memory_bytes"] is not None


def test_runtimes_that_differ_are_told_of_with_both_values(trying: Trying) -> None:
    unit = trying.write("unit.py", "import sys\ndef run(payload, unit): return sys.platform")
    told = trying.run(unit, "--payload", "1", "--runtime", "both", "--repeat", "1")
    assert told.status == 1
    assert told.line.startswith("disio test: results differ: payload 0: run 1 in native Python gave ")
    assert told.line.endswith('but run 1 in the CLI client gave "emscripten"')


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("raise TypeError('no')", "error", "TypeError: no"),
        ("while True: pass", "timeout", "limit of 0.5 s"),
        ("return {1}", "result", "set"),
        ("return len(bytearray(1 << 30))", "memory", "MemoryError"),
        ("import os; os._exit(3)", "crash", "exit status 3"),
    ],
)
def test_a_unit_that_fails_is_told_with_its_kind_and_the_next_one_runs(
    trying: Trying, body: str, kind: str, text: str
) -> None:
    unit = trying.write("unit.py", f"def run(n, unit):\n    if n == 0: return 0\n    {body}")
    timeout = "0.5" if kind == "timeout" else "20"
    words = ("--payload", "1", "--payload", "0", "--timeout", timeout, "--repeat", "1", "--runtime", "native")
    told = trying.run(unit, *words)
    assert (told.status, told.err) == (1, "")
    assert f"payload 0, run 1 in native Python: failed ({kind})" in told.out
    assert text in told.out
    assert "payload 1, run 1 in native Python: ok" in told.out


def test_memory_is_the_most_that_the_worker_took(trying: Trying) -> None:
    unit = trying.write("unit.py", "def run(mb, unit): return len(bytearray(mb << 20))")
    words = ("--payload", "0", "--payload", "100", "--repeat", "1", "--memory-mb", "200", "--runtime", "native")
    small, large = (run["memory_bytes"] >> 20 for run in trying.run(unit, *words, "--json").json["runs"])
    assert small + 90 < large < 250


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("unit.js", [], "disio: --runtime: native is for Python; this unit is javascript (leave it out)"),
        ("unit.py", ["--engine", "browser"], "disio: --engine: no browser runs native Python: browser and --runtime"),
    ],
)
def test_what_has_no_native_runtime_is_refused_by_name(trying: Trying, name: str, words: list[str], told: str) -> None:
    unit = trying.write(name, "def run(payload, unit): return 1")
    shown = trying.run(unit, "--payload", "1", "--runtime", "native", *words)
    assert (shown.status, shown.out) == (2, "")
    assert shown.line.startswith(told) and shown.line.endswith(")")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_worker_and_all_that_its_unit_started(trying: Trying, number: signal.Signals) -> None:
    source = "import subprocess, sys\ndef run(payload, unit):\n"
    source += "    subprocess.Popen([sys.executable, '-c', 'while True: pass'])\n    while True: pass\n"
    process = trying.start(trying.write("unit.py", source), "--payload", "1", "--runtime", "native")
    started = psutil.Process(process.pid).children
    wait_until_sync(lambda: sum(busy_s(one) > 0.5 for one in started(recursive=True)) >= 2, 30)
    with nothing_left(process):
        process.send_signal(number)
        told = trying.ended(process)
    assert (told.status, told.err) == (128 + number, "")


@pytest.mark.parametrize("runtime", ["native", "sandbox"])
def test_ctrl_c_while_an_engine_starts_leaves_nothing_half_started(trying: Trying, runtime: str) -> None:
    unit = trying.write("unit.py", "def run(payload, unit): return 1")
    process = trying.start(unit, "--payload", "1", "--repeat", "1000", "--runtime", runtime)
    wait_until_sync(lambda: psutil.Process(process.pid).children(), 30)
    with nothing_left(process):
        process.send_signal(signal.SIGINT)
        told = trying.ended(process)
    assert (told.status, told.err) == (130, "")
