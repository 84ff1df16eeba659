"""``disio-client`` where its command line, its pipes or its machine are not as they should be."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.client_cli.small_distributor import SmallDistributor
from tests.waiting import patient

pytestmark = pytest.mark.integration

NOBODY = "http://127.0.0.1:9"


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command, which ends by itself."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    command = [sys.executable, "-m", "disio_client", "--data-dir", str(folder / "data"), *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, timeout=patient(60), check=False, env=environment | more
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--distributor: is missing (write --distributor http://HOST:PORT)"),
        (("--distributor", "here:1"), "--distributor: 'here:1' is no URL (write http://HOST:PORT)"),
        (("--distributor", NOBODY, "--name", "a\nb"), "--name: 'a\\nb' has characters that cannot be shown"),
        (("--distributor", NOBODY, "--name", "\udcff"), "--name: '\\udcff' has characters that cannot be shown"),
        (("--distributor", NOBODY, "--data-dir", "~no-such-user/d"), "--data-dir: ~no-such-user/d: "),
        (("--distributor", NOBODY, "--data-dir", "file/\ndata"), "data directory: "),
        (("--distributor", NOBODY, "--log-level", "loud"), "log level: 'loud' is unknown (use one of "),
    ],
)
def test_what_is_wrong_with_the_command_is_one_line_and_status_2(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    (tmp_path / "file").write_text("")
    shown = run(tmp_path, *words)
    assert (shown.returncode, shown.stdout) == (2, b"")
    (line,) = shown.stderr.decode().splitlines()
    assert line.startswith(f"disio client: {told}") and line.endswith(")")


def test_an_unknown_option_is_a_usage_error(tmp_path: Path) -> None:
    shown = run(tmp_path, "--bogus")
    assert (shown.returncode, shown.stdout) == (2, b"")
    assert b"--bogus" in shown.stderr and b"Traceback" not in shown.stderr


def test_a_working_directory_that_is_gone_is_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        f"import os, sys; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); from disio_client.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "--distributor", NOBODY, "--data-dir", str(tmp_path / "data")]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=patient(60), check=False)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == "disio client: working directory: is gone (change into one that is there)\n"


async def test_it_works_on_when_nobody_reads_its_ready_line(tmp_path: Path) -> None:
    distributor = SmallDistributor(b"export default (n) => 2 * n", [b"%d" % n for n in range(20)])
    await distributor.start()
    read, write = os.pipe()
    os.close(read)
    words = ("--distributor", distributor.url, "--cores", "1", "--data-dir", str(tmp_path))
    try:
        command = (sys.executable, "-m", "disio_client", *words)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=write, stderr=pipe)
        await distributor.until(lambda: distributor.is_complete, "complete")
        process.terminate()
        async with asyncio.timeout(patient(20)):
            _, err = await process.communicate()
    finally:
        os.close(write)
        await distributor.stop()
    assert (process.returncode, b"Traceback" in err, b"BrokenPipe" in err) == (0, False, False)
