"""``disio client`` and ``disio-client``: lend this machine's cores to a distributor.

Rule: stdout carries the ready line and nothing else; nothing heavy is imported before a command runs.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from disio_shared.starting import INTERRUPTED, Importing

if TYPE_CHECKING:
    from disio_client.app import ClientApp
    from disio_client.settings import ClientSettings

EXIT_OK, EXIT_FAILURE, EXIT_USAGE = 0, 1, 2


def _with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a client."""
    options = [
        click.option("--distributor", metavar="URL", help="Where the work comes from: http://HOST:PORT."),
        click.option("--cores", type=click.IntRange(1, 1024), help="Cores to lend; default all."),
        click.option("--name", help="What people see this machine as."),
        click.option(
            "--trust-native",
            metavar="CLUSTER",
            multiple=True,
            callback=_given,
            help="Let the managers of this cluster run native Python here: any program, as you. Repeatable.",
        ),
        click.option("--data-dir", metavar="PATH", help="Where disio keeps data."),
        click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error."),
        click.option("--json", "is_json", is_flag=True, envvar="DISIO_JSON", help="The ready line as a JSON object."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _given(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> list[str] | None:
    """Return the values of a repeatable option; None = not given, as of any other option."""
    return list(values) or None


def _start(is_json: bool, **flags: Any) -> None:
    try:
        _start_and_tell(is_json, flags)
    except KeyboardInterrupt:  # before there was anything to leave
        sys.exit(INTERRUPTED)


def _start_and_tell(is_json: bool, flags: dict[str, Any]) -> None:
    with Importing():
        from disio_client.settings import read_settings
        from disio_shared.errors import ConfigError, DisioError

    try:
        settings = read_settings(flags)
        status = _work(settings, is_json)
    except ConfigError as error:
        _fail(error, EXIT_USAGE, is_json)
    except DisioError as error:
        _fail(error, EXIT_FAILURE, is_json)
    except OSError as error:  # a disk, a directory, a descriptor: the machine's trouble
        _fail(error, EXIT_FAILURE, is_json)
    else:
        sys.exit(status)


def _work(settings: "ClientSettings", is_json: bool) -> int:
    with Importing():
        from disio_client.app import ClientApp
        from disio_shared.logs import set_up_logs

    set_up_logs(settings.log_level)
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    app = ClientApp(
        settings.distributor,
        settings.cores,
        settings.name,
        data_dir,
        is_json,
        _tell,
        settings.trust_native,
    )
    return asyncio.run(_serve(app))


async def _serve(app: "ClientApp") -> int:
    """Run until told to stop; return the exit status."""
    loop = asyncio.get_running_loop()
    presses: list[int] = []
    leaves: set[asyncio.Task[None]] = set()

    def press(number: int) -> None:
        presses.append(number)
        if presses == [signal.SIGINT]:
            click.echo("disio client: leaving; press again to quit at once", err=True)
        if len(presses) == 1:
            leaves.add(loop.create_task(app.stop(finish=True)))
        else:
            app.abort()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, _frame: loop.call_soon_threadsafe(press, caught))
    await app.run()
    return INTERRUPTED if signal.SIGINT in presses else EXIT_OK


def _tell(line: str) -> None:
    """Print the ready line; a client works on when nobody can read it."""
    try:
        print(line, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # its end fails to write nothing


def _fail(error: Exception, status: int, is_json: bool) -> None:
    from disio_shared.problem_lines import problem_line

    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(error))
    click.echo(problem_line(error, status) if is_json else f"disio client: {line}", err=True)
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
