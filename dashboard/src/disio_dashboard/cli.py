"""``disio dashboard``.

Rule: stdout carries the one ``ready`` line and nothing else; people's messages go to stderr.
"""

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from disio_shared.errors import ConfigError, DisioError

if TYPE_CHECKING:
    from disio_dashboard.settings import Settings

EXIT_FAILURE, EXIT_USAGE = 1, 2


@click.group()
def dashboard() -> None:
    """Run the dashboard, where people create tasks and watch them."""


@dashboard.command()
@click.option(
    "--manager",
    metavar="URL|local|zeroconf",
    multiple=True,
    help="The manager to show, by default the one on this machine (local); several may be given.",
)
@click.option("--token-file", metavar="FILE", help="The first manager's admin.token; default: the data directory's.")
@click.option("--host", help="Address to bind (127.0.0.1).")
@click.option("--port", type=int, help="First port to try (8720).")
@click.option("--public-url", metavar="URL", help="What people type when a proxy stands in front.")
@click.option("--zeroconf-interface", metavar="IP", help="IPv4 address on which managers are looked for.")
@click.option("--data-dir", metavar="DIR", help="Where disio keeps data on this machine.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error (info).")
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as a JSON object.")
def start(as_json: bool, **flags: Any) -> None:
    """Serve the dashboard until it is interrupted.

    Each option may also be set as DISIO_<NAME> in the environment or under [dashboard] in disio.toml.
    """
    flags["manager"] = list(flags["manager"]) or None
    from disio_dashboard.settings import Settings  # quick --help: no server imports
    from disio_shared.config import load_settings
    from disio_shared.logs import set_up_logs

    try:
        settings = load_settings(Settings, "dashboard", flags)
        set_up_logs(settings.log_level)
        asyncio.run(_serve(settings, as_json))
    except ConfigError as error:
        _fail(error, EXIT_USAGE, as_json)
    except DisioError as error:
        _fail(error, EXIT_FAILURE, as_json)


async def _serve(settings: "Settings", as_json: bool) -> None:
    from disio_dashboard.app import DashboardApp

    app = DashboardApp(settings)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    url = await app.start()
    try:
        link = app.login_link()
        ready = {"ready": "dashboard", "url": url, "login_url": link}
        click.echo(json.dumps(ready) if as_json else f"ready dashboard {url}")
        if not as_json:
            click.echo(_invitation(link), err=True)
        await stopped.wait()
    finally:
        await app.stop()


def _invitation(link: str) -> str:
    if "?once=" in link:
        return f"Sign in (works once, for 10 minutes): {link}"
    return f"Sign in with the manager's admin token: {link}"


def _fail(error: DisioError, status: int, as_json: bool) -> None:
    from disio_shared.problem_lines import problem_line

    click.echo(problem_line(error, status) if as_json else f"disio dashboard: {error}", err=True)
    sys.exit(status)
