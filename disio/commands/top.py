"""``disio top``: what the cluster does, live.

Rule: it looks and changes nothing.
"""

from disio import clicking as click
from disio.locating import Seconds, Where, manager_options


@click.command()
@click.option("--interval", type=Seconds(0.2, 3600), default=1.0, show_default=True, metavar="S", help="Between looks.")
@click.option("--once", is_flag=True, help="Show it once and end; off a terminal it always is so.")
@manager_options
def top(interval: float, once: bool, where: Where) -> None:
    """Watch tasks, distributors and clients on one screen: q ends it, p stops it and lets it go on."""
    import sys

    from disio.commands.topping import show_top

    sys.exit(show_top(where, interval, once))
