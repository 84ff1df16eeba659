"""An error as one line for programs."""

import json

import pytest

from disio_shared.errors import ConfigError, DisioError, FieldProblem, InvalidDocument
from disio_shared.problem_lines import problem_line


class Told(DisioError):
    """One that another service told."""

    code = "told"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.document = {"type": "/x", "title": "T", "status": 409, "detail": "as it says", "request_id": "r"}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConfigError("x", "y\n\udcff"), {"code": "config", "detail": "x: y\n\\udcff", "errors": [], "title": "Usage"}),
        (InvalidDocument([FieldProblem("a", "b")]), {"errors": [{"path": "a", "message": "b"}]}),
        (OSError("it broke"), {"code": "system", "type": "urn:disio:problem:system"}),
        (Told("mine"), {"type": "/x", "status": 409, "detail": "as it says", "code": "told", "task": "t"}),
    ],
)
def test_a_line_is_a_problem_document_with_the_exit_status(error: Exception, told: dict[str, object]) -> None:
    line = problem_line(error, 2, task="t")
    found = json.loads(line)
    assert b"\n" not in line and found["exit_status"] == 2
    assert {name: found[name] for name in told} == told
