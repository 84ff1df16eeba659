"""Sites: what distributors tell of the pages that embed them, put together.

Rule: rows are stored as they come and added up when somebody asks; ``KEEP_DAYS`` days are kept, and of more than
``MAX_SITES`` sites the least visited are shown together as ``others``.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from disio_manager.stores.base import ManagerStore
from disio_shared.clock import Clock
from disio_shared.errors import DisioError
from disio_shared.messages import SiteDay, Sites
from disio_shared.visit_lengths import median_of, merged, mode_of

KEEP_DAYS = 90
MAX_SITES = 1_000
MAX_WAITING = 256
"""Messages that wait to be stored; of more the oldest is dropped: the distributor tells everything again."""
TIDY_S = 3_600.0
OTHERS = "others"
DAY_S = 86_400
NUMBERS = ("opened", "granted", "declined", "revoked", "visits", "units", "visit_seconds", "unit_seconds")


@dataclass(slots=True)
class Tally:
    """What was counted of one site, on some days."""

    site: str
    name: str = ""
    opened: int = 0
    granted: int = 0
    declined: int = 0
    revoked: int = 0
    visits: int = 0
    visit_seconds: float = 0.0
    units: int = 0
    unit_seconds: float = 0.0
    lengths: list[int] = field(default_factory=list)

    @classmethod
    def sum(cls, site: str, rows: "Sequence[SiteDay | Tally]") -> "Tally":
        """Return what was counted in different places and on different days, together."""
        whole = cls(site, lengths=merged(row.lengths for row in rows))
        for name in NUMBERS:
            setattr(whole, name, sum(getattr(row, name) for row in rows))
        whole.name = next((row.name for row in reversed(rows) if row.name), "")
        return whole

    @property
    def median_s(self) -> float | None:
        """Median length of visits, to within the histogram's resolution."""
        return median_of(self.lengths)

    @property
    def mode_s(self) -> float | None:
        """Most frequent length of visits."""
        return mode_of(self.lengths)


class SiteBook:
    """The sites of one cluster.

    Args:
        store: Where rows are.
        clock: Wall time for days.
    """

    def __init__(self, store: ManagerStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._waiting: asyncio.Queue[tuple[str, list[SiteDay]]] = asyncio.Queue(MAX_WAITING)
        self.latest: dict[str, Sites] = {}
        """Distributor to what it told last, without rows."""

    def take(self, distributor: str, told: Sites) -> None:
        """Take in what a distributor tells; it is stored soon."""
        self.latest[distributor] = Sites(active=told.active, loader=told.loader, integrity=told.integrity)
        if not told.rows:
            return
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait((distributor, told.rows))

    async def run(self) -> None:
        """Store what comes, until cancelled; what the database does not take is told again by its distributor."""
        loop = asyncio.get_running_loop()
        tidy_at = loop.time()
        while True:
            with contextlib.suppress(TimeoutError, DisioError):
                async with asyncio.timeout(max(0.1, tidy_at - loop.time())):
                    distributor, rows = await self._waiting.get()
                await self._store.sites.put(distributor, self._sane(rows))
            if loop.time() >= tidy_at:
                tidy_at = loop.time() + TIDY_S
                with contextlib.suppress(DisioError):
                    await self._store.sites.drop_before(self.today() - KEEP_DAYS + 1)

    def today(self) -> int:
        """Return the days since 1970-01-01 UTC."""
        return int(self._clock.wall() // DAY_S)

    def active(self, online: Iterable[str]) -> dict[str, int]:
        """Return the visitors of each site who are connected to one of these distributors."""
        found: dict[str, int] = {}
        for distributor in online:
            told = self.latest.get(distributor)
            for site, count in told.active.items() if told is not None else ():
                found[site] = found.get(site, 0) + count
        return found

    async def sites(self, days: int) -> list[Tally]:
        """Return what was counted of each site in the last days, the most visited first.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        rows = await self._store.sites.since(self.today() - days + 1)
        return await asyncio.to_thread(_ranked, rows)

    async def days(self, site: str, days: int) -> list[tuple[int, Tally]]:
        """Return what was counted of a site on each of the last days on which anything was, oldest first.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        found: dict[int, list[SiteDay]] = {}
        for row in await self._store.sites.of(site, self.today() - days + 1):
            found.setdefault(row.day, []).append(row)
        return [(day, Tally.sum(site, rows)) for day, rows in sorted(found.items())]

    def _sane(self, rows: list[SiteDay]) -> list[SiteDay]:
        """Return the rows of days that are kept and have come; a clock may be a day wrong."""
        today = self.today()
        return [row for row in rows if today - KEEP_DAYS < row.day <= today + 1]


def _ranked(rows: Sequence[SiteDay]) -> list[Tally]:
    """Return the sites, the most visited first; those beyond the limit together."""
    found: dict[str, list[SiteDay]] = {}
    for row in rows:
        found.setdefault(row.site, []).append(row)
    tallies = [Tally.sum(site, own) for site, own in found.items()]
    ranked = sorted(tallies, key=lambda each: (each.site == OTHERS, -each.visits, -each.opened, each.site))
    if len(ranked) <= MAX_SITES:
        return ranked
    others = Tally.sum(OTHERS, ranked[MAX_SITES - 1 :])
    others.name = ""
    return [*ranked[: MAX_SITES - 1], others]
