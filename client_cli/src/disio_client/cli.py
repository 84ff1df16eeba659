"""``disio client`` and ``disio-client``: lend this machine's cores to a distributor.

Rule: stdout carries the ready line and nothing else; nothing heavy is imported before a command runs.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from disio_client.app import ClientApp

EXIT_OK, EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


def _check_url(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        place = urlsplit(value)
        is_fine = place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:
        is_fine = False
    if not is_fine:
        raise click.BadParameter(f"{value!r} is no URL; write http://HOST:PORT")
    return value


def _with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a client."""
    options = [
        click.option(
            "--distributor",
            metavar="URL",
            required=True,
            envvar="DISIO_DISTRIBUTOR",
            callback=_check_url,
            help="Where the work comes from.",
        ),
        click.option("--cores", type=click.IntRange(1, 1024), envvar="DISIO_CORES", help="Cores to lend; default all."),
        click.option("--name", default="", envvar="DISIO_NAME", help="What people see this machine as."),
        click.option(
            "--data-dir", type=click.Path(path_type=Path), envvar="DISIO_DATA_DIR", help="Where disio keeps data."
        ),
        click.option("--log-level", default="info", envvar="DISIO_LOG_LEVEL", help="debug, info, warning or error."),
        click.option("--json", "is_json", is_flag=True, envvar="DISIO_JSON", help="The ready line as a JSON object."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _start(
    distributor: str, cores: int | None, name: str, data_dir: Path | None, log_level: str, is_json: bool
) -> None:
    from disio_client.app import ClientApp
    from disio_shared.errors import ConfigError, DisioError
    from disio_shared.logs import set_up_logs

    try:
        set_up_logs(log_level)
        app = ClientApp(distributor, cores or 0, name, data_dir, is_json)
        status = asyncio.run(_serve(app))
    except ConfigError as error:
        _fail(error, EXIT_USAGE)
    except DisioError as error:
        _fail(error, EXIT_FAILURE)
    else:
        sys.exit(status)


async def _serve(app: "ClientApp") -> int:
    """Run until told to stop; return the exit status."""
    loop = asyncio.get_running_loop()
    presses: list[int] = []
    leaves: set[asyncio.Task[None]] = set()

    def press(number: int) -> None:
        presses.append(number)
        if len(presses) == 1:
            click.echo("disio client: leaving; press again to quit at once", err=True)
            leaves.add(loop.create_task(app.stop(finish=True)))
        else:
            app.abort()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, _frame: loop.call_soon_threadsafe(press, caught))
    await app.run()
    return EXIT_INTERRUPTED if signal.SIGINT in presses else EXIT_OK


def _fail(error: Exception, status: int) -> None:
    click.echo(f"disio client: {error}", err=True)
    sys.exit(status)


@click.group()
def client() -> None:
    """Lend this machine to a distributor."""


@client.command()
@_with_options
def start(**options: Any) -> None:
    """Compute for a distributor until interrupted."""
    _start(**options)


@click.command(name="disio-client")
@click.version_option(package_name="disio-client")
@_with_options
def main(**options: Any) -> None:
    """Lend this machine's cores to a distributor, until interrupted."""
    _start(**options)
