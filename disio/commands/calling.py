"""What ``disio api`` sends and prints.

Rule: bytes are passed on as they come; only what went wrong is read.
"""

import difflib
import os
import sys
from pathlib import Path

import click
import msgspec

from disio import shapes
from disio.cli import exit_status
from disio.commands.asking import ask
from disio.locating import Where
from disio.printing import complain
from disio.rest import ManagerClient, RestProblem
from disio.submitting.outputs import CHOOSE_ANOTHER, OutputProblem
from disio_shared.errors import ConfigError, DisioError, ManagerUnreachable

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
OUTSIDE = ("/api", "/healthz", "/readyz", "/metrics")
PIECE = 1 << 20


def call(where: Where, words: tuple[str, ...], data: str | None, headers: tuple[str, ...]) -> int:
    """Send a request and print the answer; return the exit status.

    Raises:
        ConfigError: It cannot be sent so.
        DisioError: The manager is away.
    """
    if len(words) != 2:
        raise ConfigError("METHOD PATH", "give both", "disio api GET tasks")
    method = words[0].upper()
    if method not in METHODS:
        raise ConfigError("METHOD", f"{words[0]!r} is none of {', '.join(METHODS)}")
    body, sent = _body(data), _headers(headers)
    if body is not None:
        sent.setdefault("Content-Type", "application/json")

    async def passed_on(manager: ManagerClient) -> DisioError | None:
        async with manager.answer(method, path_of(words[1]), body, sent) as answer:
            async for piece in answer.content.iter_chunked(PIECE):
                _write(piece)
            return None if answer.status < 400 else _problem(answer.status, str(answer.reason))

    problem = ask(where, passed_on)
    if problem is None:
        return 0
    status = exit_status(problem)
    complain(problem, status, where.as_json)
    return status


def path_of(text: str) -> str:
    """Return the path of a call; ``/api`` may be left out."""
    path = text if text.startswith("/") else f"/{text}"
    first = path.partition("?")[0]
    return path if any(first == each or first.startswith(f"{each}/") for each in OUTSIDE) else f"/api{path}"


def print_schema(command: str) -> int:
    """Print the JSON Schema of what a command prints; return the exit status.

    Raises:
        ConfigError: Nothing is promised of it.
    """
    try:
        text = msgspec.json.encode(shapes.schema(command))
    except KeyError as error:
        close = difflib.get_close_matches(command, shapes.SHAPES, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(shapes.SHAPES)}"
        raise ConfigError("--schema", f"there is no schema of {command!r}", remedy) from error
    click.echo(msgspec.json.format(text, indent=2))
    return 0


def _write(piece: bytes) -> None:
    """Write a piece of the answer; an error here is none of the manager's."""
    try:
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputProblem(Path("stdout"), error, "its reader is gone") from error
    except OSError as error:
        raise OutputProblem(Path("stdout"), error, CHOOSE_ANOTHER) from error


def _problem(status: int, reason: str) -> DisioError:
    if status in (502, 503, 504):
        return ManagerUnreachable("the manager", f"it answers {status} {reason}")
    return RestProblem(status, f"{status} {reason}", [])


def _body(data: str | None) -> bytes | None:
    if data is None:
        return None
    try:
        if data == "-":
            return sys.stdin.buffer.read()
        return Path(data[1:]).read_bytes() if data.startswith("@") else data.encode()
    except (OSError, UnicodeEncodeError, ValueError) as error:
        raise ConfigError("--data", f"cannot be read: {error}", "give JSON, @FILE or -") from error


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for text in given:
        name, mark, value = text.partition(":")
        is_fit = name.strip() and mark and text.isascii() and text.isprintable()
        if not is_fit:
            raise ConfigError("--header", f"{text!r} is not NAME:VALUE")
        headers[name.strip()] = value.strip()
    return headers
