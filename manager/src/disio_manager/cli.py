"""``disio manager``: the command line of the manager.

Rule: nothing heavy is imported before a command runs; an error is one line on stderr and an exit status.
"""

import sys
from typing import Any

import click


@click.group()
def manager() -> None:
    """Run a manager: it keeps tasks and results, and gives work to distributors."""


@manager.command()
@click.option("--host", help="Address to bind [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="REST port; the next free one when taken [default: 8700].")
@click.option("--zmq-port", type=click.IntRange(0, 65535), help="Port for distributors [default: 8701].")
@click.option("--db", metavar="URL", help="sqlite:PATH or mongodb://... [default: SQLite in the data directory].")
@click.option("--data-dir", metavar="DIR", help="Where keys, tokens and the embedded database lie.")
@click.option("--distributors-max", type=click.IntRange(0), metavar="N", help="Distributors online at a time; 0 = any.")
@click.option("--zeroconf/--no-zeroconf", default=None, help="Announce the manager on the local network.")
@click.option("--zeroconf-interface", multiple=True, metavar="IP", help="Address to announce on; may be repeated.")
@click.option("--webhooks-private", is_flag=True, default=None, help="Let webhooks lead to private networks.")
@click.option("--public-status", is_flag=True, default=None, help="Show everybody at /status what is computed.")
@click.option("--json", "json", is_flag=True, default=None, help="Machine-readable ready line and logs.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]))
def start(**flags: Any) -> None:
    """Start a manager and serve until it is told to stop."""
    from disio_manager.running import run_manager

    flags["zeroconf_interface"] = list(flags["zeroconf_interface"]) or None
    sys.exit(run_manager(flags))
