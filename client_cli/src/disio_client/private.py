"""A folder that is gone when the client is, however the client ends.

Rule: who removes it is a process of its own, which waits for the client's end at the other end of a pipe: nothing that
happens to the client, not even SIGKILL, keeps it from that.
"""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

_SHELL = "/bin/sh"
_WAIT_AND_REMOVE = """
trap '' HUP INT TERM
read -r line
for n in 1 2 3 4 5; do rm -rf -- "$1" && break; sleep 1; done
"""
"""Workers end a moment after the client; what one of them still writes meanwhile takes another try."""


class PrivateFolder:
    """An empty folder that nobody else may look into; made by ``make``."""

    def __init__(self, path: Path, remover: asyncio.subprocess.Process | None) -> None:
        self.path = path
        self._remover = remover

    @classmethod
    async def make(cls) -> "PrivateFolder":
        """Make one where temporary files are kept; where there is no shell, only ``remove`` removes it."""
        path = Path(tempfile.mkdtemp(prefix="disio-client-"))
        remover = None
        with contextlib.suppress(OSError):
            remover = await asyncio.create_subprocess_exec(
                *[_SHELL, "-c", _WAIT_AND_REMOVE, "sh", str(path)],
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=path.anchor,
                start_new_session=True,
            )
        return cls(path, remover)

    async def remove(self) -> None:
        """Remove it with all that is in it."""
        await asyncio.to_thread(shutil.rmtree, self.path, ignore_errors=True)
        if self._remover is not None and self._remover.stdin is not None:
            self._remover.stdin.close()
            await self._remover.wait()
