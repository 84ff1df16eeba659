"""``disio fleet``: who computes, and what operators want of them.

Rule: by itself it shows and changes nothing; every change is one command that can be undone by another.
"""

import sys
from typing import Any

from disio import clicking as click
from disio.locating import Where, manager_options


@click.group(invoke_without_command=True)
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
@click.pass_context
def fleet(context: Any, by: str, by_client: bool, limit: int, where: Where) -> None:
    """Show managers, distributors and how many clients they have, or with --clients these.

    DISTRIBUTOR is an id or a name. What is wanted of one holds until it is undone, restarts included.
    """
    if context.invoked_subcommand is not None:
        return
    from disio.commands.mustering import show_clients, show_fleet

    if by_client:
        sys.exit(show_clients(where, limit))

    sys.exit(show_fleet(where, by))


the_distributor = click.argument("distributor", metavar="DISTRIBUTOR")
the_client = click.argument("client", metavar="CLIENT")
why = click.option("--reason", default="", metavar="TEXT", help="What volunteers are told.")
one_task = click.option("--task", default="", metavar="TASK", help="Of this task alone, by its id.")


@fleet.command()
@the_distributor
@why
@manager_options
def drain(distributor: str, reason: str, where: Where) -> None:
    """Move the clients of a distributor away and give its work back, until `undrain`."""
    _order(where, distributor, "drain", reason=reason)


@fleet.command()
@the_distributor
@manager_options
def undrain(distributor: str, where: Where) -> None:
    """Have a drained distributor take clients and work again."""
    _order(where, distributor, "undrain")


@fleet.command()
@the_distributor
@why
@manager_options
def pause(distributor: str, reason: str, where: Where) -> None:
    """Have a distributor hand out nothing more, until `resume`; what runs finishes."""
    _order(where, distributor, "pause", reason=reason)


@fleet.command()
@the_distributor
@one_task
@why
@manager_options
def stop(distributor: str, task: str, reason: str, where: Where) -> None:
    """Stop what the clients of a distributor run, until `resume`; others compute it, nothing is lost."""
    _order(where, distributor, "stop", task=task, reason=reason)


@fleet.command()
@the_distributor
@one_task
@manager_options
def resume(distributor: str, task: str, where: Where) -> None:
    """End a pause and every stop, or the stop of one task."""
    _order(where, distributor, "resume", task=task)


@fleet.command()
@the_distributor
@click.option("--clients", type=click.IntRange(0), default=0, metavar="N", help="Clients at most; 0 = as started.")
@click.option("--slots", type=click.IntRange(0), default=0, metavar="N", help="Units at a time; 0 = any number.")
@manager_options
def cap(distributor: str, clients: int, slots: int, where: Where) -> None:
    """Limit the clients of a distributor, and the units that they run at a time."""
    from disio.commands.ordering import limit

    sys.exit(limit(where, distributor, clients, slots))


@fleet.command()
@the_client
@click.option("--reason", default="", metavar="TEXT", help="For operators; the client is told only that it is blocked.")
@manager_options
def block(client: str, reason: str, where: Where) -> None:
    """Keep a client out of every distributor, by its id."""
    from disio.commands.ordering import block_client

    sys.exit(block_client(where, client, reason))


@fleet.command()
@the_client
@manager_options
def unblock(client: str, where: Where) -> None:
    """Let a client in again."""
    from disio.commands.ordering import unblock_client

    sys.exit(unblock_client(where, client))


@fleet.command()
@manager_options
def blocked(where: Where) -> None:
    """List the clients that are kept out."""
    from disio.commands.ordering import show_blocked

    sys.exit(show_blocked(where))


def _order(where: Where, distributor: str, verb: str, **query: str) -> None:
    from disio.commands.ordering import order

    sys.exit(order(where, distributor, verb, query))
