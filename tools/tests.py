"""Runs all Python tests: ``python -m tools.tests [pytest's options]``; with paths, those tests alone.

Each folder of tests is a pytest of its own. Most tests wait for processes most of the time, so some folders run at
once; the simulation computes all the time and runs beside them with what they leave. It is told when they are over, and
may then do with fewer seeds. What they say is shown folder by folder, the first as it comes, and at the end one line
tells how each went. Tests that measure shares of time run alone.

Rule: every folder runs whatever becomes of the others, unless the options say to stop at a failure.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.stamps import ROOT, VENV

ORDER = ("integration", "browser", "unit", "hostile", "chaos", "contract", "docs", "conformance")
"""Long ones first; folders not named here come last."""
MEASURING = ("tests/chaos/test_manager_away.py",)
"""Compare shares of time: they come last, and nothing runs beside them but what has a low priority."""
SIMULATION = "simulation"
OVER = "DISIO_TESTS_OVER"
"""Environment variable: the path of a file that is there when all tests but the simulation are over."""
AT_ONCE = 3
NOTHING_CHOSEN = 5
"""pytest's status when its options leave no test."""
LIMIT_S = 5400.0
"""For one folder. Its tests have limits of their own: this is for what hangs between them."""
LOOK_S = 0.1
STOP_S = 30.0
"""For tests that were interrupted, to stop what they started."""
TAKES_A_WORD = {"-k", "-m", "-p", "-o", "-c", "-W", "-r", "--ignore", "--ignore-glob", "--deselect"}
"""pytest's options whose value, the word behind them, may look like a path."""
STOPS = re.compile(r"-[lqsv]*x|--exitfirst|--maxfail(=.*)?")


class Part:
    """Tests that run in one process; what they say is kept in a file until it is shown.

    Args:
        name: For people.
        command: Runs them.
        is_idle: Whether it gets only what no other process wants of the processors.
        is_alone: Whether no other part may run at the same time.
        environment: Variables for it alone.
    """

    def __init__(
        self, name: str, command: Sequence[str], is_idle: bool = False, is_alone: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.is_alone = name, is_alone
        self._command, self._is_idle, self._environment = command, is_idle, {**(environment or {})}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self._shown = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._began = self._took_s = 0.0
        self.status: int | None = None
        """The process's, once `look` saw that it ended."""

    def start(self) -> None:
        """Start the process."""
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said,
            preexec_fn=_stand_back if self._is_idle else None, env={**os.environ, **self._environment},
        )  # fmt: skip

    @property
    def is_running(self) -> bool:
        """Whether it was started and not yet seen to have ended."""
        return self._process is not None and self.status is None

    def look(self) -> None:
        """See whether it has ended; end it when its time is over."""
        if self._process is None or self.status is not None:
            return
        self.status, self._took_s = self._process.poll(), time.monotonic() - self._began
        if self.status is None and self._took_s > LIMIT_S:
            self.end()

    def end(self) -> None:
        """End it by force if it runs."""
        if self._process is not None and self.status is None:
            self._process.kill()
            self.status = self._process.wait()

    def close(self) -> None:
        """End it if it runs, and forget what it said."""
        self.end()
        self._said.close()

    def show(self) -> None:
        """Print what it has said since the last time."""
        said = os.pread(self._said.fileno(), os.fstat(self._said.fileno()).st_size - self._shown, self._shown)
        self._shown += len(said)
        sys.stdout.buffer.write(said)
        sys.stdout.flush()

    def told(self) -> str:
        """Return one line on how it went."""
        if self.status is None:
            return f"{self.name}: not run"
        if self.status == NOTHING_CHOSEN:
            return f"{self.name}: no test chosen"
        return f"{self.name}: {f'FAILED ({self.status})' if self.status else 'passed'} in {self._took_s:.0f} s"


def main(options: Sequence[str]) -> int:
    """Run the tests; the status is 0 when all passed, else that of the first folder that failed."""
    pytest = [str(VENV / "bin" / "python"), "-m", "pytest", *options]
    if names_tests(options):
        return subprocess.run(pytest, cwd=ROOT, check=False).returncode
    if sys.stdout.isatty():
        pytest.append("--color=yes")
    later = [f"--ignore={file}" for file in MEASURING]
    parts = [Part(f"tests/{name}", [*pytest, f"tests/{name}", *later]) for name in folders(ROOT / "tests")]
    parts.append(Part("tests that measure", [*pytest, *MEASURING], is_alone=True))
    with tempfile.TemporaryDirectory() as folder:
        over = Path(folder) / "over"
        beside = Part(
            f"tests/{SIMULATION}", [*pytest, f"tests/{SIMULATION}"], is_idle=True, environment={OVER: str(over)}
        )
        return run(parts, beside, over, any(STOPS.fullmatch(option) for option in options))


def names_tests(options: Sequence[str]) -> bool:
    """Tell whether options name files, folders or single tests."""
    words = [word for before, word in zip(["", *options], options, strict=False) if before not in TAKES_A_WORD]
    return any(not word.startswith("-") and ("/" in word or (ROOT / word).exists()) for word in words)


def folders(tests: Path) -> list[str]:
    """Return every folder that has tests, except the simulation, in the order in which they are to begin."""
    there = {path.relative_to(tests).parts[0] for path in tests.glob("*/**/test_*.py")} - {SIMULATION}
    known = [name for name in ORDER if name in there]
    return known + sorted(there.difference(known))


def run(parts: Sequence[Part], beside: Part, over: Path, stops: bool = False) -> int:
    """Run the parts, some at once, show what they say one after another, and join their statuses.

    Args:
        parts: Begin in this order; one that runs alone must come last.
        beside: Begins with the first and is shown last.
        over: A file that is made when the parts are over.
        stops: Whether no more are to begin after a failure.
    """
    every = [*parts, beside]
    try:
        beside.start()
        _take_turns(parts, every, over, stops)
    except KeyboardInterrupt:
        _await_end(every)  # a terminal interrupts them, too
        for part in every:
            part.show()
        raise
    finally:
        for part in every:
            part.close()
    print("\n" + "\n".join(part.told() for part in every), flush=True)
    return joined([part.status for part in every if part.status is not None])


def _take_turns(parts: Sequence[Part], every: Sequence[Part], over: Path, stops: bool) -> None:
    waiting, unshown = list(parts), list(every)
    while unshown:
        for part in every:
            part.look()
        if stops and joined([part.status or 0 for part in every]):
            waiting.clear()
        while waiting and sum(part.is_running for part in parts) < (1 if waiting[0].is_alone else AT_ONCE):
            waiting.pop(0).start()
        if not waiting and not any(part.is_running for part in parts):
            over.touch()
        unshown[0].show()
        if unshown[0].is_running:
            time.sleep(LOOK_S)
        else:
            unshown.pop(0)


def _await_end(parts: Sequence[Part]) -> None:
    deadline = time.monotonic() + STOP_S
    while any(part.is_running for part in parts) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
        for part in parts:
            part.look()


def _stand_back() -> None:
    """Let this process, and all that it starts, have what others leave."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)


def joined(codes: Sequence[int]) -> int:
    """Join the statuses of parts of the tests: it is no failure when one of them had nothing to run."""
    ran = [code for code in codes if code != NOTHING_CHOSEN]
    return next((code for code in ran if code), 0) if ran else NOTHING_CHOSEN


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
