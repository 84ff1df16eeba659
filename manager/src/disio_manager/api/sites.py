"""Sites: who embeds the distributors, and what comes of it.

Rule: numbers are sums of what distributors counted; lengths of visits are told with their resolution.
"""

from typing import Annotated, TypedDict

import msgspec
from aiohttp import web
from msgspec import Meta

from disio_manager.api.answers import json_answer
from disio_manager.api.context import Context, context_of
from disio_manager.api.problems import BadRequest
from disio_manager.api.queries import Query, next_link
from disio_manager.api.sharing import age_taken
from disio_manager.sites import DAY_S, KEEP_DAYS, Tally
from disio_shared.errors import FieldProblem, NotFoundError
from disio_shared.visit_lengths import RESOLUTION

MAX_SITE = 200
GOOD_S = 10.0
"""Seconds that what was counted may be old for who says so: visits are counted when they end."""


class SiteNotFound(NotFoundError):
    """Nothing was counted of it."""

    kind = "site"


class DaysQuery(Query, kw_only=True, frozen=True):
    """Of how many days."""

    days: Annotated[int, Meta(ge=1, le=KEEP_DAYS, description="Today, UTC, is the first of them")] = 30


class SitesQuery(DaysQuery, kw_only=True, frozen=True):
    """Which page."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Meta(max_length=20, pattern="^[0-9]*$", description="next_cursor of the page before")] = ""


class SiteNumbers(msgspec.Struct, kw_only=True, frozen=True):
    """What was counted."""

    opened: int
    """Consent frames opened."""
    granted: int
    declined: int
    revoked: int
    opt_in_rate: float | None
    """Of those opened, the share that was granted; null when none was opened."""
    visits: int
    """Visits that ended."""
    mean_s: float | None
    """Length of visits."""
    median_s: float | None
    mode_s: float | None
    units: int
    """Results taken from its visitors."""
    unit_seconds: float


class SiteItem(SiteNumbers, kw_only=True, frozen=True):
    """One site."""

    site: str
    """Origin; ``others``: those beyond the limits, together; ``unknown``: of pages that hide their origin."""
    name: str
    """The ``data-site`` told last."""
    active: int
    """Visitors connected now, as this manager knows."""


class SiteDayItem(SiteNumbers, kw_only=True, frozen=True):
    """One day of a site."""

    at: float
    """Its beginning, UTC, seconds since 1970."""


class Snippet(msgspec.Struct, kw_only=True, frozen=True):
    """How to embed one distributor."""

    distributor: str
    name: str
    html: str


class SiteList(msgspec.Struct, kw_only=True, frozen=True):
    """One page of sites, the most visited first."""

    items: list[SiteItem]
    next_cursor: str | None
    total: int
    days: int
    resolution: float
    """Largest relative error of medians and modes."""
    snippets: list[Snippet]
    """Of distributors that are online."""


class Site(SiteItem, kw_only=True, frozen=True):
    """One site with its days."""

    days: list[SiteDayItem]
    """Oldest first; days on which nothing was counted are left out."""
    resolution: float


class _Numbers(TypedDict):
    opened: int
    granted: int
    declined: int
    revoked: int
    opt_in_rate: float | None
    visits: int
    mean_s: float | None
    median_s: float | None
    mode_s: float | None
    units: int
    unit_seconds: float


async def list_sites(request: web.Request, query: SitesQuery) -> web.Response:
    """``GET /api/sites``."""
    context = context_of(request)
    active = context.sites.active(_online(context))
    tallies = list(await _tallies(context, query.days, min(GOOD_S, age_taken(request))))
    known = {each.site for each in tallies}
    tallies += [Tally(site) for site in sorted(active) if site not in known]
    start = int(query.cursor or 0)
    page = tallies[start : start + query.limit]
    cursor = str(start + len(page)) if start + len(page) < len(tallies) else None
    shown = SiteList(
        items=[_item(each, active) for each in page],
        next_cursor=cursor,
        total=len(tallies),
        days=query.days,
        resolution=round(RESOLUTION, 4),
        snippets=_snippets(context),
    )
    return json_answer(shown, headers=next_link(request, cursor))


async def _tallies(context: Context, days: int, good_s: float) -> list[Tally]:
    """Return what was counted, at most some seconds old: of many sites and days that is much to add up."""

    async def make() -> list[Tally]:
        return await context.sites.sites(days)

    return await (context.watching.shared.get(f"sites/{days}", make, good_s) if good_s else make())


async def get_site(request: web.Request, query: DaysQuery) -> web.Response:
    """``GET /api/sites/{site}``."""
    context, site = context_of(request), request.match_info["site"]
    if len(site) > MAX_SITE or not site.isprintable():
        message = f"must be an origin of at most {MAX_SITE} characters"
        raise BadRequest(400, "bad-request", f"site: {message}", [FieldProblem("site", message)])
    active = context.sites.active(_online(context))
    days = await context.sites.days(site, query.days)
    if not days and site not in active:
        raise SiteNotFound(site)
    whole = Tally.sum(site, [tally for _, tally in days])
    rows = [SiteDayItem(at=float(day * DAY_S), **_numbers(tally)) for day, tally in days]
    item = _item(whole, active)
    return json_answer(Site(**msgspec.structs.asdict(item), days=rows, resolution=round(RESOLUTION, 4)))


def _item(tally: Tally, active: dict[str, int]) -> SiteItem:
    return SiteItem(site=tally.site, name=tally.name, active=active.get(tally.site, 0), **_numbers(tally))


def _numbers(tally: Tally) -> _Numbers:
    return {
        "opened": tally.opened,
        "granted": tally.granted,
        "declined": tally.declined,
        "revoked": tally.revoked,
        "opt_in_rate": round(tally.granted / tally.opened, 4) if tally.opened else None,
        "visits": tally.visits,
        "mean_s": round(tally.visit_seconds / tally.visits, 3) if tally.visits else None,
        "median_s": _rounded(tally.median_s),
        "mode_s": _rounded(tally.mode_s),
        "units": tally.units,
        "unit_seconds": round(tally.unit_seconds, 3),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _online(context: Context) -> list[str]:
    return [row.id for row in context.fleet.rows() if row.state not in ("offline", "refused")]


def _snippets(context: Context) -> list[Snippet]:
    found = []
    for row in context.fleet.rows():
        told = context.sites.latest.get(row.id)
        if told is None or not told.loader or row.state in ("offline", "refused"):
            continue
        html = (
            f'<script async src="{row.url.rstrip("/")}{told.loader}" integrity="{told.integrity}"'
            ' crossorigin="anonymous" data-site="my-site"></script>'
        )
        found.append(Snippet(distributor=row.id, name=row.name, html=html))
    return found
