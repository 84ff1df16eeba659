"""What is said of an upload that cannot be the payloads of a task.

Rule: it is told at the field that names it, as if the document itself were wrong.
"""

from collections.abc import Sequence

from disio_shared.errors import FieldProblem, InvalidDocument


class BadBlob(InvalidDocument):
    """A blob that cannot be the payloads of a task.

    Args:
        problems: One or more sentences.
        field: What of the payload spec is wrong.
    """

    def __init__(self, *problems: str, field: str = "blob") -> None:
        super().__init__([FieldProblem(f"payloads.{field}", problem) for problem in problems])


def not_uploaded() -> BadBlob:
    """Return what is said of one that is not there."""
    return BadBlob("is not uploaded: PUT it to /api/blobs/{sha256} first")


def some_lines(problems: Sequence[tuple[int, str]]) -> BadBlob:
    """Return what is said of wrong lines, which count from 1."""
    return BadBlob(*(f"line {line}: {problem}" for line, problem in problems))
