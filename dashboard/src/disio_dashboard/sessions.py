"""Who is signed in, which login links are open, and who guessed too often.

Rule: pure tables with a size limit and a lifetime; callers pass ``now`` in seconds on any monotonic clock. They
are kept in memory only: a restart signs everybody out.
"""

import hmac
from collections import OrderedDict, deque
from dataclasses import dataclass, field

import msgspec

from disio_shared.ids import fresh_secret

SESSION_LIFE_S = 12 * 3600.0
MAX_SESSIONS = 1_000
LINK_LIFE_S = 600.0
MAX_LINKS = 100
MAX_FAILURES = 5
FAILURE_WINDOW_S = 900.0
MAX_ADDRESSES = 10_000


class Who(msgspec.Struct, frozen=True):
    """Who the manager said it is, when the session began. A role that is changed there ends the session."""

    name: str = "machine"
    role: str = "admin"
    how: str = "machine"
    """``machine``, ``session`` (with a password) or ``token``."""


MACHINE = Who()
"""The holder of the manager's ``admin.token``."""


@dataclass(frozen=True)
class Session:
    """One signed-in browser."""

    token: str = field(repr=False)
    """What the manager knows this session by."""
    expires_at: float
    who: "Who" = field(default_factory=lambda: MACHINE)
    place: str = ""
    """Key of the one manager that knows it."""
    csrf: str = field(default_factory=fresh_secret, repr=False)
    """What unsafe requests must carry in a header."""


class SessionTable:
    """The signed-in sessions; the one used longest ago makes room."""

    def __init__(self, size: int = MAX_SESSIONS, life_s: float = SESSION_LIFE_S) -> None:
        self._size, self._life_s = size, life_s
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, token: str, now: float, who: Who = MACHINE, place: str = "") -> str:
        """Start a session and return its id, a secret of 256 bits."""
        session_id = fresh_secret()
        self._sessions[session_id] = Session(token, now + self._life_s, who, place)
        while len(self._sessions) > self._size:
            self._sessions.popitem(last=False)
        return session_id

    def find(self, session_id: str, now: float) -> Session | None:
        """Return a live session, and remember that it was used."""
        session = self._sessions.get(session_id)
        if session is None:
            return None
        if session.expires_at <= now:
            del self._sessions[session_id]
            return None
        self._sessions.move_to_end(session_id)
        return session

    def close(self, session_id: str) -> None:
        """End a session; unknown ids are fine."""
        self._sessions.pop(session_id, None)


class LoginLinks:
    """One-time login codes; each works once and for ten minutes."""

    def __init__(self, size: int = MAX_LINKS, life_s: float = LINK_LIFE_S) -> None:
        self._size, self._life_s = size, life_s
        self._expires: OrderedDict[str, float] = OrderedDict()

    def issue(self, now: float) -> str:
        """Return a fresh code."""
        code = fresh_secret()
        self._expires[code] = now + self._life_s
        while len(self._expires) > self._size:
            self._expires.popitem(last=False)
        return code

    def redeem(self, code: str, now: float) -> bool:
        """Use a code up; tell whether it was good."""
        expires_at = self._expires.pop(code, None)
        return expires_at is not None and now < expires_at


class FailureLimiter:
    """Counts wrong tokens per address."""

    def __init__(
        self, limit: int = MAX_FAILURES, window_s: float = FAILURE_WINDOW_S, addresses: int = MAX_ADDRESSES
    ) -> None:
        self._limit, self._window_s, self._addresses = limit, window_s, addresses
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def retry_after(self, address: str, now: float) -> float:
        """Return the seconds this address must wait; 0 = it may try."""
        failures = self._failures.get(address)
        if failures is None:
            return 0.0
        while failures and failures[0] <= now - self._window_s:
            failures.popleft()
        if not failures:
            del self._failures[address]
            return 0.0
        return failures[0] + self._window_s - now if len(failures) >= self._limit else 0.0

    def count(self, address: str, now: float) -> None:
        """Note one try with a token, wrong until ``forgive``; the address quiet for longest makes room."""
        self._failures.setdefault(address, deque(maxlen=self._limit)).append(now)
        self._failures.move_to_end(address)
        while len(self._failures) > self._addresses:
            self._failures.popitem(last=False)

    def forgive(self, address: str) -> None:
        """Forget an address's failures: it knew the token."""
        self._failures.pop(address, None)

    def take_back(self, address: str) -> None:
        """Uncount the newest failure of an address: whether the token was right could not be told."""
        failures = self._failures.get(address)
        if failures:
            failures.pop()


def is_same_secret(given: str, kept: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), kept.encode())
