"""``disio sites``: who embeds the distributors, and how long visitors stay.

Rule: it changes nothing.
"""

import sys

from disio import clicking as click
from disio.locating import Where, manager_options


@click.command()
@click.argument("site", required=False, metavar="[SITE]")
@click.option(
    "--days", type=click.IntRange(1, 90), default=30, show_default=True, metavar="N", help="Of the last N days."
)
@manager_options
def sites(site: str | None, days: int, where: Where) -> None:
    """Show the sites that embed distributors, or the days of one SITE (its origin)."""
    from disio.commands.visiting import show_site, show_sites

    sys.exit(show_sites(where, days) if site is None else show_site(where, site, days))
