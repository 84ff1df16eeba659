"""Runs and errors of Python units, tried in the CPython at hand: the runtime's file needs no Pyodide for them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = Path(__file__).parents[3] / "client_web/src/runtime/python_unit.py"


def _bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("disio_python_unit", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


unit = _bootstrap()


class Link:
    """What the runtime gives a unit to talk through."""

    def __init__(self) -> None:
        self.logged: list[str] = []

    def log(self, text: str) -> None:
        self.logged.append(text)


@pytest.fixture(autouse=True)
def no_module_left() -> Any:
    yield
    sys.modules.pop("workunit", None)


def load(source: str) -> Any:
    return unit.Loaded(source.encode(), lambda data: data, 1000, 64)


def test_a_unit_logs_what_it_is_given_as_text() -> None:
    link = Link()
    loaded = load("def run(payload, unit):\n    unit.log('a', 1, None)\n")
    assert loaded.run(b"1", 0, None, link, 0.5) == b"null"
    assert link.logged == ["a 1 None"]


def test_the_random_module_starts_anew_with_each_payload() -> None:
    loaded = load("import random\ndef run(payload, unit):\n    return random.random()\n")
    first, other, again = (loaded.run(b"1", 0, None, Link(), seed) for seed in (0.25, 0.5, 0.25))
    assert first == again != other


def test_the_errors_that_led_to_an_error_are_told_and_the_library_is_left_out() -> None:
    source = """
import json
def run(payload, unit):
    try:
        json.loads("{")
    except ValueError as error:
        raise KeyError("k") from error
"""
    kind, _, text = load(source).run(b"1", 0, None, Link(), 0.5).partition("\n")
    assert kind == "error"
    assert "json.decoder.JSONDecodeError" in text
    assert text.splitlines()[-1] == "KeyError: 'k'"
    assert {line.split('"')[1] for line in text.splitlines() if "File" in line} == {"workunit.py"}


def test_what_the_unit_does_wrong_is_told_as_its_kind_and_the_reason() -> None:
    endings = {
        "return {1}": "result\nresult is of type set, which JSON cannot hold; return sorted(x) or list(x)",
        "return bytes(1001)": "result\nresult is 1001 bytes; the limit is 1000",
        "raise MemoryError": "memory\nMemoryError: out of memory; the unit may use 64 MiB",
    }
    for body, said in endings.items():
        assert load(f"def run(p, u): {body}").run(b"1", 0, None, Link(), 0.5) == said
    assert load("def run(p, u): return bytes(1000)").run(b"1", 0, None, Link(), 0.5) == bytes(1001)


def test_a_package_that_is_missing_is_told_with_what_there_is() -> None:
    problem = load("import no_such_package").problem
    assert problem.endswith(
        "No module named 'no_such_package' (a work unit has Python's standard library and nothing else)"
    )
