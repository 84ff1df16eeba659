"""The commands of ``examples/README.md``, run as they stand (with fewer files)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.env import Env
from tests.mandelbrot import paint, picture
from tests.waiting import patient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
README = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
DIGITS = "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89452821e638d01377be5466cf34e90c6c"


@pytest.fixture
def place(env: Env) -> Path:
    """A folder with the examples, on a machine where everything runs."""
    manager = env.manager()
    env.client(env.distributor(manager.url).url)
    (env.folder / "examples").symlink_to(ROOT / "examples")
    return env.folder


def run(place: Path, command: str) -> str:
    """Run a command of the README; return what it prints."""
    keep = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{keep['PATH']}"
    mine = {**keep, "PATH": path, "DISIO_DATA_DIR": str(place / "manager")}
    done = subprocess.run(
        ["bash", "-c", command], cwd=place, env=mine, capture_output=True, text=True, timeout=patient(120)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands(about: str) -> list[str]:
    """Return the README's lines that are commands about something."""
    return [line.strip() for line in re.findall(r"^ {6}(\S.*)$", README, re.MULTILINE) if about in line]


def test_pi_has_the_same_digits_in_each_language(place: Path) -> None:
    found = [run(place, command) for command in commands("examples/pi/")]
    assert len(found) == 3
    assert {"".join(lines.replace('"', "").split()).lower() for lines in found} == {DIGITS}


def test_a_directory_of_files_becomes_one_of_capitals(place: Path) -> None:
    script = "\n".join(commands("my-input"))
    assert "$(seq 10000)" in script
    run(place, script.replace("$(seq 10000)", "$(seq 20)"))
    inputs = {path.name: path.read_text() for path in (place / "my-input").iterdir()}
    outputs = {path.name: path.read_text() for path in (place / "my-output").glob("*.txt")}
    assert len(inputs) == 20 and outputs == {name: text.upper() for name, text in inputs.items()}


def test_the_mandelbrot_set_comes_in_tiles(place: Path) -> None:
    (command,) = commands("mandelbrot.js")
    tiles = [json.loads(line) for line in run(place, command).splitlines()]
    assert len(tiles) == 48 and paint(tiles, 512, 384) == picture(512, 384, 200)
