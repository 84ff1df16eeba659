"""``disio fleet``: who computes.

Rule: it shows what the manager knows of distributors and their clients, and changes nothing.
"""

from disio import clicking as click
from disio.locating import Where, manager_options


@click.command()
@click.option(
    "--by",
    type=click.Choice(["distributor", "kind", "version"]),
    default="distributor",
    show_default=True,
    help="What a line is about.",
)
@click.option("--clients", "by_client", is_flag=True, help="A line for each client, by distributor.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, metavar="N", help="Clients at most.")
@manager_options
def fleet(by: str, by_client: bool, limit: int, where: Where) -> None:
    """Show managers, distributors and how many clients they have, or with --clients these."""
    import sys

    from disio.commands.mustering import show_clients, show_fleet

    if by_client:
        sys.exit(show_clients(where, limit))

    sys.exit(show_fleet(where, by))
