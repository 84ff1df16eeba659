"""``disio config``: the settings of services in ``disio.toml``.

Rule: it shows what a service started here would take, and where from; it changes the file and nothing else.
"""

from disio import clicking as click
from disio.locating import json_option


@click.group()
def config() -> None:
    """Settings of services: flags over DISIO_* environment over disio.toml over defaults.

    A NAME is a service, a dot and a setting: `manager.port`, `distributor.max_clients`, `client.cores`.
    """


@config.command()
@click.argument("service", required=False, type=click.Choice(["manager", "distributor", "dashboard", "client"]))
@click.option("--origin", is_flag=True, help="Show where each comes from; those at their defaults too.")
@json_option()
def show(service: str | None, origin: bool, as_json: bool) -> None:
    """Show the settings that are not at their defaults, or with --origin all of them."""
    import sys

    from disio.commands.configuring import show_settings

    sys.exit(show_settings(service, origin, as_json))


@config.command()
@click.argument("name")
@json_option()
def get(name: str, as_json: bool) -> None:
    """Print one setting."""
    import sys

    from disio.commands.configuring import get_setting

    sys.exit(get_setting(name, as_json))


@config.command("set")
@click.argument("name")
@click.argument("value")
@json_option()
def set_value(name: str, value: str, as_json: bool) -> None:
    """Write one setting into disio.toml, comments and order kept. VALUE is checked first."""
    import sys

    from disio.commands.configuring import set_setting

    sys.exit(set_setting(name, value, as_json))


@config.command()
@json_option()
def path(as_json: bool) -> None:
    """Print which file is read: DISIO_CONFIG, or disio.toml in the working directory."""
    import sys

    from disio.commands.configuring import print_path

    sys.exit(print_path(as_json))
