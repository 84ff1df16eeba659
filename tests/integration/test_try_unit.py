"""``disio test`` with the CLI client's real engine."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from disio.commands.init import FOLDERS
from tests.trying import Trying, nothing_left
from tests.waiting import wait_until_sync

pytestmark = pytest.mark.integration

TALKS = """export default (n, unit) => {
    unit.log('payload', n, 'state', unit.state); unit.progress(0.5); unit.saveState({ n });
    return { n, index: unit.index, random: unit.random() }
}"""


@pytest.fixture
def trying(tmp_path: Path) -> Trying:
    """The command in an empty folder, without a browser."""
    return Trying(tmp_path)


def test_it_shows_result_log_time_memory_and_bytes(trying: Trying) -> None:
    told = trying.run(trying.write("unit.js", TALKS), "--payload", "3", "--payload", "4")
    assert (told.status, told.err) == (0, "")
    first, *more = told.out.splitlines()
    assert re.fullmatch(r"payload 0, run 1 in the CLI client: ok, \d+\.\d{3} s, \d+\.\d MB of memory, \d+ bytes", first)
    assert more[:2] == ["  log: payload 3 state null", '  saved: {"n":3}']
    assert more[2].startswith('  result: {"n":3,"index":0,"random":0.')
    assert more[3].startswith("payload 0, run 2 in the CLI client: ok")
    assert more[4].startswith("payload 1, run 1 in the CLI client: ok")
    assert len(more) == 9


def test_with_json_programs_get_every_run_of_every_payload(trying: Trying) -> None:
    options = ("--payload", "3", "--index", "5", "--state", '"s"', "--repeat", "3", "--json")
    shown = trying.run(trying.write("unit.js", TALKS), *options).json
    assert (shown["ok"], shown["differences"]) == (True, [])
    runs = shown["runs"]
    assert [(r["payload"], r["engine"], r["repeat"]) for r in runs] == [(5, "cli", 1), (5, "cli", 2), (5, "cli", 3)]
    assert [r["log"] for r in runs] == [["payload 3 state s"]] * 3
    assert [(r["progress"], r["states"]) for r in runs] == [([0.5], [{"n": 3}])] * 3
    assert runs[0]["result"]["index"] == 5
    assert runs[0]["bytes"] > 0
    assert runs[0]["seconds"] >= 0
    assert runs[0]["memory_bytes"] > 1 << 20


def test_files_are_payloads_json_or_raw(trying: Trying) -> None:
    unit = trying.write("unit.js", "export default (x) => x")
    trying.write("a.json", '{"a": 1}')
    trying.write("a.bin", b"\x00\xff")
    words = ("--payload", "@a.json", "--payload", "@a.bin", "--repeat", "1", "--json")
    assert [r["result"] for r in trying.run(unit, *words).json["runs"]] == [{"a": 1}, {"$base64": "AP8="}]


def test_memory_counts_what_this_unit_took(trying: Trying) -> None:
    unit = trying.write("unit.js", "export default (mb) => new Uint8Array(mb << 20).fill(1).length")
    words = ("--payload", "100", "--payload", "0", "--repeat", "1", "--memory-mb", "200", "--json")
    large, small = (run["memory_bytes"] >> 20 for run in trying.run(unit, *words).json["runs"])
    assert 100 <= large < 200
    assert small < large


def test_runs_that_differ_are_told_of_with_both_values(trying: Trying) -> None:
    told = trying.run(trying.write("unit.js", "let n = 0; export default () => ++n"), "--payload", "null")
    assert told.status == 1
    assert told.line == (
        "disio test: results differ: payload 0: run 2 in the CLI client gave 2, but run 1 in the CLI client gave 1"
    )
    assert [line for line in told.out.splitlines() if "result" in line] == ["  result: 1", "  result: 2"]


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("export default () => { throw new TypeError('no') }", "error", "TypeError: no"),
        ("export default () => { for (;;); }", "timeout", "limit of 0.5 s"),
        ("export default () => undefined", "result", "undefined"),
        ("export default () => { const a = []; for (;;) a.push(new Uint8Array(1 << 22).fill(1)) }", "memory", "memory"),
        ("export default (", "error", "does not load: "),
    ],
)
def test_a_unit_that_fails_is_told_with_its_kind_and_reason(trying: Trying, source: str, kind: str, text: str) -> None:
    timeout = "0.5" if kind == "timeout" else "20"
    told = trying.run(trying.write("unit.js", source), "--payload", "1", "--timeout", timeout)
    assert told.status == 1
    assert f"run 1 in the CLI client: failed ({kind})" in told.out
    assert f"run 2 in the CLI client: failed ({kind})" in told.out
    assert text in told.out
    assert told.err == ""


def test_after_a_unit_that_ended_its_engine_the_next_payload_runs(trying: Trying) -> None:
    unit = trying.write("unit.js", "export default (n, unit) => { unit.log('x'); if (n) for (;;); return n }")
    words = ("--payload", "1", "--payload", "0", "--timeout", "0.5", "--repeat", "1", "--json")
    runs = trying.run(unit, *words).json["runs"]
    assert [(r["kind"], r["result"], r["log"]) for r in runs] == [("timeout", None, ["x"]), ("ok", 0, ["x"])]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["nowhere.js", "--payload", "1"], 2, "disio: WORKUNIT: nowhere.js cannot be read"),
        (["unit.js", "--payload", "{"], 2, "disio: --payload: '{' is not JSON"),
        (["unit.txt", "--payload", "1"], 2, "disio: WORKUNIT: unit.txt does not tell by its suffix"),
        (["unit.js", "--payload", "1", "--engine", "browser"], 1, "disio: DISIO_BROWSER names 'nope'"),
    ],
)
def test_what_cannot_be_run_is_one_line_with_a_remedy(trying: Trying, words: list[str], status: int, told: str) -> None:
    trying.write("unit.js", "export default (x) => x")
    shown = trying.run(*words, DISIO_BROWSER="nope")
    assert (shown.status, shown.out) == (status, "")
    assert shown.line.startswith(told)
    assert shown.line.endswith(")")


def test_a_payload_is_asked_for_by_the_usage(trying: Trying) -> None:
    told = trying.run(trying.write("unit.js", "export default (x) => x"))
    assert told.status == 2
    assert "--payload" in told.err


def test_help_tells_of_every_flag(trying: Trying) -> None:
    shown = trying.run("--help").out
    flags = "payload raw engine repeat language index state timeout memory-mb output clock json"
    assert [flag for flag in flags.split() if f"--{flag}" not in shown] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_everything_it_started(trying: Trying, number: signal.Signals) -> None:
    with trying.start(trying.write("unit.js", "export default () => { for (;;); }"), "--payload", "1") as process:
        wait_until_sync(lambda: is_busy(process), 30)
        with nothing_left(process):
            process.send_signal(number)
            told = trying.ended(process)
    assert (told.status, told.err) == (128 + number, "")


def is_busy(process: "subprocess.Popen[str]") -> bool:
    """Tell whether the unit runs: its engine has used a second of processor time."""
    return any(sum(child.cpu_times()[:2]) > 1 for child in psutil.Process(process.pid).children(recursive=True))


@pytest.mark.parametrize("lang", sorted(FOLDERS))
def test_each_templates_own_command_runs_it(trying: Trying, lang: str) -> None:
    disio = [sys.executable, "-m", "disio"]
    subprocess.run([*disio, "init", "primes", "--lang", lang], cwd=trying.folder, timeout=60, check=True)
    readme = (trying.folder / "primes" / "README.md").read_text()
    (command,) = re.findall(r"^disio test (.*)$", readme, re.MULTILINE)
    unit, *words = command.split()
    told = trying.run(f"primes/{unit}", *words)
    assert (told.status, told.err) == (0, "")
    assert [line for line in told.out.splitlines() if "result" in line] == ["  result: 107", "  result: 110"]
    assert "  log: block 7 has 107 primes" in told.out
