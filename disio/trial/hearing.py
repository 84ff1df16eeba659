"""An engine of the CLI client with an ear on what it says and an eye on the memory it takes.

Rule: to its slot it is the engine itself; nothing is added, held back or changed.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from disio_client.engines import frames
from disio_client.engines.base import Engine

LOOK_S = 0.05
"""Seconds between two looks at its memory while it talks: a unit may write thousands of lines a second."""
Hear = Callable[["HeardEngine", frames.FromEngine], None]


class HeardEngine:
    """An engine that runs.

    Args:
        engine: The one that does it all.
        hear: Told of every message.
    """

    def __init__(self, engine: Engine, hear: Hear) -> None:
        self._engine, self._hear = engine, hear
        self.pid, self.loaded, self.kits = engine.pid, engine.loaded, engine.kits
        self.idle_bytes, self.is_ended = engine.idle_bytes, engine.is_ended
        self.peak_bytes = 0
        """Most that it took, as far as it was seen."""
        self._next_look = 0.0
        self._unforgetting: set[int] = set()
        """Processes whose own count of the most memory began before the unit."""

    async def send(self, message: frames.ToEngine) -> None:
        """Hand it a message; raises EngineDied."""
        try:
            await self._engine.send(message)
        finally:
            self._follow()

    async def receive(self) -> frames.FromEngine:
        """Return its next message, safe to cancel; raises EngineDied."""
        try:
            message = await self._engine.receive()
        finally:
            self._follow()
        if time.monotonic() >= self._next_look:
            self.memory_bytes()
        self._hear(self, message)
        return message

    def memory_bytes(self) -> int:
        """Return its resident memory, and keep the most."""
        self._next_look = time.monotonic() + LOOK_S
        now = self._engine.memory_bytes()
        most = sum(_high_water(pid) for pid in _family(self.pid) if pid not in self._unforgetting)
        self.peak_bytes = max(self.peak_bytes, now, most)
        return now

    def forget_peak(self) -> None:
        """Count the most memory from here."""
        self._unforgetting = {pid for pid in _family(self.pid) if not _forgets(pid)}
        self.peak_bytes = 0

    def used_bytes(self) -> int:
        """Return the memory that its units use."""
        return self._engine.used_bytes()

    def kill(self) -> None:
        """End it at once."""
        self._engine.kill()
        self._follow()

    async def close(self) -> None:
        """End it and wait until it is gone."""
        await self._engine.close()
        self._follow()

    def _follow(self) -> None:
        self.idle_bytes, self.is_ended = self._engine.idle_bytes, self._engine.is_ended


def _family(pid: int) -> list[int]:
    """Return a process and its descendants; none where the system does not tell of the most memory they had."""
    found = [pid] if sys.platform == "linux" else []
    for member in found:
        found += _children(member)
    return found


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            yield from map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())


def _high_water(pid: int) -> int:
    """Return the most resident memory a process has had, in bytes; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _forgets(pid: int) -> bool:
    """Have a process count its most memory from now; tell whether it does."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return False
    return True
