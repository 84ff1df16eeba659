"""An ear on what an engine of the CLI client says, and an eye on the memory it takes.

Rule: to its slot it stays the engine it is; nothing is added, held back or changed.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from disio_client.engines import frames
from disio_client.engines.base import Engine


class Measurable(Engine, Protocol):
    """An engine whose processes can be measured."""

    def memory_bytes(self) -> int:
        """Return its resident memory; 0 when it is gone."""
        ...


class Heard:
    """An engine that tells what it says to somebody else, too, before its slot gets to hear it.

    Args:
        engine: Does everything.
        hear: Told of every message.
    """

    def __init__(self, engine: Engine, hear: Callable[[frames.FromEngine], None]) -> None:
        self._engine, self._hear = engine, hear
        self.pid, self.loaded, self.kits = engine.pid, engine.loaded, engine.kits

    @property
    def is_ended(self) -> bool:
        """Tell whether it died or was killed."""
        return self._engine.is_ended

    async def send(self, message: frames.ToEngine) -> None:
        """Hand it a message; raises EngineDied."""
        await self._engine.send(message)

    async def receive(self) -> frames.FromEngine:
        """Return its next message; raises EngineDied."""
        message = await self._engine.receive()
        self._hear(message)
        return message

    def used_bytes(self) -> int:
        """Return the memory that its units use."""
        return self._engine.used_bytes()

    def kill(self) -> None:
        """End it at once."""
        self._engine.kill()

    async def close(self) -> None:
        """End it and wait until it is gone."""
        await self._engine.close()


class MemoryMeter:
    """The most memory that an engine and its processes took.

    Args:
        engine: Just started.
    """

    def __init__(self, engine: Measurable) -> None:
        self._engine = engine
        self.start_bytes = engine.memory_bytes()
        self.peak_bytes = 0
        self._unforgetting: set[int] = set()
        """Processes whose own count of the most memory began before the unit."""

    def look(self) -> None:
        """Note what it takes now, and what the system says that its processes took at most."""
        most = sum(_high_water(pid) for pid in _family(self._engine.pid) if pid not in self._unforgetting)
        self.peak_bytes = max(self.peak_bytes, self._engine.memory_bytes(), most)

    def forget(self) -> None:
        """Count the most memory from here."""
        self._unforgetting = {pid for pid in _family(self._engine.pid) if not _forgets(pid)}
        self.peak_bytes = 0


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
