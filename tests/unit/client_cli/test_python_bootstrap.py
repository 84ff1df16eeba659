"""Values and errors of Python units, tried in the CPython at hand: the runtime's file needs no Pyodide for them."""

import importlib.util
import json
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
    return unit.Loaded(source.encode(), lambda data: data, 1000, 1000, 64)


@pytest.mark.parametrize("value", [0, -1.5, 1e300, 2**80, "ä€😀", True, None, [1, [2]], {"a": {"b": []}}, ""])
def test_values_are_json_text(value: Any) -> None:
    data = unit.encode_value(value, "result", 1000)
    assert json.loads(data) == value
    assert unit.decode_value(data) == value


def test_bytes_go_behind_one_zero_byte_and_tuples_are_lists() -> None:
    for value in (b"\x01", bytearray(b"\x01"), memoryview(b"\x01")):
        assert unit.encode_value(value, "result", 10) == b"\0\x01"
    assert unit.encode_value((1, (2,)), "result", 10) == b"[1,[2]]"


cyclic: list[Any] = []
cyclic.append(cyclic)
deep: list[Any] = []
for _ in range(300):
    deep = [deep]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "result is nan"),
        ({"a": [float("-inf")]}, "result.a[0] is -inf"),
        ({"a": [1, {3: 4}]}, "a key of result.a[1] is 3 (int); keys are str"),
        ({None: 1}, "a key of result is None (NoneType)"),
        ([{1}], "result[0] is of type set, which JSON cannot hold; return sorted(x) or list(x)"),
        ({"b": b"x"}, "result.b is of type bytes, which JSON cannot hold; bytes can only be the whole result"),
        (1j, "result is of type complex"),
        ("\ud800", "result is a string with half a surrogate pair"),
        ({"\udc00": 1}, "a key of result is a string with half a surrogate pair"),
        (cyclic, "is cyclic or nested deeper than 200 levels"),
        (deep, "is cyclic or nested deeper than 200 levels"),
        ("x" * 999, "result is 1001 bytes; the limit is 1000"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: Any, reason: str) -> None:
    with pytest.raises(unit.ValueRefused) as refused:
        unit.encode_value(value, "result", 1000)
    assert reason in str(refused.value)


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


def test_a_very_long_error_keeps_its_end() -> None:
    kind, _, text = (
        load("def run(p, u): raise ValueError('x' * 9000 + 'end')").run(b"1", 0, None, Link(), 0.5).partition("\n")
    )
    assert kind == "error"
    assert text.endswith("xend")
    assert len(text) < 4000


def test_an_error_that_cannot_be_shown_is_an_error_all_the_same() -> None:
    source = "class Odd(Exception):\n    def __str__(self): raise SystemExit\n\ndef run(p, u): raise Odd\n"
    assert load(source).run(b"1", 0, None, Link(), 0.5).endswith("workunit.Odd: <exception str() failed>")
