"""What commands print.

Rule: stdout gets data and nothing else; an object on it has the shape that ``disio.shapes`` says.
"""

from typing import Any

import click
import msgspec

from disio.showing import printable
from disio_shared.errors import DisioError
from disio_shared.problem_lines import problem_line


class OddAnswer(DisioError):
    """What is to be printed is not what was promised: a manager of another version answers otherwise."""

    code = "odd-answer"

    def __init__(self, problem: str) -> None:
        super().__init__(f"the manager's answer is not understood: {problem} (has it the version of this command?)")


def emit(shape: type, value: Any) -> None:
    """Print an object as one line of JSON.

    Raises:
        OddAnswer: It is not of the shape that is promised.
    """
    text = msgspec.json.encode(value)
    try:
        msgspec.json.decode(text, type=shape)
    except msgspec.ValidationError as error:
        raise OddAnswer(str(error)) from error
    click.echo(text)


def tell(text: str) -> None:
    """Show a person a line, on stderr."""
    click.echo(text, err=True)


def complain(error: Exception, status: int, as_json: bool, of: str = "disio", **more: Any) -> None:
    """Tell of an error on stderr: a line for people, or a problem object, which has the shape ``disio.shapes`` says.

    Args:
        error: It.
        status: The exit status that it means.
        as_json: A program reads it.
        of: What the line for people begins with.
        more: Members of the object that say what it is about.
    """
    text, facts = _told(error)
    if as_json:
        click.echo(problem_line(error, status, **{**facts, **more}), err=True)
    else:
        click.echo(f"{of}: {printable(text)}", err=True)


def _told(error: Exception) -> tuple[str, dict[str, str]]:
    """Return what is said of an error, and what a problem object says of it otherwise than of those of ours."""
    if isinstance(error, DisioError):
        return str(error), {}
    text, code = str(error), "system"
    if isinstance(error, click.ClickException):
        text, code = error.format_message(), "usage"
    elif isinstance(error, click.Abort):
        text, code = "broken off", "aborted"
    elif isinstance(error, OSError):
        text = ": ".join(str(part) for part in (error.filename, error.strerror) if part) or text
    return text, {"detail": printable(text), "code": code, "type": f"urn:disio:problem:{code}"}
