"""The folder of native workers: nobody else's, and gone when the client is."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import psutil
import pytest

from disio_client.private import PrivateFolder
from tests.waiting import patient, wait_until

CLIENT = """
import asyncio
from disio_client.private import PrivateFolder
async def main():
    folder = await PrivateFolder.make()
    (folder.path / "native-1" / "deep").mkdir(parents=True)
    (folder.path / "native-1" / "deep" / "file").write_text("x")
    print(folder.path, flush=True)
    await asyncio.sleep(3600)
asyncio.run(main())
"""


def ignores(pid: int, number: int) -> bool:
    """Tell whether a process ignores a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("SigIgn:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


async def test_it_goes_with_a_client_that_is_killed_and_so_does_its_remover(tmp_path: Path) -> None:
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, stdout=asyncio.subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert client.stdout is not None
    async with asyncio.timeout(patient(30)):
        folder = Path((await client.stdout.readline()).decode().strip())
    assert folder.parent == tmp_path
    assert (folder / "native-1/deep/file").exists()
    (remover,) = psutil.Process(client.pid).children()
    if sys.platform == "linux":
        await wait_until(lambda: ignores(remover.pid, signal.SIGTERM))
        remover.send_signal(signal.SIGTERM)  # as a service manager does to all at once
    client.kill()
    await client.wait()
    await wait_until(lambda: not list(tmp_path.iterdir()))
    await wait_until(lambda: not remover.is_running())


async def test_it_is_nobody_elses_and_is_removed_with_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    others = psutil.Process().children()
    folder = await PrivateFolder.make()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    (folder.path / "file").write_text("x")
    await folder.remove()
    assert list(tmp_path.iterdir()) == []
    assert [child for child in psutil.Process().children() if child not in others] == []
