"""Time as a value that can be handed in.

Rule: nothing in disio calls ``time`` directly but this module; tests move a ``FakeClock`` instead of sleeping.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Where a shell reads the time."""

    def steady(self) -> float:
        """Return seconds on a clock that never jumps; only differences mean something."""
        ...

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def steady(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return time.time()


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: float = 1_000.0, wall: float = 1_700_000_000.0) -> None:
        self._now, self._offset = start, wall - start

    def steady(self) -> float:
        """Return the current fake second."""
        return self._now

    def wall(self) -> float:
        """Return the current fake wall time in seconds."""
        return self._now + self._offset

    def advance(self, seconds: float) -> float:
        """Move forward by ``seconds`` and return the new steady time."""
        self._now += seconds
        return self._now
