"""What goes wrong with tasks and functions, as errors.

Rule: each says what happened and what to do where something can be done; refusals are in ``disio.rest.problems``.
"""

import ast
import builtins
from typing import ClassVar

from disio.sdk.shapes import Failure
from disio_shared.errors import DisioError, InvalidInputError

SHOWN_FAILURES = 3
KINDS = ("timeout", "memory", "crash", "result", "lost")
"""What a distributor writes before the text of a try that did not end by an error of the unit's own."""
_TRACEBACK = "Traceback (most recent call last):"


class CannotShip(InvalidInputError):
    """A function cannot be sent as source.

    Args:
        function: Its name.
        name: What in it stands in the way.
        why: That, and what to do.
    """

    code = "cannot-ship"

    def __init__(self, function: str, name: str, why: str) -> None:
        self.function, self.name, self.why = function, name, why
        super().__init__(f"{function} cannot be sent: {name} {why}")


class BadArgument(InvalidInputError):
    """An argument or a payload is nothing that JSON can hold."""

    code = "bad-argument"


class TaskFailed(DisioError):
    """A task ended with payloads that failed, or was ended before it was done.

    Args:
        task: Its id.
        state: As it ended.
        failed: Payloads that failed.
        total: All of them.
        failures: The first of those that failed.
    """

    code = "task-failed"

    def __init__(self, task: str, state: str, failed: int, total: int, failures: list[Failure]) -> None:
        self.task, self.state, self.failed, self.total, self.failures = task, state, failed, total, failures
        super().__init__("\n".join([_ending(task, state, failed, total), *map(_shown, failures[:SHOWN_FAILURES])]))


class UnitFailed(DisioError):
    """One call of a function, or one payload, failed.

    Args:
        task: Id of its task.
        index: Of the payload in it.
        errors: What each try said, the oldest first.
    """

    code = "unit-failed"

    def __init__(self, task: str, index: int, errors: list[str]) -> None:
        self.task, self.index, self.errors = task, index, errors
        self.remote_traceback = errors[-1] if errors else ""
        super().__init__(f"payload {index} of task {task} failed:\n{self.remote_traceback or 'no reason is known'}")

    @property
    def kind(self) -> str:
        """``error timeout memory crash result lost``: how the last try ended."""
        return kind_of(self.remote_traceback)


class RemoteTraceback(Exception):
    """The traceback of an error where it was raised; the cause of the error that is raised here."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)

    def __str__(self) -> str:
        return f'\n"""\n{self.text}\n"""'


class WaitTimeout(DisioError, TimeoutError):
    """What was waited for did not come in time; the task goes on."""

    code: ClassVar[str] = "timeout"


def kind_of(text: str) -> str:
    """Return how a try ended, by the text that is left of it."""
    kind, mark, _ = text.partition(": ")
    return kind if mark and kind in KINDS else text if text in KINDS else "error"


def raised(text: str) -> Exception | None:
    """Return the built-in error that a unit's own error text ends with; None = it is none of those.

    Its cause is the remote traceback, as with process pools of the standard library.
    """
    if kind_of(text) != "error" or not text:
        return None
    name, _, message = _last_error(text).partition(": ")
    kind = getattr(builtins, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        return None
    try:
        error = kind(_argument(kind, message)) if message else kind()
    except TypeError:  # one of those that want more than a text
        return None
    error.__cause__ = RemoteTraceback(text)
    return error


def _argument(kind: type[Exception], message: str) -> object:
    """Return what an error was raised with: a KeyError shows its key as Python writes it."""
    if not issubclass(kind, KeyError):
        return message
    try:
        return ast.literal_eval(message)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return message


def _last_error(text: str) -> str:
    """Return the part of a traceback that tells the error itself, which may have several lines."""
    lines = text.splitlines()
    if _TRACEBACK not in lines:
        return text
    at = len(lines) - lines[::-1].index(_TRACEBACK)
    while at < len(lines) and lines[at].startswith("  "):
        at += 1
    return "\n".join(lines[at:])


def _ending(task: str, state: str, failed: int, total: int) -> str:
    if state == "cancelled":
        return f"task {task} was cancelled"
    if state == "expired":
        return f"task {task} ended at its deadline"
    return f"{failed} of {total} payloads of task {task} failed"


def _shown(failure: Failure) -> str:
    text = failure.errors[-1] if failure.errors else "no reason is known"
    return f"payload {failure.name or failure.index}: {text}"
