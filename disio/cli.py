"""The ``disio`` command: groups that the installed parts register, loaded only when asked for.

Rule: ``disio --help`` imports no server, no engine and no HTTP library.
"""

import io
import sys
from importlib.metadata import EntryPoint, entry_points

import rich_click as click

from disio import __version__
from disio.showing import printable
from disio_shared.errors import ConfigError, DisioError
from disio_shared.starting import INTERRUPTED, Importing

ENTRY_POINTS = "disio.commands"
FAILURE = 1
SUMMARIES = {
    "up": "Everything in one go on this machine.",
    "manager": "The manager: splits tasks, keeps results.",
    "distributor": "A distributor: hands payloads to clients.",
    "dashboard": "The dashboard: create tasks and watch them.",
    "client": "Lend this computer to a distributor.",
    "init": "Begin a work unit from a template that runs.",
    "test": "Run a work unit here as volunteers will.",
    "submit": "Have a work unit computed for many inputs.",
    "explain": "Why a task or payload is (not) progressing.",
    "check": "Verify what a stopped manager has stored.",
    "doctor": "Look this machine over: what works, what does not.",
}
"""One line for each known command, so that help need not load it."""


class LazyGroup(click.RichGroup):
    """A group whose commands are entry points, loaded on use."""

    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return command names, the known ones first."""
        names = self._entries()
        known = [name for name in SUMMARIES if name in names]
        return known + sorted(set(names) - set(known))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the named command; while help is printed, a stand-in that carries only its summary."""
        entry = self._entries().get(cmd_name)
        if entry is None:
            return None
        if cmd_name in SUMMARIES and not ctx.protected_args and not ctx.args and _wants_help():
            return click.RichCommand(name=cmd_name, help=SUMMARIES[cmd_name])
        with Importing():
            command = entry.load()
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; Ctrl-C at a moment when it does not listen for that is an end like any other."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)


def _wants_help() -> bool:
    """Tell whether the command line asks for the root's own help."""
    words = sys.argv[1:]
    return not words or words[0] in ("--help", "-h")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="disio")
def root() -> None:
    """Spread a pile of independent computations over browser tabs and any machine that runs a client."""


def main() -> None:
    """Run the command line; an error of ours is one line on stderr and an exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a character shows what it has instead
            stream.reconfigure(errors="backslashreplace")
    try:
        root()
    except DisioError as error:
        _tell(str(error))
        sys.exit(exit_status(error))
    except OSError as error:  # a disk, a directory, a descriptor: the machine's trouble
        _tell(": ".join(filter(None, (error.filename, error.strerror))) or str(error))
        sys.exit(FAILURE)


def _tell(problem: str) -> None:
    click.echo(f"disio: {printable(problem)}", err=True)


def exit_status(error: DisioError) -> int:
    """Return 2 usage, 3 not found, 4 auth, 5 away or timed out, 1 anything else."""
    if isinstance(error, ConfigError):
        return 2
    if error.retryable:
        return 5
    return {404: 3, 401: 4, 403: 4}.get(getattr(error, "status", error.http_status), 1)
