"""Whether an SQLite file can be written again after a write had failed.

Rule: a write that just fits proves little: what failed may leave room inside SQLite's log. So there must be room for
whole groups of changes on the disk as well.
"""

import shutil
from pathlib import Path

import apsw

from disio_shared.errors import StoreUnavailable

ROOM = 16 << 20
"""Bytes that must be free: a large group of changes. On a small disk ``PART`` of it is enough."""
PART = 16
PROBE_BYTES = 64 << 10


def prove_writable(connection: apsw.Connection, path: Path) -> None:
    """Write something small, make it durable and take it away again.

    Raises:
        StoreUnavailable: There is too little room on the disk.
        apsw.Error: The file cannot be written.
    """
    disk = shutil.disk_usage(path.parent)
    needed = min(ROOM, disk.total // PART)
    if disk.free < needed:
        problem = f"the disk is full: {_mib(disk.free)} are free"
        remedy = f"make room on that disk, {_mib(needed)} at least; nothing that was acknowledged is lost"
        raise StoreUnavailable(str(path), problem, remedy)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('probe', zeroblob(?))", (PROBE_BYTES,))
    connection.execute("DELETE FROM meta WHERE key = 'probe'")


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
