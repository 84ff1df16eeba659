"""How long to wait before the next try.

Rule: full jitter over a doubling ceiling, so that clients of a restarted server do not come back in step.
Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from collections.abc import Callable


class Backoff:
    """Doubling, jittered delays. Pure: the random source is handed in."""

    def __init__(self, first_s: float, ceiling_s: float, uniform: Callable[[float, float], float]) -> None:
        self._first, self._ceiling, self._uniform = first_s, ceiling_s, uniform
        self._tries = 0

    def next_s(self) -> float:
        """Return the next delay in seconds, between half a step and a whole step."""
        step = min(self._ceiling, self._first * 2.0 ** min(self._tries, 32))
        self._tries += 1
        return self._uniform(step / 2, step)

    def reset(self) -> None:
        """Start over after a success."""
        self._tries = 0
