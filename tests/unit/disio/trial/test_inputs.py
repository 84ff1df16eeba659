"""From a command line to trials: every way to give a value, and what is said of those that are wrong."""

from pathlib import Path
from typing import Any

import pytest

from disio.trial.inputs import read_trials
from disio.trial.trials import Trial
from disio_shared.codec import MAX_PAYLOAD_BYTES
from disio_shared.errors import ConfigError
from disio_shared.taskdoc import MAX_DOCUMENT_BYTES, MAX_WORKUNIT_BYTES

DEFAULTS: dict[str, Any] = {
    "raw": False,
    "language": "javascript",
    "first_index": 0,
    "state": None,
    "unit_timeout_s": 60.0,
    "memory_mb": 64,
    "output": "bytes",
    "clock": "fixed",
}


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A unit's file."""
    file = tmp_path / "unit.js"
    file.write_text("export default (x) => x")
    return file


def read(unit: Path, *payloads: str, **options: Any) -> list[Trial]:
    return read_trials(unit, payloads, **{**DEFAULTS, **options})


def test_json_on_the_command_line_is_the_json_a_task_would_send(unit: Path) -> None:
    trials = read(unit, '{"a": [1, 2.50]}', "null", '"ü"')
    assert [trial.payload for trial in trials] == [b'{"a":[1,2.5]}', b"null", '"ü"'.encode()]
    assert [trial.index for trial in trials] == [0, 1, 2]


def test_raw_bytes_are_written_as_in_a_tasks_list(unit: Path) -> None:
    assert [trial.payload for trial in read(unit, '{"$base64": "AP8="}')] == [b"\0\x00\xff"]


def test_a_file_is_json_by_its_suffix_and_raw_bytes_otherwise(unit: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1, 2]")
    (tmp_path / "a.bin").write_bytes(b"[1, 2]")
    words = [f"@{tmp_path / name}" for name in ("a.json", "a.bin")]
    assert [trial.payload for trial in read(unit, *words)] == [b"[1,2]", b"\0[1, 2]"]


def test_raw_takes_everything_as_it_stands(unit: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1, 2]")
    assert [t.payload for t in read(unit, f"@{tmp_path / 'a.json'}", "x", raw=True)] == [b"\0[1, 2]", b"\0x"]


def test_state_index_and_terms_reach_each_trial(tmp_path: Path) -> None:
    unit = tmp_path / "unit.wasm"
    unit.write_bytes(b"\0asm\1\0\0\0")
    trials = read(unit, "1", "2", language="wasm", state='{"at": 3}', first_index=7, output="json", clock="real")
    assert [(t.index, t.state, t.terms.output, t.terms.clock) for t in trials] == [
        (7, b'{"at":3}', "json", "real"),
        (8, b'{"at":3}', "json", "real"),
    ]
    assert trials[0].terms.max_log_bytes == 65_536


@pytest.mark.parametrize(
    ("words", "options", "told"),
    [
        (["{a}"], {}, "--payload: '{a}' is not JSON: "),
        (['{"$base64": "?"}'], {}, "--payload: must be base64 text"),
        (["\0"], {}, "is not JSON: "),
        (["@nowhere.json"], {}, "--payload: nowhere.json cannot be read: No such file or directory"),
        (["1"], {"state": "x"}, "--state: 'x' is not JSON: "),
        (["1"], {"language": None}, "give --language"),
        (["1"], {"output": "json"}, "--output: is for WebAssembly"),
        (["1"], {"clock": "real"}, "--clock: is for WebAssembly"),
        (["1"], {"language": "wasm"}, "is not a WebAssembly module"),
        (["1"], {"language": "python"}, "does not parse"),
        (["\udcff"], {}, "--payload: '\\udcff' is not JSON: "),
        (["@."], {}, "--payload: . cannot be read: Is a directory (correct the path)"),
        (["@unit.json"], {}, "unit.json cannot be read"),
        (["[" * 100_000], {}, "is not JSON: "),
        ([f'"{"x" * MAX_PAYLOAD_BYTES}"'], {}, f"has {MAX_PAYLOAD_BYTES + 2} bytes, over the limit of"),
        (["x" * MAX_PAYLOAD_BYTES], {"raw": True}, f"has {MAX_PAYLOAD_BYTES + 1} bytes, over the limit of"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_told_by_its_flag(unit: Path, words: list[str], options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(unit, *words, **options)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_unit_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.js cannot be read"):
        read(tmp_path / "nowhere.js", "1")


def test_bytes_that_are_no_text_pass_as_raw_bytes(unit: Path) -> None:
    assert [trial.payload for trial in read(unit, "\udcff", raw=True)] == [b"\0\xff"]


def test_a_directory_is_told_of_as_one_and_not_by_its_suffix(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read(tmp_path, "1", language=None)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no file without an end here")
def test_a_file_without_an_end_is_not_read_to_it(unit: Path) -> None:
    with pytest.raises(ConfigError, match=f"WORKUNIT: /dev/zero is over the limit of {MAX_WORKUNIT_BYTES} bytes"):
        read(Path("/dev/zero"), "1")
    with pytest.raises(ConfigError, match=f"--payload: /dev/zero is over the limit of {MAX_DOCUMENT_BYTES} bytes"):
        read(unit, "@/dev/zero")


def test_an_empty_unit_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "unit.js").write_text(" \n")
    with pytest.raises(ConfigError, match=r"unit\.js is empty \(correct it, or begin with one that runs: disio init\)"):
        read(tmp_path / "unit.js", "1")
