"""The README of a project that ``disio init`` wrote: its commands create a task, and clients compute it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from disio.commands.init import FOLDERS
from tests.waiting import patient, wait_until_sync

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

BIN = Path(sys.executable).parent
BELOW_100_000 = 9592
"""Primes."""


@pytest.fixture
def environment() -> dict[str, str]:
    """What a person has who installed disio."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    return {**mine, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def test_the_tasks_are_created_and_computed_by_the_commands_as_they_stand(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    for lang in FOLDERS:
        command = [sys.executable, "-m", "disio", "init", lang, "--lang", lang]
        subprocess.run(command, cwd=tmp_path, timeout=patient(60), check=True)
    home, log = tmp_path / "js", tmp_path / "up.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", *the_block(home, "disio up").split()]
        up = subprocess.Popen(command, cwd=home, stdout=out, stderr=out, env=environment)
    try:
        wait_until_sync(lambda: b"Ctrl-C stops everything" in log.read_bytes(), 60, on_timeout=log.read_text)
        for lang in FOLDERS:
            project = tmp_path / lang
            if project != home:
                (project / "disio-data").symlink_to(home / "disio-data")
            counts = submitted(project, environment)
            assert (len(counts), counts[7], counts[8], sum(counts)) == (100, 107, 110, BELOW_100_000), lang
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 130


def submitted(project: Path, environment: dict[str, str]) -> list[int]:
    """Run a README's ``disio submit``; return the results."""
    command = ["bash", "-c", the_block(project, "disio submit")]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, timeout=patient(90), check=True)
    return [int(line) for line in done.stdout.split()]


def the_block(project: Path, start: str) -> str:
    """Return the one block of commands of a project's README that begins so."""
    blocks = re.findall(r"```bash\n(.*?)```", (project / "README.md").read_text(), re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(start)]
    return str(found)
