"""``disio login``, ``logout`` and ``whoami``: as whom commands call a manager.

Rule: a password is asked for or read from a file, and never an argument, which others of the machine could see.
"""

from disio import clicking as click
from disio.locating import Where, manager_options


@click.command()
@click.argument("name")
@click.option("--password-file", metavar="FILE", help="Holds the password; - = stdin [default: it is asked for].")
@manager_options
def login(name: str, password_file: str | None, where: Where) -> None:
    """Sign in as NAME; from then on commands call the manager with that session."""
    import sys

    from disio.commands.signing import sign_in

    sys.exit(sign_in(where, name, password_file))


@click.command()
@manager_options
def logout(where: Where) -> None:
    """End the session that `disio login` began; with none nothing happens."""
    import sys

    from disio.commands.signing import sign_out

    sys.exit(sign_out(where))


@click.command()
@manager_options
def whoami(where: Where) -> None:
    """Show who the manager takes you for, and what you may."""
    import sys

    from disio.commands.signing import show_who

    sys.exit(show_who(where))
