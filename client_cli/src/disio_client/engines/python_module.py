"""The module of a Python unit: loaded from its source, and its errors as its submitter should read them.

Rule: a traceback shows places in the work unit only; frames of what runs it and of libraries are left out.
Imports the standard library alone: it runs in native workers, and the web build puts it into the sandbox's interpreter
(runtime/python.ts).
"""

import linecache
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from disio_client.engines.python_values import BadValue

MODULE = "workunit"
UNIT_FILE = "workunit.py"
"""What the unit's source is called in tracebacks."""
MAX_ERROR_CHARS = 3_900
"""A little less than the unit runtime passes on of any error."""
_HEAD_CHARS = 1_500
_GAP = "\n...\n"


class NoRun(Exception):
    """The module has nothing to call."""


def load_run(code: bytes) -> Callable[[Any, Any], Any]:
    """Execute a unit's source as a new module and return its ``run``; raises NoRun and whatever the source raises."""
    lines = code.decode(errors="replace").splitlines(keepends=True)
    linecache.cache[UNIT_FILE] = (len(code), None, lines, UNIT_FILE)  # so that tracebacks quote it
    module = ModuleType(MODULE)
    module.__file__ = UNIT_FILE
    sys.modules[MODULE] = module
    exec(compile(code, UNIT_FILE, "exec", dont_inherit=True), module.__dict__)
    run = getattr(module, "run", None)
    if not callable(run):
        raise NoRun("it defines no function run; write `def run(payload, unit): ...`")
    return run  # type: ignore[no-any-return]


def describe(error: BaseException) -> str:
    """Return what to show the submitter; too long a text loses its middle, since a traceback ends with the error."""
    try:
        text = _in_words(error)
    except BaseException:  # an error may have a __str__ or a __cause__ that raises
        text = f"{type(error).__name__} (an error that cannot be shown)"
    if len(text) <= MAX_ERROR_CHARS:
        return text
    return text[:_HEAD_CHARS] + _GAP + text[len(text) - (MAX_ERROR_CHARS - _HEAD_CHARS - len(_GAP)) :]


def _in_words(error: BaseException) -> str:
    if isinstance(error, BadValue | NoRun):
        return str(error)
    if isinstance(error, SystemExit):
        return f"SystemExit: the unit called exit({error.code!r}); return a result, or raise an error"
    story = traceback.TracebackException(type(error), error, error.__traceback__, lookup_lines=False, compact=True)
    _keep_unit_frames(story)
    return "".join(story.format()).rstrip()


def _keep_unit_frames(story: traceback.TracebackException) -> None:
    waiting: list[traceback.TracebackException | None] = [story]
    while waiting:
        part = waiting.pop()
        if part is None:
            continue
        own = [frame for frame in part.stack or () if frame.filename == UNIT_FILE]
        # Without a frame there is no heading for frames either.
        part.stack = traceback.StackSummary.from_list(own) if own else None  # type: ignore[assignment]
        waiting += [part.__cause__, part.__context__, *(part.exceptions or [])]


def kind_of(error: BaseException) -> str:
    """Return the failure kind of what a unit raised."""
    return "result" if isinstance(error, BadValue) else "memory" if isinstance(error, MemoryError) else "error"
