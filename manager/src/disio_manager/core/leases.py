"""Until when each leased block is its holder's.

Rule: every lease lasts equally long and time never runs backwards, so the order of extension is the order of
deadlines and the first lease is always the next one due.
"""

from collections import OrderedDict

LeaseKey = tuple[str, str]
"""Task id and block id."""


class LeaseTable:
    """Deadlines of leased blocks, the earliest first."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._deadlines: OrderedDict[LeaseKey, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._deadlines)

    def extend(self, task: str, block: str, now: float) -> None:
        """Start a lease, or let it last ``lease_s`` seconds from ``now``."""
        key = (task, block)
        self._deadlines[key] = now + self._lease_s
        self._deadlines.move_to_end(key)

    def drop(self, task: str, block: str) -> None:
        """End a lease; one that is not there is fine."""
        self._deadlines.pop((task, block), None)

    def deadline(self, task: str, block: str) -> float | None:
        """Return when a lease ends, or None when there is none."""
        return self._deadlines.get((task, block))

    def first(self) -> float | None:
        """Return the earliest deadline."""
        return next(iter(self._deadlines.values()), None)

    def take_due(self, now: float) -> list[LeaseKey]:
        """Remove and return the leases whose deadline is not after ``now``."""
        due: list[LeaseKey] = []
        for key, deadline in self._deadlines.items():
            if deadline > now:
                break
            due.append(key)
        for key in due:
            del self._deadlines[key]
        return due
