"""Which code the units at hand need, and how far the client is with getting it.

Rule: code is fetched once while any batch needs it, and let go when none does. Pure.
"""

from dataclasses import dataclass

from disio_client.events import Command, FetchCode, ReleaseCode

MAX_TRIES = 5
FIRST_RETRY_S = 0.5


@dataclass(slots=True)
class _Wanted:
    language: str
    tries: int = 0
    retry_at: float | None = 0.0
    """When to fetch; None while a fetch is under way."""


class NeededCode:
    """Hashes of code: wanted, under way, or here."""

    def __init__(self) -> None:
        self.ready: set[str] = set()
        self._wanted: dict[str, _Wanted] = {}

    def need(self, workunit: str, language: str) -> None:
        """Note that a batch needs this code."""
        if workunit not in self.ready:
            self._wanted.setdefault(workunit, _Wanted(language))

    def arrived(self, workunit: str) -> None:
        """Note that the code is here."""
        if self._wanted.pop(workunit, None) is not None:
            self.ready.add(workunit)

    def missing(self, workunit: str, is_final: bool, now: float) -> bool:
        """Note a fetch that failed; return whether another one follows."""
        wanted = self._wanted.get(workunit)
        if wanted is None:
            return True
        wanted.tries += 1
        if is_final or wanted.tries >= MAX_TRIES:
            del self._wanted[workunit]
            return False
        wanted.retry_at = now + FIRST_RETRY_S * 2.0**wanted.tries
        return True

    def commands(self, needed: set[str], now: float) -> list[Command]:
        """Return the fetches that are due and the code that no batch needs any more."""
        out: list[Command] = []
        if not self._wanted and self.ready <= needed:
            return out
        for workunit in [w for w in self.ready if w not in needed]:
            self.ready.discard(workunit)
            out.append(ReleaseCode(workunit))
        # A fetch under way is waited for even if nobody needs it now: there is never a second one beside it.
        for workunit in [w for w, wanted in self._wanted.items() if wanted.retry_at is not None and w not in needed]:
            del self._wanted[workunit]
        for workunit, wanted in self._wanted.items():
            if wanted.retry_at is not None and wanted.retry_at <= now:
                wanted.retry_at = None
                out.append(FetchCode(workunit, wanted.language))
        return out

    def next_deadline(self) -> float | None:
        """Return when the next fetch is due."""
        if not self._wanted:
            return None
        return min((w.retry_at for w in self._wanted.values() if w.retry_at is not None), default=None)
