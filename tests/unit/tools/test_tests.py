"""How the parts of all tests run beside each other, and how their statuses become one."""

import sys
from pathlib import Path

import pytest

from tools import tests
from tools.stamps import ROOT
from tools.tests import AT_ONCE, MEASURING, NOTHING_CHOSEN, SIMULATION, STOPS, Part, folders, joined, names_tests, run

NONE = NOTHING_CHOSEN


def part(name: str, program: str = "") -> Part:
    """Return a part that says its name and runs a program."""
    return Part(name, [sys.executable, "-u", "-c", f"print('{name} says this')\n{program}"])


@pytest.mark.parametrize(
    ("codes", "status"),
    [([0, 0], 0), ([1, 0], 1), ([0, 1], 1), ([2, 1], 2), ([NONE, 0], 0), ([0, NONE], 0), ([NONE, 1], 1)],
)
def test_one_failure_fails_all_and_only_nothing_at_all_is_nothing(codes: list[int], status: int) -> None:
    assert joined(codes) == status
    assert joined([NONE, NONE]) == NONE


def test_each_folder_with_tests_is_run_once() -> None:
    there = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert sorted([*folders(ROOT / "tests"), SIMULATION]) == sorted(there)


def test_the_tests_that_run_alone_are_there() -> None:
    assert all((ROOT / file).is_file() for file in MEASURING)


def test_a_folder_that_nobody_named_comes_last(tmp_path: Path) -> None:
    for place in ("a_new_one/deep", "unit", "helpers"):
        (tmp_path / place).mkdir(parents=True)
    for file in ("a_new_one/deep/test_it.py", "unit/test_it.py", "helpers/no_test.py"):
        (tmp_path / file).touch()
    assert folders(tmp_path) == ["unit", "a_new_one"]


@pytest.mark.parametrize(
    ("options", "are_named"),
    [
        ([], False),
        (["-k", "tests", "-x"], False),
        (["--durations=15", "-m", "docs"], False),
        (["--ignore", "tests/chaos", "--lf"], False),
        (["-q", "tests"], True),
        (["tests/unit/tools/test_tests.py::test_it"], True),
        (["tests/unit/not_there.py"], True),
    ],
)
def test_paths_are_told_from_other_options(options: list[str], are_named: bool) -> None:
    assert names_tests(options) == are_named


@pytest.mark.parametrize(
    ("option", "is_one"),
    [("-x", True), ("-vx", True), ("--maxfail=2", True), ("--exitfirst", True), ("-kx", False), ("-m", False)],
)
def test_options_that_stop_at_a_failure_are_known(option: str, is_one: bool) -> None:
    assert bool(STOPS.fullmatch(option)) == is_one


@pytest.fixture
def over(tmp_path: Path) -> Path:
    """Where the parts' end is told."""
    return tmp_path / "over"


def test_a_part_that_fails_stops_no_other_and_is_named_at_the_end(
    capfdbinary: pytest.CaptureFixture[bytes], over: Path
) -> None:
    parts = [part("first"), part("second", "raise SystemExit(3)"), part("third", f"raise SystemExit({NONE})")]
    assert run([*parts, part("fourth")], part("beside", "raise SystemExit(1)"), over) == 3
    out = capfdbinary.readouterr().out.decode()
    names = ["first", "second", "third", "fourth", "beside"]
    told, _, end = out.partition("\n\n")
    assert told.splitlines() == [f"{name} says this" for name in names]
    assert [line.split(" in ")[0] for line in end.splitlines()] == [
        "first: passed", "second: FAILED (3)", "third: no test chosen", "fourth: passed", "beside: FAILED (1)"
    ]  # fmt: skip


def test_so_many_run_at_once_and_no_more_and_the_last_alone(
    capfdbinary: pytest.CaptureFixture[bytes], over: Path
) -> None:
    running: list[int] = []

    class Counted(Part):
        def start(self) -> None:
            super().start()
            running.append(sum(one.is_running for one in parts))

    nothing = [sys.executable, "-c", ""]
    parts = [*(Counted(name, nothing) for name in "abcde"), Counted("last", nothing, is_alone=True)]
    assert run(parts, part("beside"), over) == 0
    assert len(running) == len(parts) and max(running) == AT_ONCE and running[-1] == 1
    assert capfdbinary.readouterr().out.count(b"passed") == len(parts) + 1


def test_the_one_beside_is_told_when_all_others_are_over(capfdbinary: pytest.CaptureFixture[bytes], over: Path) -> None:
    early = part("early", f"import os; assert not os.path.exists({str(over)!r})")
    waits = "import os, time\nwhile not os.path.exists(os.environ['WHERE']): time.sleep(0.01)"
    beside = Part("beside", [sys.executable, "-c", waits], environment={"WHERE": str(over)})
    assert run([early, part("late")], beside, over) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has a policy for this")
def test_the_one_beside_has_what_the_others_leave(over: Path) -> None:
    program = "import os; assert os.sched_getscheduler(0) == os.SCHED_{}"
    beside = Part("beside", [sys.executable, "-c", program.format("IDLE")], is_idle=True)
    assert run([part("other", program.format("OTHER"))], beside, over) == 0


def test_after_a_failure_no_more_begin_when_that_is_asked_for(
    capfdbinary: pytest.CaptureFixture[bytes], over: Path
) -> None:
    fail = "raise SystemExit(1)"
    parts = [*(part(f"early {at}", fail) for at in range(AT_ONCE)), part("third"), part("fourth")]
    assert run(parts, part("beside"), over, stops=True) == 1
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines[-3:-1] == ["third: not run", "fourth: not run"]


def test_a_part_whose_time_is_over_is_ended_and_fails(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], over: Path
) -> None:
    monkeypatch.setattr(tests, "LIMIT_S", 0.0)
    endless = part("endless", "import signal; signal.pause()")
    assert run([endless], part("beside"), over) != 0
    assert b"endless: FAILED (-9)" in capfdbinary.readouterr().out
