"""What is counted of the sites that embed this distributor: frames opened, answers, visits, units.

Rule: pure, and bounded: at most ``MAX_SITES`` sites a day, the rest is counted together as ``others``; ``KEEP_DAYS``
days; ``MAX_VISITS`` visits at a time. Nothing of a visitor is in it but the length of the visit.
"""

import math
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from disio_shared.messages import SiteDay
from disio_shared.visit_lengths import BINS, bin_of

MAX_SITES = 200
KEEP_DAYS = 3
"""Managers keep them longer."""
MAX_VISITS = 100_000
GRACE_S = 30.0
"""A visitor whose connection broke is still on the same visit when it is back within this time."""
OTHERS, UNKNOWN = "others", "unknown"
DAY_S = 86_400.0
MAX_ORIGIN = 200
ANSWERS = ("granted", "declined", "revoked")


@dataclass(slots=True)
class _Counts:
    """One row that grows."""

    site: str
    day: int
    version: int = 0
    name: str = ""
    opened: int = 0
    granted: int = 0
    declined: int = 0
    revoked: int = 0
    visits: int = 0
    visit_seconds: float = 0.0
    lengths: list[int] = field(default_factory=lambda: [0] * BINS)
    units: int = 0
    unit_seconds: float = 0.0


@dataclass(slots=True)
class _Visit:
    site: str
    began: float
    sessions: int = 1
    left: float | None = None
    """Since when it has no session."""


class Visits:
    """Counts of all sites.

    Args:
        rows: As they were kept.
    """

    def __init__(self, rows: list[SiteDay]) -> None:
        self._rows: dict[tuple[int, str], _Counts] = {}
        self._dirty: dict[tuple[int, str], None] = {}
        self._visits: dict[str, _Visit] = {}
        for row in rows:
            lengths = [*row.lengths[:BINS], *[0] * (BINS - len(row.lengths))]
            counts = {name: getattr(row, name) for name in SiteDay.__struct_fields__} | {"lengths": lengths}
            self._rows[row.day, row.site] = _Counts(**counts)

    def opened(self, origin: str, wall: float) -> None:
        """Count a consent frame that was fetched for a page."""
        self._row(site_of(origin), wall).opened += 1

    def answered(self, origin: str, answer: str, wall: float) -> None:
        """Count what a visitor answered: one of ``ANSWERS``."""
        row = self._row(site_of(origin), wall)
        setattr(row, answer, getattr(row, answer) + 1)

    def came(self, client: str, origin: str, name: str, now: float, wall: float) -> None:
        """Begin a visit, or go on with the one that was broken off a moment ago."""
        visit = self._visits.get(client)
        if visit is not None:
            visit.sessions += 1
            visit.left = None
        elif len(self._visits) < MAX_VISITS:
            self._visits[client] = _Visit(site_of(origin), now)
            row = self._row(site_of(origin), wall)
            row.name = name or row.name

    def went(self, client: str, now: float) -> None:
        """Note that a connection of a visitor ended."""
        visit = self._visits.get(client)
        if visit is not None:
            visit.sessions -= 1
            if visit.sessions <= 0:
                visit.left = now

    def worked(self, client: str, units: int, seconds: float, wall: float) -> None:
        """Count results that were taken from a visitor."""
        visit = self._visits.get(client)
        if visit is not None and units > 0:
            row = self._row(visit.site, wall)
            row.units += units
            row.unit_seconds += seconds if math.isfinite(seconds) and 0 <= seconds <= DAY_S * units else 0.0

    def tick(self, now: float, wall: float, is_last: bool = False) -> None:
        """End visits whose visitor did not come back, all of them when the process ends; forget old days."""
        for client, visit in list(self._visits.items()):
            end = now if is_last and visit.left is None else visit.left
            if end is None or (not is_last and now - end < GRACE_S):
                continue
            del self._visits[client]
            row = self._row(visit.site, wall)
            row.visits += 1
            row.visit_seconds += max(0.0, end - visit.began)
            row.lengths[bin_of(end - visit.began)] += 1
        oldest = self.oldest(wall)
        for key in [key for key in self._rows if key[0] < oldest]:
            del self._rows[key]
            self._dirty.pop(key, None)

    @staticmethod
    def oldest(wall: float) -> int:
        """Return the oldest day that is kept."""
        return int(wall // DAY_S) - KEEP_DAYS + 1

    def changed(self) -> list[SiteDay]:
        """Return the rows that changed since this was asked last, each with a new version."""
        found = [self._rows[key] for key in self._dirty]
        self._dirty.clear()
        for row in found:
            row.version += 1
        return [_told(row) for row in found]

    def again(self, rows: list[SiteDay]) -> None:
        """Take rows for changed once more: they could not be kept."""
        self._dirty.update(dict.fromkeys((row.day, row.site) for row in rows if (row.day, row.site) in self._rows))

    def rows(self) -> list[SiteDay]:
        """Return everything."""
        return [_told(row) for row in self._rows.values() if row.version]

    def active(self) -> dict[str, int]:
        """Return how many visitors of each site are connected."""
        found: dict[str, int] = {}
        for visit in self._visits.values():
            if visit.left is None:
                found[visit.site] = found.get(visit.site, 0) + 1
        largest = sorted(found, key=lambda site: -found[site])
        for site in largest[MAX_SITES:]:
            found[OTHERS] = found.get(OTHERS, 0) + found.pop(site)
        return found

    def _row(self, site: str, wall: float) -> _Counts:
        day = int(wall // DAY_S)
        row = self._rows.get((day, site))
        if row is None and sum(key[0] == day for key in self._rows) >= MAX_SITES:
            site = OTHERS
            row = self._rows.get((day, site))
        if row is None:
            row = self._rows[day, site] = _Counts(site, day)
        self._dirty[day, site] = None
        return row


def site_of(origin: str) -> str:
    """Return the site of an origin or URL: scheme, host and port; ``unknown`` when it is none of the web."""
    try:
        parts = urlsplit(origin[: 10 * MAX_ORIGIN])
    except ValueError:
        return UNKNOWN
    site = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
    is_web = parts.scheme in ("http", "https") and parts.netloc
    return site if is_web and len(site) <= MAX_ORIGIN and site.isascii() and site.isprintable() else UNKNOWN


def _told(row: _Counts) -> SiteDay:
    values = {name: getattr(row, name) for name in SiteDay.__struct_fields__}
    return SiteDay(**(values | {"lengths": list(row.lengths)}))
