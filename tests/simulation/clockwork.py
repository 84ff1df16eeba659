"""Virtual time: things happen in order of their moment, and one seed makes one history.

Rule: everything random comes from ``random``, everything timed from ``now``; nothing here looks at the real world.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from random import Random


class Clockwork:
    """A queue of things to happen.

    Args:
        seed: Names the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.random = seed, Random(seed)
        self.now = 1_000.0
        self.wall_offset = 1_700_000_000.0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._story: deque[str] = deque(maxlen=400)

    @property
    def wall(self) -> float:
        """Return virtual seconds since 1970."""
        return self.now + self.wall_offset

    def after(self, delay_s: float, action: Callable[[], object]) -> None:
        """Let something happen ``delay_s`` seconds from now."""
        heapq.heappush(self._due, (self.now + max(0.0, delay_s), next(self._order), action))

    def step(self) -> bool:
        """Let the next thing happen; return False when there is none."""
        if not self._due:
            return False
        at, _, action = heapq.heappop(self._due)
        self.now = max(self.now, at)
        action()
        return True

    def chance(self, probability: float) -> bool:
        """Draw."""
        return self.random.random() < probability

    def tell(self, text: str) -> None:
        """Add a line to the run's story, which a failure prints."""
        self._story.append(f"{self.now - 1000:10.3f}  {text}")

    def story(self) -> str:
        """Return the last lines of what happened."""
        return "\n".join(self._story)


class Alarm:
    """One node's timer: only the last deadline that was set goes off.

    Args:
        ring: What happens then.
    """

    def __init__(self, clock: Clockwork, ring: Callable[[], object]) -> None:
        self._clock, self._ring, self._number = clock, ring, 0

    def set(self, deadline: float | None) -> None:
        """Go off at ``deadline`` (None: not at all) instead of whenever it was set to before."""
        self._number += 1
        if deadline is not None:
            number = self._number
            self._clock.after(deadline - self._clock.now, lambda: self._go_off(number))

    def _go_off(self, number: int) -> None:
        if number == self._number:
            self._ring()
