"""Native Python units in real worker processes, behind each kind of walls that this machine has."""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from disio_client.engines import frames
from disio_client.engines.native import NativeEngine
from disio_client.engines.native_walls import Walls
from disio_shared.messages import Terms
from tests.unit.client_cli.native_rig import HERE, NativeRig, marked_program, messages_of
from tests.unit.client_cli.slot_rig import serving
from tests.unit.client_cli.test_runner import DOUBLE, numbers
from tests.waiting import wait_until

ENDINGS = {
    "exit": "os._exit(0)",
    "segfault": "ctypes.string_at(0)",
    "closed-descriptors": "os.closerange(0, 200)",
    "garbage-in-the-pipe": "[spoil(fd) for fd in range(3, 20)]",
}
ENDING = """
import ctypes, os, stat
def spoil(fd):
    try: return stat.S_ISFIFO(os.fstat(fd).st_mode) and os.write(fd, b"garbage" * 99)
    except OSError: pass
def run(p, unit):
    if p == 2: {}
    return p * 10
"""


@pytest.fixture(scope="module", params=HERE, ids=lambda walls: walls.value)
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NativeRig]:
    async with serving(NativeRig(tmp_path_factory.mktemp("native"), request.param)) as rig:
        yield rig


@pytest.fixture
async def rig(shared: NativeRig) -> NativeRig:
    await shared.renew()
    return shared


@pytest.fixture(params=HERE, ids=lambda walls: walls.value)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NativeEngine]:
    engine = await NativeEngine.start(tmp_path, request.param)
    yield engine
    await engine.close()


# What units do


async def test_a_unit_returns_its_value_exactly(rig: NativeRig) -> None:
    code = "def run(payload, unit): return payload"
    payloads = [b"123456789012345678901234567890", b"1.5", '"ä€😀"'.encode(), b"null", b'{"a":[1,{}]}', b"\x00\x00\xff"]
    await rig.run_native(code, payloads)
    assert list(rig.values.values()) == payloads


async def test_an_async_unit_is_awaited_and_its_tasks_end_with_it(rig: NativeRig) -> None:
    code = """
import asyncio
left = []
async def forever():
    try: await asyncio.sleep(3600)
    finally: left.append(1)
async def run(p, unit):
    asyncio.ensure_future(forever())
    await asyncio.sleep(0)
    return [p, len(left)]
"""
    await rig.run_native(code, numbers(3))
    assert rig.values == {0: b"[0,0]", 1: b"[1,1]", 2: b"[2,2]"}


async def test_the_unit_api_reports_and_gives_back(rig: NativeRig) -> None:
    code = """
def run(p, unit):
    unit.progress(0.25)
    unit.save_state({"at": unit.index})
    return [unit.state, unit.random(), random.random()]
"""
    await rig.run_native("import random" + code, numbers(2), states={1: b'{"at":3}'}, task="k")
    seeded = random.Random(int(0.8818670189612777 * (1 << 53)))
    assert json.loads(rig.values[0]) == [None, 0.8818670189612777, seeded.random()]
    assert json.loads(rig.values[1])[0] == {"at": 3}
    assert rig.states == {0: b'{"at":0}', 1: b'{"at":1}'}
    assert rig.progress == [0.25, 0.25]


async def test_quick_units_share_messages(rig: NativeRig) -> None:
    await rig.run_native("def run(p, unit): return p * 2", numbers(1))
    await rig.run_native("def run(p, unit): return p * 2", numbers(4000))
    assert rig.values == {index: b"%d" % (2 * index) for index in range(4000)}
    assert rig.answers < 1000


async def test_the_owners_packages_are_there(rig: NativeRig) -> None:
    await rig.run_native("import msgspec\ndef run(p, unit): return msgspec.json.encode([p]).decode()", numbers(1))
    assert rig.values == {0: b'"[0]"'}


async def test_a_task_keeps_its_module_and_another_task_gets_a_process_of_its_own(rig: NativeRig) -> None:
    code = "import builtins\ndef run(p, unit):\n    builtins.n = getattr(builtins, 'n', 0) + 1\n    return builtins.n"
    await rig.run_native(code, numbers(2), task="a")
    await rig.run_native(code, numbers(1), task="a")
    assert (rig.values, rig.natives) == ({0: b"3"}, 1)
    await rig.run_native(code, numbers(1), task="b")
    assert (rig.values, rig.natives) == ({0: b"1"}, 2)


async def test_a_slot_changes_its_engine_with_the_kind_of_the_run(rig: NativeRig) -> None:
    for _ in range(2):
        await rig.run_native("def run(p, unit): return p + 1", numbers(2))
        assert rig.values == {0: b"1", 1: b"2"}
        await rig.run_native(DOUBLE, numbers(2), language="javascript")
        assert rig.values == {0: b"0", 1: b"2"}
    assert rig.natives == 2


async def test_what_is_printed_is_the_log_of_that_unit_alone(engine: NativeEngine) -> None:
    code = """
import os, sys
print("while loading")
def run(p, unit):
    print("printed", p)
    print("half", end=" ")
    sys.stderr.write("a line\\n")
    os.write(1, b"raw\\n")
    os.system("echo from a child >&2")
    unit.log("logged", p)
    sys.stdout.buffer.write(b"bytes\\n")
    return p
"""
    said = await messages_of(engine, code, numbers(2))
    for index in range(2):
        texts = [one.text for one in said if isinstance(one, frames.Log) and one.index == index]
        assert texts == [f"printed {index}", "a line", f"logged {index}", "bytes", "half ", "raw", "from a child"]
    done = [one for one in said if isinstance(one, frames.Done)]
    assert [value for one in done for value in one.values] == [b"0", b"1"]


async def test_a_unit_finds_a_clean_place(rig: NativeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISIO_TEST_SECRET", "told to nobody")
    code = """
import os, resource, sys
def run(p, unit):
    limits = [resource.getrlimit(which)[0] for which in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)]
    return [os.listdir(), dict(os.environ), sys.argv, sys.stdin.read(), limits, os.getcwd() == os.environ["HOME"]]
"""
    await rig.run_native(code, numbers(1))
    files, environment, argv, stdin, limits, is_home = json.loads(rig.values[0])
    assert (files, argv, stdin, limits, is_home) == ([], ["workunit.py"], "", [0, 256], True)
    assert "DISIO_TEST_SECRET" not in environment and environment["OMP_NUM_THREADS"] == "1"


# How units end


async def test_an_error_shows_the_units_own_lines_and_costs_no_other_unit(rig: NativeRig) -> None:
    code = (
        "import json\ndef inner(p): return json.loads('{') if p == 3 else p\ndef run(p, unit):\n    return inner(p)\n"
    )
    await rig.run_native(code, numbers(6))
    assert sorted(rig.values) == [0, 1, 2, 4, 5]
    kind, text = rig.failures[3]
    assert kind == "error"
    assert text.startswith(
        'Traceback (most recent call last):\n  File "workunit.py", line 4, in run\n    return inner(p)'
    )
    assert text.count("File ") == 2 and text.splitlines()[-1].startswith("json.decoder.JSONDecodeError: ")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("def run(p, unit):\n  return (", "error", "SyntaxError"),
        ("import no_such_package\ndef run(p, unit): return p", "error", "No module named 'no_such_package'"),
        ("def start(p, unit): return p", "error", "write `def run(payload, unit): ...`"),
        ("import sys\nsys.exit(3)", "error", "the unit called exit(3)"),
        ("x = bytearray(5 << 30)\ndef run(p, unit): return p", "memory", "MemoryError"),
    ],
)
async def test_code_that_does_not_load_fails_every_unit_with_the_reason(
    rig: NativeRig, code: str, kind: str, words: str
) -> None:
    await rig.run_native(code, numbers(3), memory_mb=64)
    assert sorted(rig.failures) == [0, 1, 2]
    assert rig.failures[2][0] == kind
    assert rig.failures[2][1].startswith("the work unit does not load: ") and words in rig.failures[2][1]


@pytest.mark.parametrize(
    ("result", "kind", "words"),
    [
        ("{'a': [0, float('nan')]}", "result", "result.a[1] is nan, which JSON cannot hold"),
        ("'x' * 99", "result", "result is 101 bytes; the limit is 100"),
        ("1 // 0", "error", "ZeroDivisionError"),
        ("sys.exit('bye')", "error", "the unit called exit('bye')"),
        ("deep(0)", "error", "RecursionError"),
        ("bytearray(3 << 30)", "memory", "MemoryError"),
    ],
)
async def test_a_unit_that_fails_fails_alone(rig: NativeRig, result: str, kind: str, words: str) -> None:
    code = f"import sys\ndef deep(n): return deep(n + 1)\ndef run(p, unit): return p if p != 1 else {result}"
    await rig.run_native(code, numbers(3), terms=Terms(max_result_bytes=100))
    assert rig.values == {0: b"0", 2: b"2"}
    assert rig.failures[1][0] == kind and words in rig.failures[1][1]
    assert rig.natives == 1


async def test_memory_that_a_unit_keeps_for_ever_fails_that_unit_alone(rig: NativeRig) -> None:
    code = """
kept = []
def run(p, unit):
    while p == 1: kept.append(bytearray(1 << 20))
    return [p, len(bytes(50 << 20))]
"""
    await rig.run_native(code, numbers(4), memory_mb=100)
    assert sorted(rig.values) == [0, 2, 3]
    assert rig.failures[1][0] == "memory", rig.failures


async def test_an_endless_loop_is_ended_alone(rig: NativeRig) -> None:
    code = "def run(p, unit):\n    while p == 4: pass\n    return p + 1"
    await rig.run_native(code, numbers(8), timeout_s=0.5)
    assert rig.values == {index: b"%d" % (index + 1) for index in range(8) if index != 4}
    assert rig.failures[4][0] == "timeout" and "0.5 s" in rig.failures[4][1]


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_a_unit_that_ends_its_process_fails_alone(rig: NativeRig, ending: str) -> None:
    await rig.run_native(ENDING.format(ending), numbers(4))
    assert rig.values == {index: b"%d" % (10 * index) for index in (0, 1, 3)}
    assert rig.failures[2][0] == "crash"


async def test_a_segfault_is_told_with_its_line(rig: NativeRig) -> None:
    await rig.run_native("import ctypes\ndef run(p, unit):\n    return ctypes.string_at(0)", numbers(1))
    assert "SIGSEGV" in rig.failures[0][1] and 'File "workunit.py", line 3 in run' in rig.failures[0][1]


async def test_a_worker_that_a_unit_breaks_says_what_broke(rig: NativeRig) -> None:
    code = "import msgpack\ndef run(p, unit):\n    if p == 0: msgpack.packb = None\n    return p"
    await rig.run_native(code, numbers(2))
    assert rig.values == {1: b"1"}
    kind, text = rig.failures[0]
    assert kind == "crash" and "exit status 1: TypeError: 'NoneType' object is not callable" in text


async def test_memory_that_is_used_up_to_the_last_bytes_is_told(rig: NativeRig) -> None:
    code = """
kept = []
def run(p, unit):
    size = 1 << 20
    while p == 1:
        try:
            kept.append(bytearray(size))
        except MemoryError:
            if size < 2: raise
            size //= 2
    return p
"""
    await rig.run_native(code, numbers(3), memory_mb=100)
    assert rig.values == {0: b"0", 2: b"2"}
    assert rig.failures[1][0] == "memory", rig.failures


async def test_closed_and_reused_standard_descriptors_harm_nobody(rig: NativeRig) -> None:
    code = """
import os, sys
def run(p, unit):
    sys.stdout.close()
    os.closerange(0, 3)
    with open("note", "w") as file: file.write("x")
    return p
"""
    await rig.run_native(code, numbers(3))
    assert rig.values == {0: b"0", 1: b"1", 2: b"2"}
    assert rig.natives == 1


async def test_a_forked_unit_answers_once_and_its_children_end_with_its_engine(rig: NativeRig, tmp_path: Path) -> None:
    with marked_program() as (program, marked):
        code = f"""
import os, subprocess
def run(p, unit):
    if p == 1: os.fork()
    if p == 2: subprocess.Popen([{program!r}, {marked.seconds!r}])
    return p
"""
        await rig.run_native(code, numbers(4))
        assert rig.values == {index: b"%d" % index for index in range(4)}
        await wait_until(marked.running)
        await rig.run_native(DOUBLE, numbers(1), language="javascript")
        await wait_until(lambda: not marked.running())


async def test_a_fork_bomb_is_ended_whole(rig: NativeRig, tmp_path: Path) -> None:
    with marked_program() as (program, marked):
        code = f"""
import os
def run(p, unit):
    if p != 1: return p
    for _ in range(4): os.fork()
    os.spawnv(os.P_NOWAIT, {program!r}, [{program!r}, {marked.seconds!r}])
    while True: pass
"""
        number = rig.begin_native(code, numbers(3), timeout_s=2.0)
        await wait_until(marked.running, 30.0)
        await rig.until(lambda: rig._finished == number, "finished")
        assert (sorted(rig.values), rig.failures[1][0]) == ([0, 2], "timeout")
        await wait_until(lambda: not marked.running())


async def test_a_worker_killed_from_outside_costs_no_unit(rig: NativeRig) -> None:
    number = rig.begin_native("import time\ndef run(p, unit):\n    time.sleep(0.03)\n    return p", numbers(30))
    await rig.until(lambda: len(rig.values) >= 3, "begun")
    assert rig.slot.pid is not None
    os.kill(rig.slot.pid, signal.SIGKILL)
    await rig.until(lambda: rig._finished == number, "finished")
    assert len(rig.values) == 30 and not rig.failures


async def test_stop_ends_a_busy_worker_and_the_slot_comes_up_again(rig: NativeRig) -> None:
    rig.begin_native("def run(p, unit):\n    unit.progress(0.5)\n    while True: pass", numbers(1))
    await rig.until(lambda: bool(rig.progress), "running")
    busy = rig.slot.pid
    rig.slot.stop()
    await rig.until(lambda: rig.ups == 2, "up again")
    assert busy is not None and not psutil.pid_exists(busy)
    await rig.run_native("def run(p, unit): return p", numbers(2))
    assert rig.values == {0: b"0", 1: b"1"}


async def test_a_slot_without_native_python_runs_none(tmp_path: Path) -> None:
    rig = NativeRig(tmp_path, Walls.LIMITS)
    rig.slot._start_native = None
    await rig.slot.prepare()
    service = asyncio.create_task(rig.slot.serve())
    rig.begin_native("def run(p, unit): return p", numbers(1))
    await rig.until(lambda: rig.ups >= 2, "up again")
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)
    assert not rig.values and not rig.natives
