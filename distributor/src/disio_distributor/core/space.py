"""How full the cache is, and what that allows.

Rule: handing out work stops well before taking results does, so that what was handed out still finds room.
"""

from disio_distributor.core.settings import CoreSettings


class Space:
    """The cache's space: what was measured last, and what was added since."""

    def __init__(self, settings: CoreSettings) -> None:
        self._settings = settings
        self._used = self._limit = 0
        self._entries = 0
        self.leases = True
        """New work may be asked for and handed out, and saved states are kept."""

    @property
    def share(self) -> float:
        """Share that is used, 0 to 1; 0 while nothing was measured."""
        of_bytes = min(1.0, self._used / self._limit) if self._limit > 0 else 0.0
        return max(of_bytes, min(1.0, self._entries / self._settings.max_outbox_entries))

    @property
    def takes_results(self) -> bool:
        """Whether results are taken in."""
        return self.share < self._settings.space_full

    def seen(self, used: int, limit: int) -> None:
        """Take in a measurement: bytes used, and bytes that may be used (at least 1)."""
        self._used, self._limit = used, max(1, limit)
        self._review()

    def grew(self, added: int, entries: int) -> None:
        """Count what was written since the measurement: its bytes, and how many entries the outbox has now."""
        self._used += added
        self._entries = entries
        self._review()

    def reason(self) -> str:
        """Return in a sentence why nothing is handed out."""
        share = round(self.share * 100)
        return f"the distributor's cache is {share} % full: no new work until a manager has taken results"

    def _review(self) -> None:
        bound = self._settings.space_stop if self.leases else self._settings.space_start
        self.leases = self.share < bound
