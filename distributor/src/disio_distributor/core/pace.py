"""How long units take: a client's own pace with a task, and the pace of the task over all clients.

Rule: a task's pace is that of a client of ordinary speed; what one client takes is its slowness times as much.
"""

import math
from collections import deque
from collections.abc import Sequence

MIN_UNIT_S = 1e-6
MAX_SLOWNESS = 32.0
SAMPLE = 100
"""Recent unit times of a task that are remembered."""
PER_MESSAGE = 10
"""Unit times taken from one message."""
_OWN, _TASK = 0.5, 0.25
"""How much a new measurement counts."""


class Pace:
    """How a session does with one task."""

    __slots__ = ("batch", "unit_s")

    def __init__(self) -> None:
        self.unit_s: float | None = None
        """Seconds a unit takes, smoothed."""
        self.batch = 0
        """Payloads of its last batch; 0 before the first."""

    def measured(self, unit_s: float) -> None:
        """Take in what a message's units took on average."""
        unit_s = max(MIN_UNIT_S, unit_s)
        self.unit_s = unit_s if self.unit_s is None else self.unit_s + _OWN * (unit_s - self.unit_s)


class TaskPace:
    """How long a task's units take."""

    __slots__ = ("_recent", "unit_s")

    def __init__(self) -> None:
        self.unit_s: float | None = None
        """Seconds a unit takes a client of ordinary speed, smoothed."""
        self._recent: deque[float] = deque(maxlen=SAMPLE)

    @property
    def count(self) -> int:
        """How many unit times are known, at most ``SAMPLE``."""
        return len(self._recent)

    def measured(self, seconds: Sequence[float], slowness: float) -> float:
        """Take in what the units of one client's message took; return the client's slowness as it is now."""
        step = -(-len(seconds) // PER_MESSAGE)
        self._recent.extend(seconds[::step])
        unit_s = max(MIN_UNIT_S, sum(seconds) / len(seconds))
        if self.unit_s is None:
            self.unit_s = unit_s / slowness
            return slowness
        ratio = max(1 / MAX_SLOWNESS, min(MAX_SLOWNESS, unit_s / self.unit_s))
        self.unit_s += _TASK * (unit_s / slowness - self.unit_s)
        return slowness * math.pow(ratio / slowness, _TASK)

    def p90(self) -> float:
        """Return the time that nine of ten recent units stayed within; there must be some."""
        ordered = sorted(self._recent)
        return ordered[math.ceil(0.9 * len(ordered)) - 1]
