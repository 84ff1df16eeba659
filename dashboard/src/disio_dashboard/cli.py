"""``disio dashboard``.

Rule: stdout carries the one ``ready`` line and nothing else; people's messages go to stderr.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from disio_shared.errors import ConfigError, DisioError

if TYPE_CHECKING:
    from disio_dashboard.settings import Settings

EXIT_FAILURE, EXIT_USAGE = 1, 2


@click.group()
def dashboard() -> None:
    """Run the dashboard, where people create tasks and watch them."""


@dashboard.command()
@click.option("--manager", envvar="DISIO_MANAGER", metavar="URL|zeroconf", help="The manager to show.")
@click.option("--token-file", envvar="DISIO_TOKEN_FILE", type=click.Path(path_type=Path), help="Its admin.token.")
@click.option("--host", envvar="DISIO_DASHBOARD_HOST", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", envvar="DISIO_DASHBOARD_PORT", default=8720, show_default=True, help="First port to try.")
@click.option("--public-url", envvar="DISIO_DASHBOARD_PUBLIC_URL", metavar="URL", help="What people type, if a proxy.")
@click.option("--data-dir", envvar="DISIO_DATA_DIR", type=click.Path(path_type=Path), help="Where disio keeps data.")
@click.option("--json", "as_json", is_flag=True, envvar="DISIO_JSON", help="Print the ready line as a JSON object.")
def start(
    manager: str | None,
    token_file: Path | None,
    host: str,
    port: int,
    public_url: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Serve the dashboard until it is interrupted."""
    from disio_dashboard.settings import Settings, default_data_dir, read_token  # quick --help: no server imports

    try:
        directory = data_dir or default_data_dir()
        settings = Settings(
            data_dir=directory,
            manager=manager,
            token=read_token(token_file, directory),
            host=host,
            port=port,
            public_url=public_url,
        )
        asyncio.run(_serve(settings, as_json))
    except ConfigError as error:
        _fail(error, EXIT_USAGE)
    except DisioError as error:
        _fail(error, EXIT_FAILURE)


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
        click.echo(_invitation(link, settings.token is not None), err=True)
        await stopped.wait()
    finally:
        await app.stop()


def _invitation(link: str, has_token: bool) -> str:
    if has_token:
        return f"Sign in (works once, for 10 minutes): {link}"
    return f"Sign in with the manager's admin token: {link}"


def _fail(error: DisioError, status: int) -> None:
    click.echo(f"disio dashboard: {error}", err=True)
    sys.exit(status)
