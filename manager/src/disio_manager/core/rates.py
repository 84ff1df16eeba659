"""How fast payloads are closed, lately.

Rule: an exponentially weighted count; it costs two numbers however many payloads there are.
"""

from math import exp

WINDOW_S = 15.0
"""Seconds after which an old count weighs 1/e."""


class Meter:
    """A rate in payloads per second."""

    __slots__ = ("_at", "_since", "_weight")

    def __init__(self, now: float) -> None:
        self._since = self._at = now
        self._weight = 0.0

    def count(self, number: int, now: float) -> None:
        """Note that ``number`` payloads were closed at ``now``."""
        self._weight = self._weight * exp(-max(0.0, now - self._at) / WINDOW_S) + number
        self._at = now

    def rate(self, now: float) -> float:
        """Return payloads per second at ``now``; a young meter is not held down by the time before its start."""
        weight = self._weight * exp(-max(0.0, now - self._at) / WINDOW_S)
        age = max(1.0, now - self._since)
        return weight / (WINDOW_S * (1.0 - exp(-age / WINDOW_S)))
