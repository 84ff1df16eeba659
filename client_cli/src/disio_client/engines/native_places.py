"""Errors of native Python units as their submitter should read them.

Rule: a traceback shows places in the work unit only; frames of the worker and of libraries are left out.
Imports the standard library alone: it runs in the worker process.
"""

import linecache
import traceback

from disio_client.engines.native_values import BadValue

UNIT_FILE = "workunit.py"
"""What the unit's source is called in tracebacks."""
MAX_ERROR_CHARS = 4_000
_HEAD_CHARS = 1_500
_GAP = "\n...\n"


def show_source(code: bytes) -> None:
    """Let tracebacks quote lines of this code."""
    lines = code.decode(errors="replace").splitlines(keepends=True)
    linecache.cache[UNIT_FILE] = (len(code), None, lines, UNIT_FILE)


def describe(error: BaseException) -> str:
    """Return what to show the submitter; too long a text loses its middle, since a traceback ends with the error."""
    if isinstance(error, BadValue):
        return str(error)
    if isinstance(error, SystemExit):
        return f"SystemExit: the unit called exit({error.code!r}); return a result, or raise an error"
    try:
        story = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
        _keep_unit_frames(story)
        text = "".join(story.format()).rstrip()
    except Exception:  # an error may have a __str__ or a __cause__ that raises
        text = f"{type(error).__name__} (an error that cannot be shown)"
    if len(text) <= MAX_ERROR_CHARS:
        return text
    return text[:_HEAD_CHARS] + _GAP + text[len(text) - (MAX_ERROR_CHARS - _HEAD_CHARS - len(_GAP)) :]


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
