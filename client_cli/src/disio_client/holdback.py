"""While the distributor takes no results: how long the client holds them back, and why.

Rule: one step of the backoff for each round of refusals, however many messages were under way in it. Pure.
"""

from collections.abc import Callable

from disio_shared.backoff import Backoff

FIRST_S, CEILING_S = 2.0, 60.0

PASSING = frozenset({"full", "unavailable"})
"""Codes of an ``Error`` that say: not now."""


class Holdback:
    """Results wait until the distributor may have room for them.

    Args:
        uniform: Draws a delay between two bounds, in seconds.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._backoff = Backoff(FIRST_S, CEILING_S, uniform)
        self._until: float | None = None
        self.reason = ""
        """Why the distributor took nothing; empty = it takes results, as far as the client knows."""

    @property
    def is_on(self) -> bool:
        """Tell whether results are to wait."""
        return self._until is not None

    def refused(self, reason: str, now: float) -> float:
        """Note a refusal; return the seconds until results are sent again."""
        self.reason = reason or "it gives no reason"
        if self._until is None:
            self._until = now + self._backoff.next_s()
        return self._until - now

    def accepted(self) -> bool:
        """Note that results were stored; return whether they were refused before."""
        was_refused = bool(self.reason)
        self._backoff.reset()
        self._until, self.reason = None, ""
        return was_refused

    def advance(self, owed: int, now: float) -> None:
        """Let results go again when their time has come; with nothing owed, nothing can be refused any more."""
        if self._until is not None and now >= self._until:
            self._until = None
        if self._until is None and self.reason and owed == 0:
            self.accepted()

    def next_deadline(self) -> float | None:
        """Return when results may go again, or None when nothing holds them."""
        return self._until
