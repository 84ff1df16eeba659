"""Checks of what distributors count of sites.

Rule: as in ``checks``: a distributor that tells nonsense loses its session, and nothing of it is stored.
"""

import math

from disio_shared.errors import MalformedMessage
from disio_shared.messages import SiteDay, Sites
from disio_shared.visit_lengths import BINS

MAX_ROWS, MAX_SITE, MAX_NAME, MAX_COUNT = 1_000, 200, 200, 1 << 53


def check_sites(told: Sites) -> None:
    """Check a message.

    Raises:
        MalformedMessage: It holds what no honest distributor sends.
    """
    _require(len(told.rows) <= MAX_ROWS and len(told.active) <= MAX_ROWS, "sites: too many")
    _require(all(len(site) <= MAX_SITE and site.isprintable() for site in told.active), "sites: name")
    _require(all(0 <= count <= MAX_COUNT for count in told.active.values()), "sites: active")
    texts = (told.loader, told.integrity)
    _require(all(len(text) <= MAX_NAME and text.isprintable() for text in texts), "sites: loader")
    for row in told.rows:
        _check_row(row)


def _check_row(row: SiteDay) -> None:
    _require(0 < len(row.site) <= MAX_SITE and row.site.isprintable(), "sites: site")
    _require(len(row.name) <= MAX_NAME and len(row.lengths) <= BINS, "sites: row")
    counts = (row.version, row.opened, row.granted, row.declined, row.revoked, row.visits, row.units, *row.lengths)
    _require(all(0 <= count <= MAX_COUNT for count in counts) and 0 <= row.day <= 1_000_000, "sites: number")
    times = (row.visit_seconds, row.unit_seconds)
    _require(all(math.isfinite(seconds) and seconds >= 0 for seconds in times), "sites: seconds")


def _require(is_fine: bool, what: str) -> None:
    if not is_fine:
        raise MalformedMessage(what)
