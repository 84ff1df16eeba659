"""``disio test`` in a real browser that it finds, starts and ends by itself."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.services.need import need
from tests.trying import Trying, busy_s, nothing_left
from tests.waiting import wait_until_sync
from tools import found

pytestmark = pytest.mark.chromium

TALKS = """export default (n, unit) => {
    unit.log('payload', n, 'state', unit.state); unit.progress(0.5); unit.saveState({ n });
    return { n, index: unit.index, random: unit.random() }
}"""


@pytest.fixture
def trying(tmp_path: Path, built_pages: Path) -> Iterator[Trying]:
    """The command in an empty folder, with the machine's browser."""
    trying = Trying(tmp_path, need("chromium", found.chromium()).path or "")
    yield trying
    trying.close()


def test_both_engines_agree_on_everything_but_time_and_memory(trying: Trying) -> None:
    words = ("--payload", "3", "--payload", '"ü"', "--state", "[1]", "--index", "2", "--engine", "both", "--json")
    told = trying.run(trying.write("unit.js", TALKS), *words)
    assert (told.status, told.err, told.json["differences"]) == (0, "", [])
    said: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for run in told.json["runs"]:
        facts = {name: value for name, value in run.items() if name not in ("seconds", "memory_bytes")}
        said.setdefault((facts.pop("payload"), facts.pop("repeat")), []).append(facts)
    assert sorted(said) == [(2, 1), (2, 2), (3, 1), (3, 2)]
    for one, other in said.values():
        assert {one.pop("engine"), other.pop("engine")} == {"cli", "browser"}
        assert one == other
        assert one["log"][0].endswith("state [1]")


def test_engines_that_differ_are_told_of_with_both_values(trying: Trying) -> None:
    unit = trying.write("unit.js", "export default () => Object.getOwnPropertyNames(globalThis).length")
    told = trying.run(unit, "--payload", "1", "--engine", "both", "--repeat", "1")
    assert told.status == 1
    cli, browser = re.findall(r"result: (\d+)", told.out)
    assert told.line == (
        f"disio test: results differ: payload 0: run 1 in the browser gave {browser},"
        f" but run 1 in the CLI client gave {cli}"
    )


def test_a_unit_that_never_ends_is_ended_and_the_next_one_runs(trying: Trying) -> None:
    unit = trying.write("unit.js", "export default (n) => { if (n) for (;;); return n }")
    words = ("--payload", "1", "--payload", "0", "--timeout", "0.5", "--repeat", "1", "--engine", "browser")
    told = trying.run(unit, *words)
    assert told.status == 1
    assert "run 1 in the browser: failed (timeout)\n" in told.out
    assert "  result: 0\n" in told.out


def test_a_browser_that_does_not_start_is_told_with_its_last_words(trying: Trying) -> None:
    program = trying.folder / "no-browser"
    program.write_text("#!/bin/sh\necho missing libraries >&2\nexit 3\n")
    program.chmod(0o755)
    unit = trying.write("unit.js", "export default (x) => x")
    told = trying.run(unit, "--payload", "1", "--engine", "browser", DISIO_BROWSER=str(program))
    assert told.status == 1
    assert told.line == "disio: the browser ended: missing libraries (DISIO_BROWSER can name another one)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_browser_and_takes_its_profile_away(trying: Trying, number: signal.Signals) -> None:
    unit = trying.write("unit.js", "export default () => { for (;;); }")
    process = trying.start(unit, "--payload", "1", "--engine", "browser")
    wait_until_sync(lambda: is_computing(process.pid), 60)
    with nothing_left(process):
        process.send_signal(number)
        told = trying.ended(process)
    assert (told.status, told.out, told.err) == (128 + number, "", "")


def is_computing(pid: int) -> bool:
    """Tell whether a process of the browser is busy with the unit: starting takes no three seconds of any of them."""
    return any(busy_s(child) > 3 for child in psutil.Process(pid).children(recursive=True))
