"""What native Python units are given, part by part: random numbers, the unit's API, walls."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest

from disio_client.engines import native_unit
from disio_client.engines.native_random import seeded_random
from disio_client.engines.native_unit import RunningUnit
from disio_client.engines.native_walls import Walls, command, environment
from disio_client.engines.python_values import BadValue
from disio_client.settings import read_settings
from disio_shared.errors import ConfigError

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
