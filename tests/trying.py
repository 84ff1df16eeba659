"""Runs ``disio test`` as a process of its own, and sees that nothing of it is left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import patient, wait_until_sync

ENDS_S = 30.0


@dataclass(frozen=True)
class Told:
    """What the process said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Its stdout, which is one JSON object."""
        shown: dict[str, Any] = json.loads(self.out)
        return shown

    @property
    def line(self) -> str:
        """Its stderr, which is one line."""
        (line,) = self.err.splitlines()
        return line


class Trying:
    """A folder for units, and the command in it.

    Args:
        folder: Empty.
        browser: Program for ``DISIO_BROWSER``; empty = none is named.
    """

    def __init__(self, folder: Path, browser: str = "") -> None:
        self.folder = folder
        # Not below the test's own folder: browsers put a socket there, whose path may have 107 characters at most.
        self.temporary = Path(tempfile.mkdtemp(prefix="d-"))
        self._started: list[subprocess.Popen[str]] = []
        keep = {name: value for name, value in os.environ.items() if not name.startswith("DISIO_")}
        self.environment = {**keep, "TMPDIR": str(self.temporary), **({"DISIO_BROWSER": browser} if browser else {})}

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file; return its name."""
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``disio test``."""
        process = subprocess.Popen(
            [sys.executable, "-m", "disio", "test", *words],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *words: str, **environment: str) -> Told:
        """Run ``disio test`` to its end."""
        return self.ended(self.start(*words, **environment), 90)

    def close(self) -> None:
        """End what a failed test left, and delete the place of temporary files."""
        for process in self._started:
            process.kill()
            process.communicate()
        shutil.rmtree(self.temporary)

    def ended(self, process: subprocess.Popen[str], within_s: float = ENDS_S) -> Told:
        """Wait for the end; no temporary file may be left."""
        out, err = process.communicate(timeout=within_s)
        assert "Traceback" not in err
        assert list(self.temporary.iterdir()) == []
        return Told(process.returncode, out, err)


def busy_s(process: psutil.Process) -> float:
    """Return the seconds of processor time that a process has used; 0 when it is gone."""
    try:
        return sum(process.cpu_times()[:2])
    except psutil.Error:
        return 0.0


@contextmanager
def nothing_left(process: subprocess.Popen[str]) -> Iterator[None]:
    """See that what a process has started by now ends with it."""
    # Some live for a moment only, so those that are found are those that are looked at.
    children = wait_until_sync(lambda: psutil.Process(process.pid).children(recursive=True), 30)
    yield
    _, alive = psutil.wait_procs(children, timeout=patient(5))
    assert not alive
