"""However a client ends, nothing of it is left: no engine, and no file where temporary ones lie."""

import asyncio
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.unit.client_cli.small_distributor import SmallDistributor
from tests.waiting import patient

from .canaries import descendants

pytestmark = pytest.mark.integration
LOOP = b"export default (p, unit) => { unit.progress(0.5); for (;;) {} }"


@pytest.mark.parametrize("trusting", [[], ["--trust-native", "home"]], ids=["sandbox", "native"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_a_client_that_ends_leaves_nothing_behind(tmp_path: Path, number: int, trusting: list[str]) -> None:
    (temporary := tmp_path / "tmp").mkdir()
    distributor = SmallDistributor(LOOP, [b"1", b"2", b"3", b"4"], unit_timeout_s=600, heartbeat_s=0.5)
    await distributor.start()
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "disio_client", "--distributor", distributor.url, "--cores", "2"],
        *["--data-dir", str(tmp_path / "data"), "--log-level", "error"],
        *trusting,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "TMPDIR": str(temporary)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    await distributor.until(lambda: bool(distributor.progress), "running")
    children = descendants(process.pid)
    assert len(children) == 2 + len(list(temporary.iterdir())), "two engines, and what waits to remove a folder"
    assert bool(trusting) == bool(list(temporary.iterdir()))
    process.send_signal(number)
    async with asyncio.timeout(patient(30)):
        await process.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
    assert not alive
    assert not list(temporary.iterdir())
    await distributor.stop()
