"""Python units in real engines: values, errors, endings, and what they must not reach."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from disio_client.engines.base import MB
from disio_client.engines.deno import ROOM_MB
from disio_shared.messages import Terms
from tests.unit.client_cli.python_rig import PythonRig
from tests.unit.client_cli.slot_rig import serving
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

COUNTING = """
import asyncio, random
calls = []

def plain(payload, unit):
    calls.append(unit.index)
    return {"payload": payload, "calls": len(calls)}

async def slow(payload, unit):
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().create_task(asyncio.sleep(1000))
    return [payload, "awaited"]

def drawn(payload, unit):
    return [unit.random(), unit.random(), random.random(), hash("a"), sorted({"x", "y"})]

def saved(payload, unit):
    unit.progress(0.25)
    unit.save_state({"n": 2 ** 70})
    unit.saveState(b"raw")
    return unit.state

def deep(payload, unit):
    return deep(payload, unit)

def closed(payload, unit):
    def attempt(act):
        try:
            return f"open: {act()}"
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
    def js():
        import js
        return js.fetch
    def pyodide_js():
        import pyodide_js
        return pyodide_js.runPython
    def run_js():
        from pyodide.code import run_js
        return run_js("1")
    def micropip():
        import micropip
    def function():
        from pyodide.ffi import to_js
        return to_js([]).constructor.constructor("return 1")()
    def http():
        import urllib.request
        return urllib.request.urlopen("http://127.0.0.1:9/")
    def pyfetch():
        from pyodide.http import pyfetch
        return pyfetch("http://127.0.0.1:9/").send(None)
    def sockets():
        import socket
        return socket.create_connection(("127.0.0.1", 9), 1)
    def processes():
        import subprocess
        return subprocess.run(["ls"])
    def files():
        return open("/etc/passwd").read()
    def typed():
        return input()
    tries = [js, pyodide_js, run_js, micropip, function, http, pyfetch, sockets, processes, files, typed]
    return {act.__name__: attempt(act) for act in tries}

def run(payload, unit):
    if isinstance(payload, bytes):
        return bytearray(payload[::-1])
    return globals()[payload["do"]](payload.get("with"), unit)
"""


def do(name: str, value: Any = None) -> bytes:
    return json.dumps({"do": name, "with": value}).encode()


@pytest.fixture(scope="module")
async def rig() -> AsyncIterator[PythonRig]:
    async with serving(PythonRig()) as rig:
        yield rig


async def test_values_go_in_and_out_exactly_and_the_module_is_made_once(rig: PythonRig) -> None:
    big = 2**70 + 1
    await rig.run_python(COUNTING, [do("plain", [big, "ä😀", 1e300, None, True]), b"\0abc", do("plain"), do("slow", 1)])
    assert rig.failures == {}
    first = json.loads(rig.values[0])
    assert first["payload"] == [big, "ä😀", 1e300, None, True]
    assert rig.values[1] == b"\0cba"
    assert json.loads(rig.values[2])["calls"] == first["calls"] + 1
    assert json.loads(rig.values[3]) == [1, "awaited"]


async def test_states_are_saved_and_given_back_with_every_digit(rig: PythonRig) -> None:
    await rig.run_python(COUNTING, [do("saved"), do("saved")], states={0: b"1180591620717411303425", 1: b"\0xy"})
    assert rig.values == {0: b"1180591620717411303425", 1: b"\0xy"}
    assert rig.states == {0: b"\0raw", 1: b"\0raw"}
    assert 0.25 in rig.progress


async def test_a_unit_has_no_javascript_no_network_no_files_and_no_processes(rig: PythonRig) -> None:
    await rig.run_python(COUNTING, [do("closed")])
    said = json.loads(rig.values[0])
    assert len(said) == 11
    assert {name: text for name, text in said.items() if text.startswith("open")} == {}
    assert said["js"] == "ModuleNotFoundError: No module named 'js'"
    assert said["micropip"] == "ModuleNotFoundError: No module named 'micropip'"
    assert "code from text is not allowed" in said["function"]


async def test_replicas_draw_the_same_numbers_and_javascript_does_too(rig: PythonRig) -> None:
    await rig.run_python(COUNTING, [do("drawn"), do("drawn")])
    once = dict(rig.values)
    assert rig.slot.pid is not None
    os.kill(rig.slot.pid, signal.SIGKILL)
    await rig.run_python(COUNTING, [do("drawn"), do("drawn")])
    assert rig.values == once
    assert once[0] != once[1]
    rig.values.clear()
    javascript = rig.begin("export default (p, unit) => [unit.random(), unit.random()]", [b"0", b"0"])
    await rig.until(lambda: rig._finished == javascript, "finished")
    assert [json.loads(rig.values[at]) for at in (0, 1)] == [json.loads(once[at])[:2] for at in (0, 1)]


async def test_errors_show_the_units_places_alone_and_the_message_last(rig: PythonRig) -> None:
    code = "def inner(n):\n    return 1 / n\n\ndef run(payload, unit):\n    return inner(payload)\n"
    await rig.run_python(code, [b"0", b"2"])
    assert rig.values == {1: b"0.5"}
    kind, text = rig.failures[0]
    assert kind == "error"
    lines = text.splitlines()
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert [line.strip() for line in lines if "File" in line] == [
        'File "workunit.py", line 5, in run',
        'File "workunit.py", line 2, in inner',
    ]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("def run(payload, unit:\n", "SyntaxError: '(' was never closed"),
        ("import numpy\n", "No module named 'numpy' (a work unit has Python's standard library and nothing else)"),
    ],
)
async def test_code_that_does_not_load_says_why(rig: PythonRig, code: str, text: str) -> None:
    await rig.run_python(code, [b"0", b"1"])
    assert sorted(rig.failures) == [0, 1]
    assert rig.failures[0][0] == "error"
    assert text in rig.failures[0][1]


async def test_a_memory_bomb_is_a_memory_failure_and_the_next_unit_runs_in_the_same_interpreter(rig: PythonRig) -> None:
    code = """
def run(payload, unit):
    kept = []
    while payload == 1:
        kept.append(bytearray(1_000_000))
    while payload == 2:
        with open(f"/tmp/{len(kept)}", "wb") as out:
            kept.append(out.write(bytes(5_000_000)))
    return unit.index
"""
    await rig.run_python(code, [b"0"], memory_mb=64)
    engine = rig.slot.pid
    await rig.run_python(code, [b"2", b"1", b"0"], memory_mb=64)
    assert rig.values == {2: b"2"}
    assert rig.failures[0][0] == "error"
    assert "No space left on device" in rig.failures[0][1]
    assert rig.failures[1] == ("memory", "MemoryError: out of memory; the unit may use 64 MiB")
    assert rig.slot.pid == engine


async def test_endings_are_told_apart_and_end_their_unit_alone(rig: PythonRig) -> None:
    code = """
import sys
def deeper(n):
    return deeper(n)
def run(payload, unit):
    match payload:
        case 0: deeper(0)
        case 1: sys.exit(3)
        case 2: raise KeyboardInterrupt
        case 3: return {"a": [1, {"b": float("nan")}]}
        case 4: return "x" * 2000
        case 6:
            while True: pass
    return payload
"""
    await rig.run_python(code, [b"%d" % n for n in range(7)], timeout_s=3.0, terms=Terms(max_result_bytes=1000))
    assert rig.values == {5: b"5"}
    ends = {index: (kind, text.splitlines()[-1]) for index, (kind, text) in rig.failures.items()}
    assert ends == {
        0: ("error", "RecursionError: maximum recursion depth exceeded"),
        1: ("error", "SystemExit: the unit called exit(3); return a result, or raise an error"),
        2: ("error", "KeyboardInterrupt"),
        3: ("result", "result.a[1].b is nan, which JSON cannot hold"),
        4: ("result", "result is 2002 bytes; the limit is 1000"),
        6: ("timeout", "no answer within the unit's limit of 3 s"),
    }


async def test_an_interpreter_that_breaks_is_replaced_and_the_unit_blamed(rig: PythonRig) -> None:
    code = """
import sys
sys.setrecursionlimit(10 ** 8)
def run(payload, unit):
    return run(payload, unit) if payload else "fine"
"""
    await rig.run_python(code, [b"0", b"1"])
    assert rig.values == {0: b'"fine"'}
    assert rig.failures[1][0] == "crash"
    assert "Maximum call stack size exceeded" in rig.failures[1][1]


async def test_memory_of_the_interpreter_is_not_the_units(rig: PythonRig) -> None:
    code = """
import time
def run(payload, unit):
    kept, until = bytearray(20_000_000), time.monotonic() + payload
    while time.monotonic() < until: pass
    return len(kept)
"""
    await rig.run_python(code, [b"0", b"1", b"0"], memory_mb=32)
    assert rig.failures == {}
    assert rig.values == dict.fromkeys(range(3), b"20000000")
    if sys.platform == "linux":
        import resource

        assert rig.slot.pid is not None
        room, _ = resource.prlimit(rig.slot.pid, resource.RLIMIT_DATA)
        assert room >= (ROOM_MB["python"] + 32) * MB


def workers_of(pid: int | None) -> set[int]:
    """Return the threads of an engine that are realms."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {int(task.name) for task in tasks if (task / "comm").read_text().startswith("worker-")}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the names of threads")
async def test_the_next_task_gets_an_interpreter_that_waits_for_it_and_has_seen_no_other(rig: PythonRig) -> None:
    code = """
import builtins, os, random, sys
def run(payload, unit):
    if payload == "bomb":
        return len(bytearray(100_000_000))
    seen = [hasattr(builtins, "mark"), os.path.exists("/tmp/mark"), [name for name in sys.modules if "disio" in name]]
    builtins.mark = open("/tmp/mark", "w").write("x")
    return [seen, random.random()]
"""
    await rig.run_python(code, [b"1"], memory_mb=64)
    first = rig.values[0]
    assert json.loads(first)[0] == [False, False, []]
    before = workers_of(rig.slot.pid)
    await wait_until(lambda: workers_of(rig.slot.pid) - before, 30.0)
    (spare,) = workers_of(rig.slot.pid) - before
    await rig.run_python("# another work unit\n" + code, [b"1", b'"bomb"', b"1"], memory_mb=64)
    assert rig.values[0] == first
    assert json.loads(rig.values[2])[0] == [True, True, []]
    assert rig.failures == {1: ("memory", "MemoryError: out of memory; the unit may use 64 MiB")}
    assert spare in workers_of(rig.slot.pid)
