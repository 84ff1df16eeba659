"""``disio keys``: the secrets of a manager's data directory.

Rule: none of them is ever printed; a new one takes the place of the old one whole, and never under a service at work.
"""

from pathlib import Path

from disio import clicking as click
from disio.locating import data_dir_option, json_option

ROTATED = ("admin", "join")


@click.group()
def keys() -> None:
    """The secrets in a manager's data directory: who may command it, and who may join it."""


@keys.command()
@data_dir_option("Where a manager of this machine keeps them.")
@json_option()
def show(data_dir: Path | None, as_json: bool) -> None:
    """Show which there are, by their files and fingerprints: two that are the same have the same."""
    import sys

    from disio.commands.keying import show_keys

    sys.exit(show_keys(data_dir, as_json))


@keys.command()
@click.argument("name", type=click.Choice(ROTATED))
@data_dir_option("Where a manager of this machine keeps them.")
@json_option()
def rotate(name: str, data_dir: Path | None, as_json: bool) -> None:
    """Make a new token: `admin` is what people and programs show, `join` what distributors show.

    The manager of this data directory must be stopped; the old token is worth nothing from its next start on.
    """
    import sys

    from disio.commands.keying import rotate_key

    sys.exit(rotate_key(name, data_dir, as_json))
