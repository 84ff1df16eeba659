"""Remembers which set-up steps are done, by a digest of what went into them.

A stamp is written only after its step succeeded, so an interrupted run repeats the step.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / ".stamps"
LEFT_OUT = {"node_modules", "__pycache__", "dist", "coverage"}


def digest(files: Iterable[Path], *facts: str) -> str:
    """One digest of the files' names and bytes and of further facts (a version, say)."""
    total = hashlib.sha256("\0".join(facts).encode())
    for path in sorted(files):
        total.update(f"\0{path.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def tree(folder: Path) -> list[Path]:
    """Every source file below ``folder``: installed and built folders are left out."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        found += [Path(parent, name) for name in names if not name.endswith(".tsbuildinfo")]
    return found


def is_done(step: str, value: str) -> bool:
    """Whether ``step`` succeeded with exactly these inputs."""
    stamp = STAMPS / step
    return stamp.is_file() and stamp.read_text() == value


def forget(step: str) -> None:
    """Make the step count as not done, whatever becomes of the run that repeats it."""
    (STAMPS / step).unlink(missing_ok=True)


def mark_done(step: str, value: str) -> None:
    """Note that ``step`` succeeded with these inputs."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    fresh = STAMPS / f"{step}.{os.getpid()}"
    fresh.write_text(value)
    fresh.replace(STAMPS / step)
