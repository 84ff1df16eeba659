"""How much one network address or one session may ask for.

Rule: memory is bounded; an address that asks for nothing is forgotten.
"""

from collections import OrderedDict

CONNECTS_PER_S = 20.0
CONNECT_BURST = 200.0
"""Connections of one address: generous, since a school or a reverse proxy is one address."""
MESSAGES_PER_S = 1000.0
MESSAGE_BURST = 2000.0
"""Messages of one session; a client that gathers results as told stays far below."""
MAX_UNJOINED = 64
"""Connections of one address that have not said Hello yet."""
MAX_ADDRESSES = 20_000
"""Addresses remembered; the longest unseen is forgotten first."""


class TokenBucket:
    """Allows ``rate`` things a second, and ``burst`` at once. Pure: the time is handed in."""

    __slots__ = ("_burst", "_filled_at", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst, self._tokens, self._filled_at = rate, burst, burst, now

    def take(self, now: float) -> bool:
        """Take one token; return False when there is none."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class _Address:
    __slots__ = ("connects", "unjoined")

    def __init__(self, now: float) -> None:
        self.connects = TokenBucket(CONNECTS_PER_S, CONNECT_BURST, now)
        self.unjoined = 0


class AddressLimits:
    """Counts connections by network address."""

    def __init__(self, max_unjoined: int = MAX_UNJOINED) -> None:
        self._max_unjoined = max_unjoined
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    def admit(self, address: str, now: float) -> bool:
        """Count a new connection that has not said Hello; return False when the address has too many or is too fast."""
        entry = self._addresses.get(address)
        if entry is None:
            entry = self._addresses[address] = _Address(now)
            while len(self._addresses) > MAX_ADDRESSES:
                self._addresses.popitem(last=False)
        self._addresses.move_to_end(address)
        if entry.unjoined >= self._max_unjoined or not entry.connects.take(now):
            return False
        entry.unjoined += 1
        return True

    def settle(self, address: str) -> None:
        """A connection said Hello, or went without; it no longer counts as un-joined."""
        entry = self._addresses.get(address)
        if entry is not None and entry.unjoined > 0:
            entry.unjoined -= 1


class Sampled:
    """Lets one line through per ``every_s`` seconds, and counts the others."""

    def __init__(self, every_s: float) -> None:
        self._every_s, self._next_at, self._hidden = every_s, 0.0, 0

    def take(self, now: float) -> int | None:
        """Return how many were held back since the last line, or None when this one is to be held back too."""
        if now < self._next_at:
            self._hidden += 1
            return None
        hidden, self._hidden = self._hidden, 0
        self._next_at = now + self._every_s
        return hidden
