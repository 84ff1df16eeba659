"""One manager per data directory.

Rule: the lock is the operating system's, so a killed manager leaves none behind.
"""

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from disio_shared.errors import ConflictError


class InUse(ConflictError):
    """Another process holds the lock."""

    code = "in-use"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"another manager works on {path} already; stop it, or choose another --data-dir")


class FileLock:
    """Holds ``path`` exclusively until ``release`` or the end of the process.

    Raises:
        InUse: Somebody else holds it.
    """

    def __init__(self, path: Path, subject: Path) -> None:
        self._file: BinaryIO = path.open("ab")
        try:
            _lock(self._file)
        except OSError as error:
            self._file.close()
            raise InUse(subject) from error

    def release(self) -> None:
        """Let go."""
        with contextlib.suppress(OSError):
            self._file.close()


def _lock(file: BinaryIO) -> None:
    if os.name == "nt":
        import msvcrt  # exists on Windows only

        lock, mode = getattr(msvcrt, "locking"), getattr(msvcrt, "LK_NBLCK")  # noqa: B009 - not there elsewhere
        file.seek(0)
        lock(file.fileno(), mode, 1)
        return
    import fcntl  # exists everywhere else

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
