"""The ``disio`` command: what each part offers, loaded only when asked for.

Rule: what lists or completes commands imports no server, no engine and no HTTP library.
"""

import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from disio import __version__
from disio import clicking as click
from disio.table import ENTRY_POINTS, HELP_HELP, KNOWN, SUMMARY, VERSION_HELP, has_others, installed
from disio_shared.errors import ConfigError, DisioError
from disio_shared.starting import INTERRUPTED, Importing

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FAILURE = 1


class LazyGroup(click.RichGroup):
    """A group whose commands are loaded on use: our own ones by the table, those of others as entry points."""

    _is_listing = False
    """Help is being printed, which wants a line of each command and no more."""

    def get_help(self, ctx: click.Context) -> str:
        """Return the help."""
        self._is_listing = True
        try:
            return super().get_help(ctx)
        finally:
            self._is_listing = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return command names, our own first."""
        return [*installed(), *sorted(entry.name for entry in _of_others())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the named command; while help is printed, a stand-in that carries only its summary."""
        known = installed().get(cmd_name)
        if known is not None and self._is_listing:
            return click.RichCommand(name=cmd_name, help=known.summary)
        with Importing():
            command = _load(known.place) if known is not None else _entry(cmd_name)
        assert command is None or isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands by the table: click would load them all, for a line of help each."""
        texts = {name: known.summary for name, known in installed().items()}
        texts |= {entry.name: "" for entry in _of_others()}
        names = [CompletionItem(name, help=text) for name, text in texts.items() if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; Ctrl-C at a moment when it does not listen for that is an end like any other."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)


def _load(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def _of_others() -> "list[EntryPoint]":
    if not has_others():  # what follows takes longer to import than all the rest
        return []
    from importlib.metadata import entry_points

    return [entry for entry in entry_points(group=ENTRY_POINTS) if entry.name not in KNOWN]


def _entry(name: str) -> object:
    return next((entry.load() for entry in _of_others() if entry.name == name), None)


@click.group(cls=LazyGroup, help=SUMMARY, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="disio", help=VERSION_HELP)
@click.help_option("-h", "--help", help=HELP_HELP)
def root() -> None:
    """All of disio's commands."""


def main() -> None:
    """Run the command line; an error of ours is one line on stderr, with ``--json`` a problem object, and a status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a character shows what it has instead
            stream.reconfigure(errors="backslashreplace")
    as_json = _wants_json(sys.argv[1:])
    try:
        if not as_json:
            root(prog_name="disio")  # also as python -m disio
        sys.exit(root(prog_name="disio", standalone_mode=False))
    except click.ClickException as error:
        _end(error, error.exit_code, as_json)
    except click.Abort as error:
        _end(error, FAILURE, as_json)
    except DisioError as error:
        _end(error, exit_status(error), as_json)
    except OSError as error:  # a disk, a directory, a descriptor: the machine's trouble
        _end(error, FAILURE, as_json)


def _wants_json(words: Sequence[str]) -> bool:
    """Tell whether a command line asks for JSON, whatever else is wrong with it."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _end(error: Exception, status: int, as_json: bool) -> None:
    from disio.printing import complain

    complain(error, status, as_json)
    sys.exit(status)


def exit_status(error: DisioError) -> int:
    """Return 2 usage, 3 not found, 4 auth, 5 away or timed out, 1 anything else."""
    if isinstance(error, ConfigError):
        return 2
    if error.retryable:
        return 5
    return {404: 3, 401: 4, 403: 4}.get(getattr(error, "status", error.http_status), 1)
