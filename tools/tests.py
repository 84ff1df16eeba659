"""Runs all Python tests: ``python -m tools.tests [pytest's options]``.

The simulation computes all the time and most others wait for processes most of the time: it runs beside them at a low
priority, and what it says comes at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from tools.stamps import ROOT, VENV

SIMULATION = "tests/simulation"
NICENESS = 10
NOTHING_CHOSEN = 5
"""pytest's status when its options leave no test."""
TIMEOUT_S = 3600
"""For the simulation, counted from the end of the others."""


def main(options: list[str]) -> int:
    """Run both; the status is 0 when all passed, else that of the first that failed."""
    pytest = [str(VENV / "bin" / "python"), "-m", "pytest", *options]
    with tempfile.TemporaryFile("w+") as told:
        simulation = subprocess.Popen([*pytest, SIMULATION], cwd=ROOT, stdout=told, stderr=told, preexec_fn=_give_way)
        try:
            others = subprocess.run([*pytest, f"--ignore={SIMULATION}", "tests"], cwd=ROOT, check=False).returncode
            simulated = simulation.wait(TIMEOUT_S)
        finally:
            simulation.kill()
            simulation.wait()
        told.seek(0)
        print(f"\n{SIMULATION}, run beside them:\n{told.read()}", flush=True)
    return status([others, simulated])


def status(codes: list[int]) -> int:
    """Join the statuses of parts of the tests: it is no failure when one of them had nothing to run."""
    ran = [code for code in codes if code != NOTHING_CHOSEN]
    return next((code for code in ran if code), 0) if ran else NOTHING_CHOSEN


def _give_way() -> None:
    os.nice(NICENESS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
