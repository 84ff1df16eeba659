"""Everything that falls due, soonest first.

Rule: ``first`` is the true minimum. Moving a deadline later costs one dictionary write, so heartbeats stay cheap.
"""

import heapq

Key = tuple[str, str]
"""What kind of deadline, and of what."""
_SPARE = 64


class Deadlines:
    """Keys with a time each."""

    def __init__(self) -> None:
        self._at: dict[Key, float] = {}
        # Every key has at least one entry here that is not later than its deadline; others are stale.
        self._heap: list[tuple[float, Key]] = []

    def __len__(self) -> int:
        return len(self._at)

    def get(self, key: Key) -> float | None:
        """Return when ``key`` is due."""
        return self._at.get(key)

    def set(self, key: Key, at: float) -> None:
        """Let ``key`` fall due at ``at``, whenever it was due before."""
        before = self._at.get(key)
        self._at[key] = at
        if before is None or at < before:
            heapq.heappush(self._heap, (at, key))
            if len(self._heap) > 2 * len(self._at) + _SPARE:
                self._heap = [(when, each) for each, when in self._at.items()]
                heapq.heapify(self._heap)

    def discard(self, key: Key) -> None:
        """Forget ``key``, if it is known."""
        self._at.pop(key, None)

    def first(self) -> float | None:
        """Return the soonest deadline."""
        while self._heap:
            entry, key = self._heap[0]
            at = self._at.get(key)
            if at == entry:
                return at
            heapq.heappop(self._heap)
            if at is not None and at > entry:
                heapq.heappush(self._heap, (at, key))
        return None

    def due(self, now: float) -> list[Key]:
        """Take out and return every key whose deadline has come, soonest first."""
        keys: list[Key] = []
        while (at := self.first()) is not None and at <= now:
            _, key = heapq.heappop(self._heap)
            del self._at[key]
            keys.append(key)
        return keys
