"""Runs every linter and type checker, and the unit tests of both web folders: ``python -m tools.check``.

Two at a time; what passes is one line, what fails shows its output, and one failure does not hide another.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.stamps import ROOT, VENV
from tools.web import BUNDLES, node_environment

AT_ONCE = 2
STEP_TIMEOUT_S = 600


@dataclass(frozen=True)
class Step:
    """One checker: its name in the report, its command and where it runs."""

    name: str
    command: tuple[str, ...]
    folder: Path = ROOT


def steps() -> list[Step]:
    """All checkers, the slowest first."""
    tool = VENV / "bin"
    python = [
        Step("mypy --strict", (f"{tool}/mypy",)),
        Step("ruff check", (f"{tool}/ruff", "check", "--quiet", ".")),
        Step("ruff format", (f"{tool}/ruff", "format", "--check", "--quiet", ".")),
        Step("import contracts", (f"{tool}/lint-imports", "--no-cache")),
    ]
    web = [
        Step(f"{bundle.folder}: {script}", ("npm", "run", "--silent", script), bundle.path)
        for bundle in BUNDLES
        for script in ("typecheck", "lint", "test")
    ]
    return [*python, *web]


def main() -> int:
    """Run all steps; 1 when any failed."""
    env = {**node_environment(), "NO_COLOR": "1"}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = list(pool.map(lambda step: _passes(step, env), steps()))
    print(f"check: {sum(passed)} passed, {passed.count(False)} failed", flush=True)
    return 0 if all(passed) else 1


def _passes(step: Step, env: dict[str, str]) -> bool:
    began = time.monotonic()
    try:
        done = subprocess.run(
            step.command, cwd=step.folder, env=env, timeout=STEP_TIMEOUT_S, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        well, output = done.returncode == 0, done.stdout
    except (OSError, subprocess.TimeoutExpired) as problem:
        well, output = False, str(problem)
    verdict = "ok    " if well else "FAILED"
    shown = "" if well else f"\n{output.rstrip()}"
    print(f"check: {verdict} {step.name} ({time.monotonic() - began:.1f} s){shown}", flush=True)
    return well


if __name__ == "__main__":
    sys.exit(main())
