"""The walls around native Python: what they keep away, and that nothing outlives its client behind any of them."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from disio_client.engines import frames
from disio_client.engines.base import EngineDied
from disio_client.engines.native import NativeEngine, find_walls
from disio_client.engines.native_walls import Walls
from tests.unit.client_cli.native_rig import HERE, NATIVE, marked_program, messages_of
from tests.unit.client_cli.test_runner import numbers
from tests.waiting import patient, wait_until

# A pattern that takes ages holds the interpreter: no thread of the worker can end it.
STUCK = "import re\ndef run(p, unit):\n    unit.progress(0.5)\n    return re.match('(a*)*b', 'a' * 64) is None"
LOOPING = "def run(p, unit):\n    unit.progress(0.5)\n    while True: pass"
CLIENT = """
import asyncio, pathlib, shutil, sys
from disio_client.engines.native import NativeEngine
from disio_client.engines.native_walls import Walls
from tests.unit.client_cli.native_rig import messages_of
which = shutil.which
shutil.which = lambda name: None if name == sys.argv[4] else which(name)
async def main():
    engine = await NativeEngine.start(pathlib.Path(sys.argv[1]), Walls(sys.argv[2]))
    await messages_of(engine, sys.argv[3], [b"0"], lambda said: print("busy", flush=True))
asyncio.run(main())
"""


@pytest.mark.parametrize(("code", "missing"), [(STUCK, ""), (LOOPING, "setpriv")], ids=["kernel", "worker"])
@pytest.mark.parametrize("walls", HERE, ids=lambda walls: walls.value)
async def test_a_killed_client_leaves_no_worker_behind_even_a_busy_one(
    walls: Walls, code: str, missing: str, tmp_path: Path
) -> None:
    if not missing and shutil.which("setpriv") is None:
        pytest.skip("without setpriv the kernel ends no worker")
    words = [sys.executable, "-c", CLIENT, str(tmp_path), walls.value, code, missing]
    client = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert client.stdout is not None
    async with asyncio.timeout(patient(30)):
        while (await client.stdout.readline()) != b"busy\n":
            assert client.returncode is None
    workers = psutil.Process(client.pid).children(recursive=True)
    assert workers
    client.kill()
    await client.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, 10)
    for process in alive:
        process.kill()
    assert not alive


@pytest.mark.skipif(HERE == [Walls.LIMITS], reason="this machine has no walls but limits")
async def test_the_strongest_walls_are_found_and_keep_network_and_processes_away(tmp_path: Path) -> None:
    walls = await find_walls(tmp_path)
    assert walls is HERE[0]
    with socket.create_server(("127.0.0.1", 0)) as server, marked_program() as (program, marked):
        code = f"""
import os, socket, subprocess
def reaches():
    try: socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 1)
    except OSError: return False
    return True
def run(p, unit):
    subprocess.Popen([{program!r}, {marked.seconds!r}], start_new_session=True)
    return [reaches(), os.path.exists("/proc/{os.getpid()}/cmdline")]
"""
        engine = await NativeEngine.start(tmp_path, walls)
        said = await messages_of(engine, code, numbers(1))
        assert [one.values for one in said if isinstance(one, frames.Done)] == [[b"[false,false]"]]
        await wait_until(marked.running)
        await engine.close()
        await wait_until(lambda: not marked.running())


@pytest.mark.skipif(Walls.BUBBLEWRAP not in HERE, reason="bubblewrap does not work here")
async def test_in_bubblewrap_files_are_out_of_sight(tmp_path: Path) -> None:
    engine = await NativeEngine.start(tmp_path, Walls.BUBBLEWRAP)
    code = "import os\ndef run(p, unit): return [os.path.exists(x) for x in ('/etc/passwd', os.path.expanduser(p))]"
    said = await messages_of(engine, code, [json.dumps(__file__).encode()])
    await engine.close()
    assert [one.values for one in said if isinstance(one, frames.Done)] == [[b"[false,false]"]]


async def test_an_engine_that_is_gone_says_so_and_leaves_no_file(tmp_path: Path) -> None:
    engine = await NativeEngine.start(tmp_path, Walls.LIMITS)
    os.kill(engine.pid, signal.SIGTERM)
    with pytest.raises(EngineDied, match="SIGTERM"):
        await engine.receive()
    with pytest.raises(EngineDied):
        await engine.send(frames.Load(workunit="w", language=NATIVE, code=bytes(1 << 20)))
    await engine.close()
    assert (engine.is_ended, engine.memory_bytes(), list(tmp_path.iterdir())) == (True, 0, [])
