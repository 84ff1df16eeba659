"""``disio token``: API tokens for programs.

Rule: a secret is printed once, when it is made.
"""

from disio import clicking as click
from disio.locating import Where, manager_options


@click.group()
def token() -> None:
    """API tokens: for programs, with a role and an end."""


@token.command()
@click.argument("label")
@click.option(
    "--role",
    type=click.Choice(["viewer", "researcher", "operator", "admin"]),
    default="viewer",
    show_default=True,
    help="What it may; never more than you may.",
)
@click.option("--days", type=click.FloatRange(0, 3660, min_open=True), default=90.0, show_default=True, metavar="N")
@manager_options
def create(label: str, role: str, days: float, where: Where) -> None:
    """Make a token for LABEL and print its secret, which is shown this once."""
    import sys

    from disio.commands.peopling import create_token

    sys.exit(create_token(where, label, role, days))


@token.command("list")
@click.option("--all", "of_all", is_flag=True, help="Those of everybody, for admins.")
@manager_options
def list_tokens(of_all: bool, where: Where) -> None:
    """Show your tokens, without their secrets."""
    import sys

    from disio.commands.peopling import show_tokens

    sys.exit(show_tokens(where, of_all))


@token.command()
@click.argument("id")
@manager_options
def revoke(id: str, where: Where) -> None:
    """Make the token ID worth nothing."""
    import sys

    from disio.commands.peopling import revoke_token

    sys.exit(revoke_token(where, id))
