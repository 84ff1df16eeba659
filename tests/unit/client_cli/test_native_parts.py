"""What native Python units are given, part by part: values, random numbers, the unit's API, error texts."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_client.engines import native_unit
from disio_client.engines.native_places import MAX_ERROR_CHARS, describe, kind_of
from disio_client.engines.native_random import seeded_random
from disio_client.engines.native_unit import RunningUnit
from disio_client.engines.native_values import MAX_VALUE_BYTES, BadValue, decode_value, encode_value
from disio_client.engines.native_walls import Walls, command, environment
from disio_client.settings import read_settings
from disio_shared.errors import ConfigError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
CYCLE: list[Any] = []
CYCLE.append(CYCLE)


class Matrix:
    """Has numpy's way out."""

    def tolist(self) -> list[int]:
        return [1]


# Drawn by client_web/src/runtime/random.ts in Deno 2.9: (task, index) to its first five numbers.
DRAWN_BY_TYPESCRIPT = {
    ("k", 0): [0.8818670189612777, 0.5641761597413678, 0.9245734024965393, 0.49358569678842745, 0.1713856524638574],
    ("k", 7): [0.24854158726262487, 0.5717287386828915, 0.5658255659285084, 0.6106561847393, 0.9744274669844759],
    ("01JX4Z-task_é😀", 123456789): [
        *(0.9694141616390805, 0.4824017859066968, 0.3573764087662874, 0.6664382639610937, 0.17665864663485764),
    ],
    ("", 0): [0.15051753202773344, 0.8868834247508155, 0.7096644278611628, 0.5104449866080516, 0.961277403211794],
    ("task", 4294967295): [
        *(0.4836378078803797, 0.002431767899196746, 0.3035538622324361, 0.2686021609136773, 0.7370243952884377),
    ],
}


@pytest.mark.parametrize(("seed", "drawn"), DRAWN_BY_TYPESCRIPT.items(), ids=str)
def test_random_numbers_are_those_of_the_typescript_runtime(seed: tuple[str, int], drawn: list[float]) -> None:
    draw = seeded_random(*seed)
    assert [draw() for _ in drawn] == drawn


def test_random_numbers_stay_the_same_for_long() -> None:
    draw = seeded_random("long", 1)
    assert [draw() for _ in range(10_000)][-1] == 0.08205594553720974


@given(value=JSON)
def test_a_json_value_is_written_so_that_json_reads_the_same(value: object) -> None:
    data = encode_value(value, "result")
    assert json.loads(data) == value
    assert decode_value(data) == value


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, b"null"),
        (True, b"true"),
        (10**30, b"1" + b"0" * 30),
        (2**53 + 1, b"9007199254740993"),
        ((1, [2.5]), b"[1,[2.5]]"),
        ({"ä": "€😀"}, '{"ä":"€😀"}'.encode()),
        (b"\x00\xff", b"\x00\x00\xff"),
        (bytearray(b"ab"), b"\x00ab"),
        (memoryview(b"ab"), b"\x00ab"),
    ],
)
def test_values_in_wire_form(value: object, data: bytes) -> None:
    assert encode_value(value, "result") == data


def test_bytes_and_large_integers_come_in_exactly() -> None:
    assert decode_value(b"\x00\x01\x02") == b"\x01\x02"
    assert decode_value(b"123456789012345678901234567890") == 123456789012345678901234567890


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "result is nan, which JSON cannot hold"),
        ({"a": [0, -math.inf]}, "result.a[1] is -inf"),
        ([{1, 2}], "result[0] is of type set, which JSON cannot hold; return sorted(x)"),
        ({"b": b"x"}, "result.b is of type bytes"),
        ({1: 2}, "a key of result is 1 (int)"),
        (object(), "result is of type object"),
        (Matrix(), "return x.tolist()"),
        (1j, "result is of type complex"),
        ("\ud800", "half a surrogate pair"),
        ({"\udc00": 1}, "a key of result is a string with half"),
        (CYCLE, "is cyclic or nested deeper than 200"),
        (10**5000, "result cannot be written as JSON"),
        ("x" * MAX_VALUE_BYTES, f"the limit is {MAX_VALUE_BYTES}"),
        (bytes(MAX_VALUE_BYTES), f"result is {MAX_VALUE_BYTES} bytes; the limit is {MAX_VALUE_BYTES - 1}"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_value_is_refused_with_its_place(value: object, reason: str) -> None:
    with pytest.raises(BadValue) as caught:
        encode_value(value, "result")
    assert reason in str(caught.value)
    assert kind_of(caught.value) == "result"
    assert describe(caught.value) == str(caught.value)


def test_a_tasks_own_limit_counts_text_and_raw_bytes() -> None:
    assert encode_value("x" * 8, "result", 10) == b'"xxxxxxxx"'
    assert encode_value(bytes(10), "result", 10) == bytes(11)
    for value in ("x" * 9, bytes(11)):
        with pytest.raises(BadValue, match="result is 11 bytes; the limit is 10"):
            encode_value(value, "result", 10)


class Told:
    """A unit and what it said."""

    def __init__(self, state: bytes | None = None, max_log: int = 0) -> None:
        self.said: list[dict[str, Any]] = []
        self.unit = RunningUnit("k", "token", 7, state, max_log, self.said.append)

    def of(self, key: str) -> list[Any]:
        return [message[key] for message in self.said]


def test_a_unit_has_its_index_its_state_and_its_random_numbers() -> None:
    told = Told(state=b'{"at":[1]}')
    assert (told.unit.index, told.unit.state) == (7, {"at": [1]})
    assert [told.unit.random() for _ in range(5)] == DRAWN_BY_TYPESCRIPT[("k", 7)]
    assert Told().unit.state is None


def test_states_go_out_by_both_names_and_only_as_fast_as_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_unit, "STATES_PER_S", 0.0)
    told = Told()
    told.unit.save_state({"n": 1})
    told.unit.saveState(b"x")
    assert told.of("state") == [b'{"n":1}', b"\x00x"]
    for _ in range(100):
        told.unit.save_state(0)
    assert len(told.said) == 20
    with pytest.raises(BadValue, match="state is nan"):
        told.unit.save_state(math.nan)


def test_progress_that_is_none_or_comes_too_fast_is_dropped() -> None:
    told = Told()
    for fraction in (-0.1, 1.1, math.nan, 0.5, 0.6):
        told.unit.progress(fraction)
    assert told.of("fraction") == [0.5]


def test_a_log_ends_at_its_limit_in_bytes() -> None:
    told = Told(max_log=14)
    told.unit.log("a", 1, None)
    told.unit.log("äää")
    told.unit.log("more")
    assert told.of("text") == ["a 1 None", "ää [this unit's log ends here: its limit is 14 bytes]"]


def test_a_unit_that_was_answered_says_nothing_more() -> None:
    told = Told()
    told.unit.end()
    told.unit.log("late")
    told.unit.progress(0.5)
    told.unit.save_state(1)
    assert not told.said


def test_an_error_text_that_is_too_long_keeps_its_end() -> None:
    text = describe(ValueError("x" * 10_000 + " the end"))
    assert len(text) == MAX_ERROR_CHARS
    assert text.startswith("ValueError: xxx") and text.endswith("the end")


def test_an_error_that_cannot_be_shown_is_named() -> None:
    class Evil(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe(Evil()).startswith(("Evil", f"{__name__}.{Evil.__qualname__}"))
    assert (kind_of(Evil()), kind_of(MemoryError())) == ("error", "memory")


def test_trusted_clusters_come_from_flags_the_environment_and_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    known = {"distributor": "http://d:1"}
    assert read_settings(known).trust_native == []
    (tmp_path / "disio.toml").write_text('[client]\ntrust_native = ["from-file"]\n')
    assert read_settings(known).trust_native == ["from-file"]
    monkeypatch.setenv("DISIO_TRUST_NATIVE", "a, b")
    assert read_settings(known).trust_native == ["a", "b"]
    assert read_settings({**known, "trust_native": ["flag"]}).trust_native == ["flag"]


@pytest.mark.parametrize("keys", [["no id!"], ["ok", ""], ["x" * 101], [f"c{number}" for number in range(30)]])
def test_what_is_no_cluster_is_refused_by_name(
    keys: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="--trust-native: "):
        read_settings({"distributor": "http://d:1", "trust_native": keys})


# Walls


def test_the_command_of_bubblewrap_shows_the_interpreter_and_no_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    package = home / "code" / "src"
    package.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(sys, "path", ["", str(package), str(home), *sys.path])
    words = command(Walls.BUBBLEWRAP, tmp_path / "private")
    shown = [words[at + 1] for at, word in enumerate(words) if word in ("--ro-bind", "--bind")]
    assert str(package) in shown and str(tmp_path / "private") in shown
    assert any(Path(sys.executable).is_relative_to(place) for place in shown)
    assert not any(home.is_relative_to(place) for place in shown)
    assert "--unshare-all" in words and words.index("--unshare-all") < words.index(sys.executable)


def test_the_environment_of_a_worker_has_nothing_of_the_owners(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    for walls in Walls:
        clean = environment(walls, tmp_path)
        assert "AWS_SECRET_ACCESS_KEY" not in clean
        assert clean["HOME"] in (str(tmp_path), "/unit")
