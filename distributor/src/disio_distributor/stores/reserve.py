"""A file that holds room on the disk: given up when the disk is full, so that what is delivered can still be deleted.

Rule: while it is given up its size counts as used; it is made again when the disk has twice as much free.
"""

import contextlib
import os
import shutil
from pathlib import Path

MOST = 8 << 20
"""Bytes it takes, less where the disk is small; SQLite's log, which must fit in, is 4 MiB as a rule."""
PART = 4
"""It takes at most so small a part of what is free at the start."""


PIECE = 1 << 20
"""Bytes that are written at once."""


class Reserve:
    """Room beside a database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0

    def open(self) -> None:
        """Hold room, if there is any to hold."""
        held = self._path.stat().st_size if self._path.is_file() else 0
        self._size = held or min(MOST, _free(self._path) // PART)
        if not held:
            self._hold()

    def give_up(self) -> None:
        """Let the database have the room."""
        self._path.unlink(missing_ok=True)

    def free(self) -> int:
        """Return the bytes that are free beside the reserve, which is held again when that is possible.

        Raises:
            OSError: The disk does not tell.
        """
        if not self._path.is_file() and _free(self._path) >= 2 * self._size:
            self._hold()
        owed = 0 if self._path.is_file() else self._size
        return max(0, _free(self._path) - owed)

    def _hold(self) -> None:
        try:
            with self._path.open("wb") as file:
                # Written, and with nothing that compresses: not every system can allocate, or keeps zeros in full.
                for start in range(0, max(1, self._size), PIECE):
                    file.write(os.urandom(min(PIECE, max(1, self._size) - start)))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                self.give_up()


def _free(path: Path) -> int:
    return shutil.disk_usage(path.parent).free
