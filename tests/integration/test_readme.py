"""The README's commands, run as they stand."""

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

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def blocks(language: str) -> list[str]:
    """Return the README's code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block_with(text: str) -> str:
    """Return the one block that holds ``text``."""
    (found,) = [block for block in blocks("bash") if text in block]
    return found


def test_the_two_commands_are_verbs_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = re.findall(r"^make (\w+)", block_with("make demo"), re.MULTILINE)
    assert verbs == ["demo", "test"]
    assert all(re.search(rf"^{verb}:", makefile, re.MULTILINE) for verb in verbs)


def test_links_lead_to_files_that_are_there() -> None:
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert all((ROOT / link).exists() for link in links), links


def test_a_task_is_created_and_computed_by_the_commands_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "disio").symlink_to(Path(sys.executable).parent / "disio")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    log = tmp_path / "up.log"
    with log.open("wb") as out:
        up = subprocess.Popen(
            block_with("disio up").strip().split(), cwd=tmp_path, stdout=out, stderr=out, env=environment
        )
    try:
        wait_until_sync(lambda: b"Ctrl-C stops everything" in log.read_bytes(), 60, on_timeout=log.read_text)
        url = re.findall(r"✓ manager +(\S+)", log.read_text())[0]
        command = block_with("/api/tasks").replace("http://127.0.0.1:8700", url)
        created = read_json(["bash", "-c", command], tmp_path)
        assert (created["name"], created["total"]) == ("squares", 1000)
        token = (tmp_path / "disio-data" / "admin.token").read_text().strip()
        ask = ["curl", "-sS", f"{url}/api/tasks/{created['id']}", "-H", f"Authorization: Bearer {token}"]
        wait_until_sync(lambda: read_json(ask, tmp_path)["state"] == "done", 60, on_timeout=log.read_text)
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 130


def read_json(command: list[str], folder: Path) -> dict[str, Any]:
    """Run a command that prints JSON."""
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
    return msgspec.json.decode(done.stdout, type=dict[str, Any])
