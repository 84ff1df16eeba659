"""``disio up``: one command, and everything it started ends with it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from disio.demos import pi
from tests.waiting import patient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def up(*options: str) -> subprocess.Popen[str]:
    """Start ``disio up`` with any free ports."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    argv = [sys.executable, "-m", "disio", "up", "--port", "0", "--no-browser", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True)


def test_the_demo_prints_the_right_digits_and_leaves_nothing_running() -> None:
    process = up("--demo", "pi", "--digits", "800", "--clients", "2")
    out, err = process.communicate(timeout=patient(150))
    assert process.returncode == 0, err
    digits = re.sub(r"\s", "", out.split("pi = 3.", 1)[1])
    assert digits == pi.known_digits(800)
    assert "all 800 hexadecimal digits are right" in err
    assert "/login?once=" in err
    assert "volunteer page" in err
    assert "100 %" in err
    assert not [p for p in psutil.process_iter(["environ"]) if started_by(p, process.pid)]


def started_by(candidate: psutil.Process, leader: int) -> bool:
    """Tell whether a process belongs to what ``disio up`` with this pid started."""
    try:
        return any(parent.pid == leader for parent in candidate.parents())
    except psutil.Error:
        return False


ENDINGS = [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)]


@pytest.mark.parametrize(("number", "status"), ENDINGS)
def test_however_it_ends_its_services_end(number: signal.Signals, status: int, tmp_path: Path) -> None:
    process = up("--clients", "1", "--json", "--data-dir", str(tmp_path))
    assert process.stdout is not None
    ready = msgspec.json.decode(process.stdout.readline())
    assert {"manager", "distributor", "dashboard", "login_url", "token_file", "pids"} <= set(ready)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 4
    process.send_signal(number)
    process.wait(60)
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive, [child.cmdline() for child in alive]
    assert process.returncode == status


def test_a_service_that_is_killed_comes_back(tmp_path: Path) -> None:
    process = up("--clients", "0", "--json", "--data-dir", str(tmp_path))
    assert process.stdout is not None
    assert process.stderr is not None
    ready = msgspec.json.decode(process.stdout.readline())
    os.kill(ready["pids"]["manager"], signal.SIGKILL)
    lines = iter(process.stderr.readline, "")
    assert any("manager is back" in line for line in lines)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=patient(60))
    assert process.returncode == 130


def test_the_mandelbrot_demo_checks_every_pixel() -> None:
    process = up("--demo", "mandelbrot", "--clients", "2")
    _, err = process.communicate(timeout=patient(150))
    assert process.returncode == 0, err
    assert "all 196,608 pixels are right (checked in Python)" in err
    assert re.search(r"paint itself: http://\S+/login\?once=\S+&next=/tasks/\w+%3Fview%3Dimage\n", err)
