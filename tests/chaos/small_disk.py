"""A disk of a few megabytes that can be filled up and emptied again.

Rule: whatever was mounted is unmounted, and a machine that does not let us mount fails the test where CI=true.
"""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.need import in_ci

BLOCKS = (1 << 20, 4 << 10, 1)
"""Sizes of what is written until nothing fits any more, largest first."""


class SmallDisk:
    """A mounted tmpfs.

    Args:
        path: Where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave not one byte."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for block in BLOCKS:
                with contextlib.suppress(_NoSpace):
                    while True:
                        _write(ballast.fileno(), bytes(block))

    def free(self) -> None:
        """Take away what ``fill`` wrote."""
        self._ballast.unlink()


class _NoSpace(Exception):
    pass


def _write(descriptor: int, data: bytes) -> None:
    try:
        written = os.write(descriptor, data)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _NoSpace from error
        raise
    if written < len(data):
        raise _NoSpace


@contextlib.contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk at ``path`` for a while."""
    path.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "disio-test", str(path)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode:
        _without(mounted.stderr.strip())
    try:
        yield SmallDisk(path)
    finally:
        # Lazy: a process that was killed may hold files for a moment more.
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def _without(problem: str) -> None:
    reason = f"no small disk could be mounted ({problem}): run as root, or in a container that may mount"
    if in_ci():
        pytest.fail(f"CI=true and {reason}", pytrace=False)
    pytest.skip(reason)
