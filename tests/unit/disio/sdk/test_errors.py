"""What the texts of failed tries become."""

import pytest

from disio.sdk.errors import RemoteTraceback, TaskFailed, UnitFailed, kind_of, raised
from disio.sdk.shapes import Failure

TRACE = """Traceback (most recent call last):
  File "workunit.py", line 3, in run
    int("x")
ValueError: first

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "workunit.py", line 5, in run
    raise {}"""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("timeout: no answer in 5 s", "timeout"),
        ("memory: MemoryError: out of memory", "memory"),
        ("crash", "crash"),
        ("result: result is of type set", "result"),
        ("ValueError: timeout: 3", "error"),
        ("", "error"),
    ],
)
def test_the_kind_of_an_end_is_told_by_what_stands_before_its_text(text: str, kind: str) -> None:
    assert kind_of(text) == kind
    assert UnitFailed("t", 0, ["ValueError: an earlier try", text]).kind == kind


@pytest.mark.parametrize(
    ("last", "error"),
    [
        ("ValueError: no\n  second line: of it", ValueError("no\n  second line: of it")),
        ("KeyError: 'k'", KeyError("k")),
        ("KeyError: (1, 2)", KeyError((1, 2))),
        ("KeyError: not a literal", KeyError("not a literal")),
        ("AssertionError", AssertionError()),
        ("ZeroDivisionError: division by zero", ZeroDivisionError("division by zero")),
        ("TimeoutError: own", TimeoutError("own")),
    ],
)
def test_errors_of_python_itself_are_raised_as_they_were(last: str, error: Exception) -> None:
    for text in (TRACE.format("it") + "\n" + last, last):
        made = raised(text)
        assert type(made) is type(error) and made.args == error.args
        assert isinstance(made.__cause__, RemoteTraceback) and text in str(made.__cause__)


OTHERS = ["", "OwnError: x", "workunit.Own: x", "SystemExit: 3", "KeyboardInterrupt", "UnicodeDecodeError: x"]
CUT = "...\n  File\nValueError: cut"


@pytest.mark.parametrize("text", [*OTHERS, "print: x", "timeout: ValueError: x", "memory: MemoryError: out", CUT])
def test_other_ends_are_no_errors_of_python_itself(text: str) -> None:
    assert raised(text) is None


def test_a_failed_task_tells_of_its_first_failures() -> None:
    failures = [Failure(index=at, payload=at, errors=["one", f"no {at}"], name="file" * (at == 1)) for at in range(5)]
    text = str(TaskFailed("t1", "failed", 5, 10, failures))
    assert text == "5 of 10 payloads of task t1 failed\npayload 0: no 0\npayload file: no 1\npayload 2: no 2"
    assert str(TaskFailed("t1", "cancelled", 0, 10, [])) == "task t1 was cancelled"
    assert str(TaskFailed("t1", "expired", 0, 10, [])) == "task t1 ended at its deadline"
