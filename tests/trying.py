"""Runs ``disio test`` as a process of its own, and sees that nothing of it is left."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

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
        self.folder, self.temporary = folder, folder / "tmp"
        self.temporary.mkdir()
        keep = {name: value for name, value in os.environ.items() if not name.startswith("DISIO_")}
        self.environment = {**keep, "TMPDIR": str(self.temporary), **({"DISIO_BROWSER": browser} if browser else {})}

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file; return its name."""
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``disio test``."""
        return subprocess.Popen(
            [sys.executable, "-m", "disio", "test", *words],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> Told:
        """Run ``disio test`` to its end."""
        with self.start(*words, **environment) as process:
            return self.ended(process, 90)

    def ended(self, process: "subprocess.Popen[str]", within_s: float = ENDS_S) -> Told:
        """Wait for the end; no temporary file may be left."""
        try:
            out, err = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert "Traceback" not in err
        assert list(self.temporary.iterdir()) == []
        return Told(process.returncode, out, err)


@contextmanager
def nothing_left(process: "subprocess.Popen[str]") -> Iterator[None]:
    """See that what a process has started by now ends with it."""
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    yield
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
