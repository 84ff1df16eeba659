"""``disio bench``: a platform of its own is measured, and is gone afterwards."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.waiting import patient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def bench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    return subprocess.run(
        [sys.executable, "-m", "disio", "bench", "--cores", "1", *words],
        capture_output=True, text=True, timeout=patient(170), check=False, env=environment | {"TMPDIR": str(folder)},
    )  # fmt: skip


def ours(folder: Path) -> list[str]:
    """Return the command lines of processes that work in the folder."""
    every = (" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    return [line for line in every if str(folder) in line]


def test_it_tells_what_it_measured_and_leaves_nothing(tmp_path: Path) -> None:
    done = bench(tmp_path, "--units", "20000", "--runs", "2", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["units"] == 20_000 and told["cores"] == 1 and len(told["rates"]) == 2
    assert min(told["rates"]) <= told["rate"] <= max(told["rates"])
    assert set(told["cpu_us"]) == {"manager", "distributor", "client"} and sum(told["cpu_us"].values()) > 0
    assert list(tmp_path.glob("disio-bench-*")) == [] and ours(tmp_path) == []


def test_a_run_that_takes_too_long_is_given_up_with_a_remedy(tmp_path: Path) -> None:
    done = bench(tmp_path, "--units", "10000000", "--runs", "1", "--limit", "1")
    assert done.returncode == 1 and done.stdout == ""
    assert "a run took longer than 1 s: give it fewer --units or a longer --limit" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("disio-bench-*")) == [] and ours(tmp_path) == []
