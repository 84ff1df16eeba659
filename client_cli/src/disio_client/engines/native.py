"""One process of the owner's own Python that runs native units of one task (ADR 19).

Rule: it serves one task and is ended with everything it started; what it prints goes into a file, never between frames.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from disio_client.engines import frames
from disio_client.engines.base import EngineDied, EngineUnavailable, FrameStream
from disio_client.engines.native_walls import Walls, candidates, command, environment

START_S = 20.0
LAST_WORDS = 8_000
"""Bytes read of what a worker printed before it died."""
OUT_OF_MEMORY = ("memoryerror", "bad_alloc", "cannot allocate memory", "out of memory")
"""What a process says before it dies for want of memory."""
_UNIT_FRAME = re.compile(r'File "workunit\.py", line \d+ in \S+')
"""A line of faulthandler's."""


class NativeEngine:
    """A running worker; made by ``start``. Surface and messages are those of ``base.Engine``."""

    def __init__(self, process: asyncio.subprocess.Process, private: Path, log: int) -> None:
        self.pid = process.pid
        self._process, self._private, self._log = process, private, log
        self._stream = FrameStream(process, self._obituary)
        self._is_closed = False
        self._idle_bytes = 0
        """Memory before it had any unit code; the worker holds its units to their limit itself."""
        self.loaded: dict[str, str] = {}
        self.kits: set[str] = set()
        self.is_ended = False
        self.send, self.receive = self._stream.send, self._stream.receive

    @classmethod
    async def start(cls, private_dir: Path, walls: Walls) -> "NativeEngine":
        """Start a worker behind these walls and wait until it is ready.

        Args:
            private_dir: Where it may get a directory of its own.
            walls: As ``find_walls`` returned them.

        Raises:
            EngineUnavailable: It does not start.
        """
        engine = await cls._spawn(private_dir, walls)
        try:
            async with asyncio.timeout(START_S):
                first = await engine.receive()
        except (EngineDied, TimeoutError) as error:
            await engine.close()
            raise EngineUnavailable(f"native Python does not start: {error or 'no answer'}") from error
        except BaseException:
            engine.kill()
            raise
        if not isinstance(first, frames.Ready):
            await engine.close()
            raise EngineUnavailable("native Python does not start: its first frame is not ready")
        engine._idle_bytes = engine.memory_bytes()
        return engine

    @classmethod
    async def _spawn(cls, private_dir: Path, walls: Walls) -> "NativeEngine":
        private = Path(tempfile.mkdtemp(prefix="native-", dir=private_dir))
        log = _unnamed_file(private_dir)
        try:
            process = await asyncio.create_subprocess_exec(
                *command(walls, private),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=private,
                env=environment(walls, private),
                start_new_session=True,
                limit=1 << 20,
            )
        except BaseException as error:
            os.close(log)
            shutil.rmtree(private, ignore_errors=True)
            if isinstance(error, OSError):
                raise EngineUnavailable(f"native Python does not start: {error}") from error
            raise
        return cls(process, private, log)

    def memory_bytes(self) -> int:
        """Return the resident memory of the worker and of all that it started; 0 when it is gone."""
        total = 0
        for pid in _family(self.pid):
            with contextlib.suppress(psutil.Error):
                total += int(psutil.Process(pid).memory_info().rss)
        return total

    def used_bytes(self) -> int:
        """Return the memory beyond what the worker had before it had any unit code."""
        return self.memory_bytes() - self._idle_bytes

    def kill(self) -> None:
        """End the worker and all that it started at once."""
        self.is_ended = True
        if self._process.returncode is not None:
            return
        family = _family(self.pid)
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        for pid in family:  # those that left the group
            with contextlib.suppress(psutil.Error):
                psutil.Process(pid).kill()

    async def close(self) -> None:
        """End the worker, wait until it is gone, and take its directory away."""
        self.kill()
        await self._process.wait()
        if self._is_closed:
            return
        self._is_closed = True
        self._stream.close()
        self._end_group()
        await asyncio.to_thread(shutil.rmtree, self._private, ignore_errors=True)
        os.close(self._log)

    def _end_group(self) -> None:
        """End what a worker left behind that ended by itself; its group lives on while any of it does."""
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def _obituary(self) -> EngineDied:
        """End what is left of the process and tell why it died, as far as it said."""
        self.kill()
        status = await self._process.wait()
        words = self._last_words()
        await self.close()
        problem = _how(status)
        places = _UNIT_FRAME.findall(words)
        said = places[:1] or words.strip().splitlines()[-1:]
        if said:
            problem += f": {said[0][:300]}"
        return EngineDied(problem, any(sign in words.lower() for sign in OUT_OF_MEMORY))

    def _last_words(self) -> str:
        if self._is_closed:
            return ""
        start = max(0, os.fstat(self._log).st_size - LAST_WORDS)
        os.lseek(self._log, start, os.SEEK_SET)
        return os.read(self._log, LAST_WORDS).decode(errors="replace")


async def find_walls(private_dir: Path) -> Walls:
    """Return the strongest walls in which a worker starts on this machine.

    Raises:
        EngineUnavailable: It starts in none.
    """
    for walls in candidates():
        try:
            engine = await NativeEngine.start(private_dir, walls)
        except EngineUnavailable:
            if walls is Walls.LIMITS:
                raise
            continue
        await engine.close()
        return walls
    raise AssertionError("limits alone are always a candidate")


def _unnamed_file(folder: Path) -> int:
    """Return the descriptor of an empty file that no name leads to, for what a worker prints."""
    descriptor, name = tempfile.mkstemp(prefix="log-", dir=folder)
    os.close(descriptor)
    descriptor = os.open(name, os.O_RDWR | os.O_APPEND)
    with contextlib.suppress(OSError):  # Windows keeps a file that is open
        os.unlink(name)
    return descriptor


def _how(status: int) -> str:
    """Tell how a process ended, in words."""
    number = -status if status < 0 else status - 128
    with contextlib.suppress(ValueError):
        if status < 0 or status > 128:  # bubblewrap passes a signal on as 128 + its number
            return f"ended by {signal.Signals(number).name}"
    return f"exit status {status}"


def _family(pid: int) -> list[int]:
    """Return a process and its descendants, parents first."""
    found = [pid]
    for member in found:
        found += _children(member)
    return found


def _children(pid: int) -> Iterator[int]:
    # Reading these files costs some 20 us; psutil would read the status of every process of the machine.
    if sys.platform != "linux":
        with contextlib.suppress(psutil.Error):
            yield from (child.pid for child in psutil.Process(pid).children())
        return
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                yield from map(int, file.read().split())
