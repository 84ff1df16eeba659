"""``disio distributor``.

Rule: stdout carries the ``ready`` line and nothing else; an error is one line on stderr and an exit status.
"""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from disio_distributor.foreground import print_ready, stop_event
from disio_shared.errors import ConfigError, DisioError

if TYPE_CHECKING:
    from disio_distributor.config import DistributorSettings

EXIT_FAILURE, EXIT_USAGE = 1, 2


@click.group()
def distributor() -> None:
    """Hand payloads to clients and keep their results until a manager has them."""


@distributor.command()
@click.option("--manager", multiple=True, metavar="URL|zeroconf", help="Where work comes from; may be repeated.")
@click.option("--cache", metavar="URL", help="sqlite:PATH or redis://host/0; default: a file in the data directory.")
@click.option("--cache-limit", metavar="SIZE", help="What the cache may take, such as 500MiB.  [default: 10GiB]")
@click.option("--host", help="Address to bind.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="First port to try, 0 = any.  [default: 8710]")
@click.option("--public-url", metavar="URL", help="Where clients reach it, if that is a proxy.")
@click.option("--region", help="Where it stands, for people.")
@click.option("--name", help="What people call it.  [default: this machine's name]")
@click.option("--max-clients", type=int, help="Further ones are sent to another distributor.  [default: 10000]")
@click.option("--processes", type=int, help="Distributors side by side on consecutive ports.  [default: 1]")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where it keeps cache and keys.")
@click.option("--join-token-file", type=click.Path(dir_okay=False), help="Default: join.token in the data directory.")
@click.option("--zeroconf/--no-zeroconf", default=None, help="Announce it on the local network.  [default: yes]")
@click.option("--zeroconf-interface", multiple=True, metavar="IP", help="Where zeroconf talks; may be repeated.")
@click.option("--kits", metavar="URL", help="A mirror of Python's files, so that clients load them there.")
@click.option("--operator", help="Who runs it, for volunteers.")
@click.option("--purpose", help="What it computes for, for volunteers.")
@click.option("--contact", help="How volunteers reach who runs it.")
@click.option("--tasks-url", metavar="URL", help="A page that shows volunteers what is computed.")
@click.option("--privacy", metavar="TEXT", help="What volunteers should know of their data.")
@click.option("--json", is_flag=True, default=None, help="Print the ready line as a JSON object.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.  [default: info]")
def start(**flags: Any) -> None:
    """Serve clients until it is interrupted; once more quits at once."""
    from disio_distributor.config import DistributorSettings, check_settings
    from disio_shared.config import load_settings  # quick --help: no server imports
    from disio_shared.logs import set_up_logs

    given = {name: list(value) or None if isinstance(value, tuple) else value for name, value in flags.items()}
    try:
        settings = load_settings(DistributorSettings, "distributor", given)
        check_settings(settings)
        set_up_logs(settings.log_level, True if settings.json else None)
        status = _run(settings)
    except ConfigError as error:
        _fail(error, EXIT_USAGE, bool(flags["json"]))
    except DisioError as error:
        _fail(error, EXIT_FAILURE, bool(flags["json"]))
    else:
        sys.exit(status)


def _run(settings: "DistributorSettings") -> int:
    """Serve on the fastest event loop there is, and return the exit status."""
    if settings.processes > 1:
        from disio_distributor.supervisor import supervise

        return asyncio.run(supervise(settings))
    loop_factory: Any = None
    if sys.platform != "win32":
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(_serve(settings))


async def _serve(settings: "DistributorSettings") -> int:
    from disio_distributor.app import DistributorApp

    app = DistributorApp(settings)
    stopped = stop_event()
    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        if not starting.cancelled():
            starting.exception()  # it failed in the same moment: who asked it to end need not be told
        return 0
    print_ready(await starting, settings.json)
    breaking = asyncio.create_task(app.broken.wait())
    await asyncio.wait({stopping, breaking}, return_when=asyncio.FIRST_COMPLETED)
    for waiting in (stopping, breaking):
        waiting.cancel()
    await app.stop()
    return EXIT_FAILURE if app.broken.is_set() else 0


def _fail(error: DisioError, status: int, as_json: bool) -> None:
    from disio_shared.problem_lines import problem_line

    click.echo(problem_line(error, status) if as_json else f"disio distributor: {error}", err=True)
    sys.exit(status)
