"""What ``disio`` answers before click is there: help, version, and the completion of its first word.

Rule: it says what click and rich_click would say, or leaves it to them; nothing is imported that takes time.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from disio import __version__
from disio.table import HELP_HELP, SUMMARY, VERSION_HELP, has_others, installed

COMPLETE = "_DISIO_COMPLETE"
"""What a shell that wants words sets, to its own name and ``_complete``."""
OPTIONS = {"--version": VERSION_HELP, "-h": HELP_HELP, "--help": HELP_HELP}
FAILURE = 1
LEAST_WIDTH, USUAL_WIDTH = 75, 80
"""Columns of a terminal that help is drawn for, and of what is none."""
_BOLD, _DIM, _NAME, _SHORT, _USAGE = "1", "2", "1;36", "1;32", "33"
"""Colours of a terminal, as rich_click has them."""


def answer(words: Sequence[str], environment: Mapping[str, str], out: TextIO) -> bool:
    """Answer a command line if that can be done here; tell whether it was."""
    text = _answer(words, environment, out)
    if text is None:
        return False
    try:
        out.write(text)
        out.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())  # or the interpreter tries again at its end
        if not isinstance(error, BrokenPipeError):  # as with | head
            print(f"disio: {error.strerror}", file=sys.stderr)
        sys.exit(FAILURE)
    return True


def _answer(words: Sequence[str], environment: Mapping[str, str], out: TextIO) -> str | None:
    if COMPLETE in environment:
        wanted = _wanted(environment)
        return None if wanted is None or has_others() else completed(*wanted)
    if list(words) == ["--version"]:
        return f"disio, version {__version__}\n"
    if list(words) not in (["--help"], ["-h"]) or has_others():
        return None
    width = _width(environment, out)
    is_shown = width >= LEAST_WIDTH and (out.encoding or "").lower().replace("-", "") == "utf8"
    return "".join(help_lines(width, _is_coloured(environment, out))) if is_shown else None


def _wanted(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the shell and the beginning of the first word; None = it asks for something else."""
    shell, _, what = environment[COMPLETE].partition("_")
    words, at = environment.get("COMP_WORDS", ""), environment.get("COMP_CWORD", "")
    if what != "complete" or shell not in ("bash", "zsh", "fish") or any(char in words + at for char in "\\\"'"):
        return None
    known = words.split()[1:]
    if shell == "fish":  # which tells the word itself, not its place
        return (shell, at.strip()) if known in ([], [at.strip()]) else None
    return (shell, known[0] if known else "") if at == "1" else None


def completed(shell: str, incomplete: str) -> str:
    """Return what may stand in place of the first word, as click's scripts for shells want it."""
    commands = {name: known.summary for name, known in installed().items()}
    found = OPTIONS if incomplete and not incomplete[0].isalnum() else commands
    lines = [_completion(shell, name, text) for name, text in found.items() if name.startswith(incomplete)]
    return "\n".join(lines) + "\n"


def _completion(shell: str, name: str, text: str) -> str:
    if shell == "zsh":
        return f"plain\n{name}\n{text}"
    return f"plain,{name}\t{text}" if shell == "fish" else f"plain,{name}"


def _width(environment: Mapping[str, str], out: TextIO) -> int:
    try:
        given = environment.get("COLUMNS")
        return int(given) if given else os.get_terminal_size(out.fileno()).columns
    except ValueError:
        return 0
    except OSError:
        return USUAL_WIDTH


def _is_coloured(environment: Mapping[str, str], out: TextIO) -> bool:
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return out.isatty() and environment.get("TERM", "dumb") not in ("dumb", "unknown")


def help_lines(width: int, is_coloured: bool) -> Iterator[str]:
    """Yield the help, in boxes like those of the commands' own."""

    def paint(colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if is_coloured else text

    def box(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
        """Yield lines with rows of what stands left, painted, and its text, padded to one width before."""
        rule = "─" * (width - 5 - len(title))
        yield paint(_DIM, f"╭─ {title} {rule}╮") + "\n"
        for left, text in rows:
            yield f"{paint(_DIM, '│')} {left}  {text}{paint(_DIM, '│')}\n"
        yield paint(_DIM, f"╰{'─' * (width - 2)}╯") + "\n"

    commands = {name: known.summary for name, known in installed().items()}
    across = max(map(len, commands))
    options = [
        (f"{paint(_NAME, '--version')}    ", VERSION_HELP.ljust(width - 18)),
        (f"{paint(_NAME, '--help')}     {paint(_SHORT, '-h')}", HELP_HELP.ljust(width - 18)),
    ]
    listed = [(paint(_NAME, name.ljust(across)), text.ljust(width - 5 - across)) for name, text in commands.items()]
    usage = f"[{paint(_NAME, 'OPTIONS')}] {paint(_NAME, 'COMMAND')} [{paint(_NAME, 'ARGS')}]..."
    yield f"\n {paint(_USAGE, 'Usage:')} {paint(_BOLD, 'disio')} {usage}\n\n"
    yield from (f" {line}\n" for line in _wrapped(SUMMARY, width - 2))
    yield "\n"
    yield from box("Options", options)
    yield from box("Commands", listed)


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = ""
        line = f"{line} {word}".lstrip()
    yield line
