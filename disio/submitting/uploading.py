"""Inputs on their way to a manager, and the task that is made of them.

Rule: from disk to disk; what a manager has already is not sent again.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Any

from disio.rest import ManagerClient, RestProblem
from disio.submitting.archive import PIECE, Archived, write_archive

HASH_DIFFERS = 422


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
    """Send an archive, as ``upload_file`` does."""
    await upload_file(manager, archived.sha256, archived.size, file)


async def upload_file(manager: ManagerClient, sha256: str, size: int, file: IO[bytes]) -> None:
    """Send a file, as far as it is not there: asked again after a manager was away, it goes on where that one was.

    Raises:
        RestProblem: It is refused.
        ManagerUnreachable: No answer, or it cannot take the file now.
    """
    offset = await manager.blob_offset(sha256)
    if offset is None:
        return
    try:
        await manager.put_blob(sha256, _pieces(file, offset), size, offset)
    except RestProblem as problem:
        if not offset or problem.status != HASH_DIFFERS:
            raise
        # What was there was no beginning of this file: a power cut may have spoilt it. It is thrown away.
        await manager.put_blob(sha256, _pieces(file, 0), size)


async def _pieces(file: IO[bytes], offset: int) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, offset)
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece
