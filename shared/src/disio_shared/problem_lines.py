"""An error that ends a command, as a line for programs that run programs.

Rule: it has the members of a problem document (RFC 9457) whoever tells it, and the exit status beside them.
"""

from typing import Any

import msgspec

from disio_shared.errors import DisioError, InvalidDocument

TITLES = {2: "Usage", 3: "Not found", 4: "Not allowed", 5: "Not available"}
"""By exit status."""


def problem_line(error: Exception, exit_status: int, **more: Any) -> bytes:
    """Return an error as a problem document: JSON without a line's end.

    Args:
        error: Any; what it tells beside its text is told if it is one of ours.
        exit_status: Of the command that it ends.
        more: Other members, or what these are instead.
    """
    code, known = (error.code, error.document) if isinstance(error, DisioError) else ("system", {})
    problems = error.problems if isinstance(error, InvalidDocument) else []
    whole = {
        "type": f"urn:disio:problem:{code}",
        "title": TITLES.get(exit_status, "Failure"),
        "detail": _text(str(error)),
        "code": code,
        "errors": [{"path": _text(at.path), "message": _text(at.message)} for at in problems],
    }
    return msgspec.json.encode(whole | dict(known) | more | {"exit_status": exit_status})


def _text(text: str) -> str:
    """Return text that can be written: what the system hands over as names need be none."""
    return text.encode(errors="backslashreplace").decode()
