"""What ``disio sites`` asks and prints.

Rule: lengths of visits are told with how exact they are.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import click

from disio import shapes
from disio.commands.asking import ask
from disio.locating import Where
from disio.printing import emit, tell
from disio.rest import ManagerClient
from disio.showing import ago, columns, printable

Row = dict[str, Any]
HEAD = ("OPENED", "STARTED", "OPT-IN", "VISITS", "MEAN", "MEDIAN", "MODE", "UNITS")


def show_sites(where: Where, days: int) -> int:
    """Print the sites; return the exit status.

    Raises:
        DisioError: The manager is away or refuses.
    """
    known = ask(where, lambda manager: _all(manager, days))
    if where.as_json:
        emit(shapes.Sites, known)
        return 0
    rows = [(printable(row["site"]), str(row["active"]), *_numbers(row)) for row in known["items"]]
    for line in columns([("SITE", "NOW", *HEAD), *rows] if rows else []):
        click.echo(line)
    tell(f"{known['total']} sites in {days} days; medians and modes are right to within {known['resolution']:.0%}")
    return 0


def show_site(where: Where, site: str, days: int) -> int:
    """Print the days of a site; return the exit status.

    Raises:
        DisioError: The manager is away or refuses, or nothing was counted of it.
    """
    path = f"/api/sites/{quote(site, safe='')}?{urlencode({'days': days})}"
    known: Row = ask(where, lambda manager: manager.json("GET", path))
    if where.as_json:
        emit(shapes.SiteDays, known)
        return 0
    rows = [(datetime.fromtimestamp(row["at"], UTC).date().isoformat(), *_numbers(row)) for row in known["days"]]
    for line in columns([("DAY", *HEAD), *rows, ("all", *_numbers(known))]):
        click.echo(line)
    return 0


async def _all(manager: ManagerClient, days: int) -> Row:
    items: list[Row] = []
    cursor: str | None = ""
    page: Row = {}
    while cursor is not None:
        page = await manager.json("GET", f"/api/sites?{urlencode({'days': days, 'limit': 1000, 'cursor': cursor})}")
        items += page["items"]
        cursor = page["next_cursor"]
    return {**page, "items": items}


def _numbers(row: Row) -> tuple[str, ...]:
    rate = row["opt_in_rate"]
    lengths = (ago(row[name]) if row[name] is not None else "-" for name in ("mean_s", "median_s", "mode_s"))
    told = "-" if rate is None else f"{rate:.0%}"
    return (str(row["opened"]), str(row["granted"]), told, str(row["visits"]), *lengths, str(row["units"]))
