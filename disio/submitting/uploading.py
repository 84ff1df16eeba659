"""Inputs on their way to a manager, and the task that is made of them.

Rule: from disk to disk; what a manager has already is not sent again.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Any

from disio.rest import ManagerClient
from disio.submitting.archive import PIECE, Archived, write_archive


def files_spec(sha256: str) -> dict[str, Any]:
    """Return the payload spec of an archive with files."""
    return {"blob": sha256, "format": "files"}


async def archive(folder: Path, names: Sequence[str], out: IO[bytes] | None) -> Archived:
    """Make an archive in a thread, which ends with whoever waits for it.

    Raises:
        InputChanged: A file is gone, cannot be read or changes.
    """
    stop = threading.Event()
    try:
        return await asyncio.to_thread(write_archive, folder, names, out, stop)
    finally:
        stop.set()


async def upload(manager: ManagerClient, archived: Archived, file: IO[bytes]) -> None:
    """Send an archive, unless it is there.

    Raises:
        RestProblem: It is refused.
        ManagerUnreachable: No answer.
    """
    if not await manager.has_blob(archived.sha256):
        await manager.put_blob(archived.sha256, _pieces(file), archived.size)


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, 0)
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece
