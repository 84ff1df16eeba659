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
        raise NotImplementedError


def listen(engine: Engine, hear: Callable[[frames.FromEngine], None]) -> None:
    """Have ``hear`` told of every message that the engine sends, before its slot is."""
    receive = engine.receive

    async def heard() -> frames.FromEngine:
        message = await receive()
        hear(message)
        return message

    setattr(engine, "receive", heard)  # noqa: B010 - of this one engine, whatever its class


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
