"""Functions that can be sent run the same here, in the sandbox and in native workers; others are refused by name."""

import asyncio
import importlib.util
import inspect
import json
import linecache
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disio.sdk.errors import CannotShip
from disio.sdk.functions import Work, unit_of
from disio.trial.deno import DenoSandbox
from disio.trial.native import NativeSandbox
from disio.trial.slots import SlotSandbox
from disio.trial.trials import Trial
from tests.unit.disio.sdk.refused import REFUSED, uses_package
from tests.unit.disio.sdk.shippable import CASES, bytes_too, unit_style

INTERPRETER = """
import sys, types
def run(payload, unit):
    module = sys.modules["shipped"] = types.ModuleType("shipped")
    exec(compile(payload["source"], "shipped.py", "exec", dont_inherit=True), module.__dict__)
    return module.run(payload["args"], unit)
"""
"""Runs all of them in one interpreter: to start one for each takes minutes."""


def here(function: Callable[..., Any], args: list[Any]) -> Any:
    """Return what a function gives here, as JSON has it."""
    inner = function.function if isinstance(function, Work) else function
    return json.loads(json.dumps(finished(inner(*args))))


def finished(value: Any) -> Any:
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def source_of(function: Callable[..., Any]) -> str:
    return unit_of(function, "args").source


def test_there_are_enough() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(("function", "args"), CASES, ids=lambda each: getattr(each, "__name__", None))
def test_what_is_sent_does_the_same_in_an_empty_module(function: Callable[..., Any], args: list[Any]) -> None:
    space: dict[str, Any] = {}
    exec(INTERPRETER, space)
    value = finished(space["run"]({"source": source_of(function), "args": args}, None))
    assert json.loads(json.dumps(value)) == here(function, args)


async def values_in(sandbox: SlotSandbox) -> list[Any]:
    """Return what each of them gives in a sandbox."""
    found = []
    for function, args in CASES:
        payload = json.dumps({"source": source_of(function), "args": args}).encode()
        outcome = await sandbox.run(Trial(language="python", code=INTERPRETER.encode(), payload=payload))
        found.append(json.loads(outcome.value) if outcome.value is not None else outcome.error)
    return found


@pytest.mark.timeout(180)
async def test_they_give_the_same_in_the_sandbox() -> None:
    async with DenoSandbox.open("python") as sandbox:
        found = await values_in(sandbox)
    assert found == [await asyncio.to_thread(here, *case) for case in CASES]


async def test_they_give_the_same_in_a_native_worker() -> None:
    async with NativeSandbox.open() as sandbox:
        found = await values_in(sandbox)
    assert found == [await asyncio.to_thread(here, *case) for case in CASES]


def test_the_same_function_is_the_same_text_each_time() -> None:
    for function, _ in CASES:
        assert source_of(function) == source_of(function)


def test_what_is_sent_reads_like_a_file() -> None:
    text = unit_of(CASES[24][0]).source
    assert text == (
        "from __future__ import annotations\n\n\nSCALE = 3\n\n\n"
        "def decorated(x: int) -> int:\n    return x * SCALE  # with a comment\n\n\n"
        "def run(payload, unit):\n    return decorated(payload)\n"
    )


def test_functions_of_payload_and_unit_are_called_so_and_others_with_the_payload_alone() -> None:
    assert unit_of(unit_style).source.endswith("    return unit_style(payload, unit)\n")
    assert unit_of(bytes_too).source.endswith("    return bytes_too(payload)\n")
    assert unit_of(pow, "args").source.endswith("    return pow(*payload)\n")


def test_there_are_enough_that_cannot_be_sent() -> None:
    assert len(REFUSED) >= 30


@pytest.mark.parametrize(("function", "what", "remedy"), REFUSED, ids=lambda each: getattr(each, "__name__", None))
def test_what_cannot_be_sent_is_named_with_a_remedy(function: Any, what: str, remedy: str) -> None:
    with pytest.raises(CannotShip) as refused:
        unit_of(function, "payload")
    text = str(refused.value)
    assert re.search(what, text) and re.search(remedy, text), text
    assert "\n" not in text


def test_packages_are_imported_where_they_are() -> None:
    native = Work(uses_package, "native", {})
    assert "import msgspec\n" in native.source
    assert native.unit().runtime == "native"


def loaded(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_function_whose_file_was_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "changing.py"
    file.write_text("def first(x):\n    return x\n")
    module = loaded(file)
    assert "def first(x):" in unit_of(module.first).source
    file.write_text("def second(x):\n    return x * 2\n")
    with pytest.raises(CannotShip, match="its file has changed since it was imported"):
        unit_of(module.first)


def test_names_stand_for_what_they_stand_for_when_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "moving.py"
    file.write_text("FACTOR = 2\ndef times(x): return x * FACTOR\n")
    module = loaded(file)
    assert "FACTOR = 2" in unit_of(module.times).source
    module.FACTOR = 5
    assert "FACTOR = 5" in unit_of(module.times).source


CELL = """import dataclasses

@dataclasses.dataclass
class Helper:
    x: int

    def twice(self):
        return 2 * self.x

class Bare:
    x = 1

def uses_helper(x):
    return Helper(x).twice()

def uses_bare(x):
    return Bare.x
"""


def test_what_is_defined_in_cells_of_notebooks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", cell)
    monkeypatch.setitem(linecache.cache, "<cell 1>", (len(CELL), None, CELL.splitlines(keepends=True), "<cell 1>"))
    exec(compile(CELL, "<cell 1>", "exec"), cell.__dict__)
    space: dict[str, Any] = {}
    exec(INTERPRETER, space)
    assert space["run"]({"source": source_of(cell.uses_helper), "args": [4]}, None) == 8
    with pytest.raises(CannotShip, match="Bare cannot be sent: it has no source here: put it in a file, or give it a"):
        source_of(cell.uses_bare)


def test_what_looks_like_a_work_unit_is_called_as_one_whatever_is_asked() -> None:
    for call in ("payload", "args", None):
        assert unit_of(unit_style, call).source.endswith("    return unit_style(payload, unit)\n")
