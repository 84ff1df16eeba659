"""How long who gave wrong passwords must wait.

Rule: pure tables with a size limit; ``now`` in seconds on any monotonic clock. They delay and never lock: a name that
strangers guess at stays open to every address that signed in with it before.
"""

from collections import OrderedDict
from dataclasses import dataclass

FREE_TRIES = 5
"""Of one address with wrong passwords, before it must wait."""
FREE_TRIES_OF_NAME = 50
"""For one name, from all addresses together."""
LONGEST_S = 60.0
FORGOTTEN_S = 900.0
"""After so long without a wrong password all is forgotten."""
MAX_ROWS = 10_000


@dataclass(slots=True)
class _Row:
    wrong: int = 0
    last: float = 0.0


class Waits:
    """Wrong passwords by address and by name; the row quiet for longest makes room."""

    def __init__(self, rows: int = MAX_ROWS) -> None:
        self._max = rows
        self._rows: OrderedDict[tuple[str, str], _Row] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def retry_after(self, name: str, address: str, now: float) -> float:
        """Return the seconds until this address may try this name again; 0 = now."""
        wait = self._wait(("address", address), FREE_TRIES, now)
        if (name, address) in self._known:
            return wait
        return max(wait, self._wait(("name", name), FREE_TRIES_OF_NAME, now))

    def count(self, name: str, address: str, now: float) -> None:
        """Note one try, wrong until ``forgive``."""
        for key in (("address", address), ("name", name)):
            row = self._rows.setdefault(key, _Row())
            if now - row.last > FORGOTTEN_S:
                row.wrong = 0
            row.wrong, row.last = row.wrong + 1, now
            self._rows.move_to_end(key)
        while len(self._rows) > self._max:
            self._rows.popitem(last=False)

    def forgive(self, name: str, address: str) -> None:
        """Note that a try was right: this address is known to belong to that name from now on."""
        self._rows.pop(("address", address), None)
        self._take_back(("name", name))
        self.know(name, address)

    def know(self, name: str, address: str) -> None:
        """Note that an address has signed in with a name."""
        self._known[(name, address)] = None
        self._known.move_to_end((name, address))
        while len(self._known) > self._max:
            self._known.popitem(last=False)

    def take_back(self, name: str, address: str) -> None:
        """Uncount the newest try: whether it was right could not be told."""
        self._take_back(("address", address))
        self._take_back(("name", name))

    def _take_back(self, key: tuple[str, str]) -> None:
        row = self._rows.get(key)
        if row is not None:
            row.wrong -= 1
            if row.wrong <= 0:
                del self._rows[key]

    def _wait(self, key: tuple[str, str], free: int, now: float) -> float:
        row = self._rows.get(key)
        if row is None or row.wrong < free or now - row.last > FORGOTTEN_S:
            return 0.0
        pause = min(LONGEST_S, 2.0 ** min(row.wrong - free, 10))
        return max(0.0, row.last + pause - now)
