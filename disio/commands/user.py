"""``disio user``: users and their roles.

Rule: a password is asked for or read from a file, and never an argument.
"""

from disio import clicking as click
from disio.locating import Where, manager_options

ROLES = click.Choice(["viewer", "researcher", "operator", "admin"])
FILE = "Holds the password; - = stdin [default: it is asked for]."


@click.group()
def user() -> None:
    """Users: viewers look, researchers work on their tasks, operators on all and the fleet, admins on users."""


@user.command()
@click.argument("name")
@click.option("--role", type=ROLES, default="viewer", show_default=True, help="What they may.")
@click.option("--password-file", metavar="FILE", help=FILE)
@manager_options
def add(name: str, role: str, password_file: str | None, where: Where) -> None:
    """Make the user NAME."""
    import sys

    from disio.commands.peopling import add_user

    sys.exit(add_user(where, name, role, password_file))


@user.command("list")
@manager_options
def list_users(where: Where) -> None:
    """Show every user."""
    import sys

    from disio.commands.peopling import show_users

    sys.exit(show_users(where))


@user.command()
@click.argument("name")
@click.argument("role", type=ROLES)
@manager_options
def role(name: str, role: str, where: Where) -> None:
    """Give NAME another ROLE; their sessions end."""
    import sys

    from disio.commands.peopling import change_user

    sys.exit(change_user(where, name, {"role": role}))


@user.command()
@click.argument("name")
@click.option("--password-file", metavar="FILE", help=FILE)
@manager_options
def password(name: str, password_file: str | None, where: Where) -> None:
    """Give NAME another password; their sessions end. Your own you change on the dashboard's Settings page."""
    import sys

    from disio.commands.peopling import change_password

    sys.exit(change_password(where, name, password_file))


@user.command()
@click.argument("name")
@manager_options
def disable(name: str, where: Where) -> None:
    """Let NAME sign in no more, until `enable`; their API tokens rest."""
    import sys

    from disio.commands.peopling import change_user

    sys.exit(change_user(where, name, {"disabled": True}))


@user.command()
@click.argument("name")
@manager_options
def enable(name: str, where: Where) -> None:
    """Let NAME sign in again."""
    import sys

    from disio.commands.peopling import change_user

    sys.exit(change_user(where, name, {"disabled": False}))


@user.command()
@click.argument("name")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@manager_options
def remove(name: str, is_sure: bool, where: Where) -> None:
    """Remove NAME with sessions and API tokens; their tasks stay."""
    import sys

    from disio.commands.peopling import remove_user

    sys.exit(remove_user(where, name, is_sure))
