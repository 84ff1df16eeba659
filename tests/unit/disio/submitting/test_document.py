"""The document that a command line means; the manager's own parser is the judge."""

import base64
from typing import Any

import msgspec
import pytest

from disio.submitting.document import (
    Unit,
    Wishes,
    grid_spec,
    program_digest,
    range_spec,
    task_document,
    unit_of,
    work_digest,
)
from disio_shared import payload_parsing, payloads
from disio_shared.errors import ConfigError
from disio_shared.taskdoc import parse_task

JAVASCRIPT = Unit("square", "javascript", b"export default (n) => n * n")
WASM = Unit("upper", "wasm", b"\0asm\x01\0\0\0")


def listed(spec: dict[str, Any]) -> list[Any]:
    """Return all payloads of a spec."""
    return [msgspec.json.decode(value) for value in payloads.iterate(payload_parsing.parse_spec(spec))]


def test_what_is_not_wished_is_left_to_the_manager() -> None:
    document = task_document(JAVASCRIPT, Wishes(), {"range": [0, 3]})
    assert document == {
        "name": "square",
        "workunit": {"language": "javascript", "source": "export default (n) => n * n"},
        "payloads": {"range": [0, 3]},
    }
    assert parse_task(msgspec.json.encode(document)).total == 3


def test_every_wish_comes_to_its_place() -> None:
    wishes = Wishes(
        name="Big letters",
        tags=("a", "b"),
        priority=3,
        memory_mb=256,
        unit_timeout_s=1.5,
        max_failures=2,
        kinds=("cli",),
        output="text",
        clock="real",
    )
    parsed = parse_task(msgspec.json.encode(task_document(WASM, wishes, {"list": [1]}))).document
    policy = parsed.policy
    assert (parsed.name, parsed.tags, parsed.workunit.output, parsed.workunit.clock) == (
        "Big letters",
        ["a", "b"],
        "text",
        "real",
    )
    assert (policy.priority, policy.unit_timeout_s, policy.max_failures) == (3, 1.5, 2)
    assert (policy.requires.memory_mb, policy.requires.kinds) == (256, ["cli"])
    assert base64.b64decode(parsed.workunit.source_base64 or "") == WASM.code


def test_python_may_run_native() -> None:
    unit = Unit("fit", "python", b"def run(payload, unit): return payload")
    document = task_document(unit, Wishes(runtime="native"), {"list": [1]})
    assert parse_task(msgspec.json.encode(document)).document.workunit.runtime == "native"


@pytest.mark.parametrize(
    ("name", "code", "is_binary", "found"),
    [
        ("a.js", b"export default 1", False, ("a", "javascript")),
        ("a.b.mjs", b"export default 1", False, ("a.b", "javascript")),
        ("A.PY", b"def run(payload, unit): pass", False, ("A", "python")),
        ("x.wasm", b"\0asm", False, ("x", "wasm")),
        ("program", b"\0asm", True, ("program", "wasm")),
    ],
)
def test_the_ending_tells_the_language(name: str, code: bytes, is_binary: bool, found: tuple[str, str]) -> None:
    unit = unit_of(name, code, is_binary)
    assert (unit.name, unit.language) == found


@pytest.mark.parametrize(
    ("name", "code", "is_binary", "problem"),
    [
        ("a.txt", b"x", False, "ends in none of .js"),
        ("program", b"\0asm", False, "ends in none of .js"),
        ("a.js", b"  ", False, "is empty"),
        ("a.js", b"x", True, "not a WebAssembly module"),
        ("a.py", b"x = 1", False, "defines no function run"),
    ],
)
def test_a_file_that_is_no_work_unit_is_refused(name: str, code: bytes, is_binary: bool, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        unit_of(name, code, is_binary)


def test_a_range_is_half_open() -> None:
    assert listed(range_spec("0:5")) == [0, 1, 2, 3, 4]
    assert listed(range_spec("10:0:-5")) == [10, 5]
    assert payloads.count(payload_parsing.parse_spec(range_spec("0:1_000_000_000"))) == 10**9


@pytest.mark.parametrize("text", ["", "5", "a:b", "0:1:2:3", "0:1.5", ":3"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="start:stop"):
        range_spec(text)


def test_axes_are_ranges_lists_and_constants() -> None:
    assert listed(grid_spec(["n=0:2", "c=1,x,2.5", "k=9"])) == [
        {"n": n, "c": c, "k": 9} for n in (0, 1) for c in (1, "x", 2.5)
    ]
    assert listed(grid_spec(["n=0:10:5", "url=http://a", "v=-1e3"])) == [
        {"n": n, "url": "http://a", "v": -1000.0} for n in (0, 5)
    ]


def test_a_constant_that_looks_like_the_documents_shorthand_stays_a_constant() -> None:
    assert listed(grid_spec(["day=1-31"])) == [{"day": "1-31"}]
    assert listed(grid_spec(["x=nan"])) == [{"x": "nan"}]


@pytest.mark.parametrize(("words", "problem"), [(["n"], "key=AXIS"), (["=1"], "key=AXIS"), (["n=1", "n=2"], "twice")])
def test_what_is_no_axis_is_refused(words: list[str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        grid_spec(words)


def test_a_work_is_another_with_other_inputs_options_or_code() -> None:
    document = task_document(WASM, Wishes(), {})
    same = work_digest(task_document(WASM, Wishes(), {}), b"in")
    assert work_digest(document, b"in") == same
    others = [
        work_digest(document, b"other"),
        work_digest(task_document(WASM, Wishes(unit_timeout_s=9), {}), b"in"),
        work_digest(task_document(Unit("upper", "wasm", b"\0asm2"), Wishes(), {}), b"in"),
    ]
    assert len({same, *others}) == 4


def test_a_program_is_another_only_if_its_results_may_be() -> None:
    digest = program_digest(task_document(WASM, Wishes(), {}))
    assert digest == program_digest(task_document(WASM, Wishes(name="n", priority=5, unit_timeout_s=9), {"list": [1]}))
    assert digest != program_digest(task_document(WASM, Wishes(output="text"), {}))
    assert digest != program_digest(task_document(Unit("upper", "wasm", b"\0asm2"), Wishes(), {}))
