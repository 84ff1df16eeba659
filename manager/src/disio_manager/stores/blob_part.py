"""The beginning of a blob, in a file that grows.

Rule: whatever comes in between, the file is a beginning of what was sent, and its length says of how much; a power cut
may spoil its end, which the hash of the whole brings to light.
"""

import errno
import os
import shutil
from pathlib import Path

from disio_manager.stores.sqlite_room import PART as ROOM_PART
from disio_manager.stores.sqlite_room import ROOM
from disio_manager.stores.uploads import Digest, NoSpace

PART = ".part"
SYNC_BYTES = 64 << 20
"""Written since the last sync: one at the end alone would hold up the database beside it for long."""
READ_BYTES = 4 << 20
REMEDY = "make room on that disk and send the rest; what came is kept for a day"


class Part:
    """An open part; works in whichever thread calls it, one at a time.

    Args:
        digest: Of all that is in the file, if that is known; else it is read.
        is_new: Whatever is in the file is thrown away.

    Raises:
        OSError: It cannot be opened or read.
    """

    def __init__(self, path: Path, digest: Digest | None, *, is_new: bool) -> None:
        self._path = path
        self._file = path.open("wb" if is_new else "ab", buffering=0)
        self._unsynced = 0
        self.digest = digest if digest is not None else self._read()
        """Of what was written whole; should a write come half way, the file is longer."""

    def _read(self) -> Digest:
        digest = Digest()
        with self._path.open("rb") as file:
            while data := file.read(READ_BYTES):
                digest.add(data)
        return digest

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            NoSpace: There is no room for it; the database beside it needs some, too.
            OSError: It cannot be written, or not all of it.
        """
        disk = shutil.disk_usage(self._path.parent)
        if disk.free < len(data) + 2 * min(ROOM, disk.total // ROOM_PART):
            raise NoSpace(str(self._path.parent), "the disk is full", REMEDY)
        try:
            self._write(memoryview(data))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace(str(self._path.parent), "the disk is full", REMEDY) from error
            raise
        self.digest.add(data)
        self._unsynced += len(data)
        if self._unsynced >= SYNC_BYTES:
            os.fsync(self._file.fileno())
            self._unsynced = 0

    def _write(self, data: memoryview) -> None:
        while data:
            data = data[self._file.write(data) :]

    def finish(self, final: Path) -> None:
        """Make it durable, and let it be seen."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(final)
        sync_folder(final.parent)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def sync_folder(folder: Path) -> None:
    """Make names in a directory durable."""
    if os.name == "nt":  # a directory cannot be opened there; NTFS journals the rename
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
