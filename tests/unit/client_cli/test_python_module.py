"""The module of a Python unit, native or in the sandbox: how it is loaded, and how its errors read."""

import sys
from collections.abc import Iterator

import pytest

from disio_client.engines.python_module import MAX_ERROR_CHARS, MODULE, NoRun, describe, kind_of, load_run


@pytest.fixture(autouse=True)
def no_module_left() -> Iterator[None]:
    yield
    sys.modules.pop(MODULE, None)


def error_of(source: str, unit: object = None) -> BaseException:
    """Return what ``run`` of this source raises."""
    with pytest.raises(BaseException) as caught:
        load_run(source.encode())(None, unit)
    return caught.value


def test_a_module_finds_itself_and_its_names() -> None:
    run = load_run(
        b"\xef\xbb\xbfimport sys\ndef run(p, u): return [__name__, __file__, sys.modules[__name__].run is run]"
    )
    assert run(None, None) == ["workunit", "workunit.py", True]


@pytest.mark.parametrize("source", ["x = 1", "run = 1"])
def test_a_module_without_a_function_is_told_what_to_write(source: str) -> None:
    with pytest.raises(NoRun) as caught:
        load_run(source.encode())
    assert describe(caught.value) == "it defines no function run; write `def run(payload, unit): ...`"


def test_code_that_does_not_parse_is_told_without_places_of_ours() -> None:
    with pytest.raises(SyntaxError) as caught:
        load_run(b"def run(p, u):\n    return (\n")
    assert [line for line in describe(caught.value).splitlines() if "File" in line] == ['  File "workunit.py", line 2']


def test_errors_that_led_to_an_error_are_told_with_the_units_own_lines() -> None:
    source = """
import json
def run(p, u):
    try:
        json.loads("{")
    except ValueError as error:
        raise ExceptionGroup("both", [KeyError("k"), error]) from error
    finally:
        if u: raise OSError("last")
"""
    text = describe(error_of(source))
    assert "json.decoder.JSONDecodeError" in text and "KeyError: 'k'" in text and 'json.loads("{")' in text
    assert {line.split('"')[1] for line in text.splitlines() if "File" in line} == {"workunit.py"}
    last = describe(error_of(source, unit=True))
    assert "KeyError: 'k'" in last and last.endswith("OSError: last")
    assert {line.split('"')[1] for line in last.splitlines() if "File" in line} == {"workunit.py"}


def test_an_error_text_that_is_too_long_keeps_its_end() -> None:
    text = describe(ValueError("x" * 10_000 + " the end"))
    assert len(text) == MAX_ERROR_CHARS
    assert text.startswith("ValueError: xxx") and text.endswith("the end")


def test_an_error_that_cannot_be_shown_is_named() -> None:
    odd = "class Odd(Exception):\n    def __str__(self): raise SystemExit\n\ndef run(p, u): raise "
    assert describe(error_of(odd + "Odd")).endswith("workunit.Odd: <exception str() failed>")
    silent = "class Code:\n    def __repr__(self): raise KeyboardInterrupt\n\ndef run(p, u): raise SystemExit(Code())"
    assert describe(error_of(silent)) == "SystemExit (an error that cannot be shown)"
    assert (kind_of(ValueError()), kind_of(MemoryError())) == ("error", "memory")
