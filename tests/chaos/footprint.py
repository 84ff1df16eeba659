"""How much memory and how many descriptors processes use, looked at again and again.

Rule: two stretches of time are compared by their medians, since a single look may fall into a busy moment.
"""

import statistics
import time
from dataclasses import dataclass, field

import psutil


@dataclass
class Footprint:
    """One process."""

    name: str
    pid: int
    looks: list[tuple[float, int, int]] = field(default_factory=list)
    """Seconds since the first look, resident bytes, descriptors."""
    _began: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Look once."""
        process = psutil.Process(self.pid)
        self.looks.append((time.monotonic() - self._began, process.memory_info().rss, process.num_fds()))

    def growth(self, warm_s: float, window_s: float) -> tuple[float, float]:
        """Return by which part memory and descriptors grew from the end of the warm-up to the end."""
        first = [look for look in self.looks if warm_s <= look[0] <= warm_s + window_s]
        last = [look for look in self.looks if look[0] >= self.looks[-1][0] - window_s]
        grown = [statistics.median(each[at] for each in last) / statistics.median(each[at] for each in first) - 1
                 for at in (1, 2)]  # fmt: skip
        return grown[0], grown[1]

    def told(self, warm_s: float, window_s: float) -> str:
        """Return a line for people."""
        memory, descriptors = self.growth(warm_s, window_s)
        _, resident, files = self.looks[-1]
        return (
            f"{self.name}: {resident / 1e6:.1f} MB ({memory:+.1%} since the warm-up), "
            f"{files} descriptors ({descriptors:+.1%})"
        )
