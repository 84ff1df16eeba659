"""The README of a project that ``disio init`` wrote: its commands create a task, and clients compute it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.waiting import wait_until_sync

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

BIN = Path(sys.executable).parent


@pytest.fixture
def environment() -> dict[str, str]:
    """What a person has who installed disio."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    return {**mine, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def test_the_task_is_created_and_computed_by_the_commands_as_they_stand(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    subprocess.run(
        [sys.executable, "-m", "disio", "init", "primes", "--lang", "js"], cwd=tmp_path, timeout=60, check=True
    )
    project, log = tmp_path / "primes", tmp_path / "up.log"
    blocks = re.findall(r"```bash\n(.*?)```", (project / "README.md").read_text(), re.DOTALL)
    (start,) = [block.split() for block in blocks if block.startswith("disio up")]
    (create,) = [block for block in blocks if "/api/tasks" in block]
    with log.open("wb") as out:
        command = [sys.executable, "-m", *start]
        up = subprocess.Popen(command, cwd=project, stdout=out, stderr=out, env=environment)
    try:
        wait_until_sync(lambda: b"Ctrl-C stops everything" in log.read_bytes(), 60, on_timeout=log.read_text)
        url = re.findall(r"✓ manager +(\S+)", log.read_text())[0]
        create = create.replace("http://127.0.0.1:8700", url)
        created = read_json(["bash", "-c", create], project, environment)
        assert (created["name"], created["total"]) == ("primes", 100)
        token = (project / "disio-data" / "admin.token").read_text().strip()
        ask = ["curl", "-sS", f"{url}/api/tasks/{created['id']}", "-H", f"Authorization: Bearer {token}"]
        wait_until_sync(lambda: read_json(ask, project, environment)["state"] == "done", 60, on_timeout=log.read_text)
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 130


def read_json(command: list[str], folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run a command that prints JSON."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60, check=True)
    return msgspec.json.decode(done.stdout, type=dict[str, Any])
