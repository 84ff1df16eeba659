"""``disio test`` with the CLI client's real engine."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from disio.commands.init import FOLDERS
from tests.trying import Trying, busy_s, nothing_left
from tests.waiting import patient, wait_until_sync

pytestmark = pytest.mark.integration

TALKS = """export default (n, unit) => {
    unit.log('payload', n, 'state', unit.state); unit.progress(0.5); unit.saveState({ n });
    return { n, index: unit.index, random: unit.random() }
}"""


@pytest.fixture
def trying(tmp_path: Path) -> Iterator[Trying]:
    """The command in an empty folder, without a browser."""
    trying = Trying(tmp_path)
    yield trying
    trying.close()


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


def test_memory_is_the_most_that_the_engine_took(trying: Trying) -> None:
    unit = trying.write("unit.js", "export default (mb) => new Uint8Array(mb << 20).fill(1).length")
    words = ("--payload", "0", "--payload", "100", "--repeat", "1", "--memory-mb", "200", "--json")
    small, large = (run["memory_bytes"] >> 20 for run in trying.run(unit, *words).json["runs"])
    assert small + 90 < large < 250


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
    for name in ("unit.js", "unit.txt"):
        trying.write(name, "export default (x) => x")
    shown = trying.run(*words, DISIO_BROWSER="nope")
    assert (shown.status, shown.out) == (status, "")
    assert shown.line.startswith(told)
    assert shown.line.endswith(")")


def test_a_name_with_a_line_break_is_one_line_all_the_same(trying: Trying) -> None:
    told = trying.run("a\nb.js", "--payload", "1")
    assert told.status == 2
    assert told.line == "disio: WORKUNIT: a\\nb.js cannot be read: No such file or directory (correct the path)"


def test_a_wasm_file_that_is_none_after_its_first_bytes_fails_to_load(trying: Trying) -> None:
    told = trying.run(trying.write("unit.wasm", b"\0asm\1\0\0\0junk"), "--payload", "1", "--repeat", "1")
    assert (told.status, told.err) == (1, "")
    assert "failed (error)" in told.out and "does not load: " in told.out


def test_a_reader_that_goes_away_ends_it_without_a_word(trying: Trying) -> None:
    unit = trying.write("unit.js", "export default (x) => x")
    process = trying.start(unit, *(word for at in range(50) for word in ("--payload", str(at))))
    assert process.stdout is not None and process.stdout.readline().startswith("payload 0, run 1")
    children = psutil.Process(process.pid).children(recursive=True)
    process.stdout.close()
    assert process.stderr is not None and process.stderr.read() == ""
    assert process.wait(30) == 1
    assert psutil.wait_procs(children, timeout=5)[1] == []


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
    process = trying.start(trying.write("unit.js", "export default () => { for (;;); }"), "--payload", "1")
    engines = psutil.Process(process.pid).children
    wait_until_sync(lambda: any(busy_s(engine) > 1 for engine in engines(recursive=True)), 30)
    with nothing_left(process):
        process.send_signal(number)
        told = trying.ended(process)
    assert (told.status, told.err) == (128 + number, "")


@pytest.mark.parametrize("lang", sorted(FOLDERS))
def test_each_templates_own_command_runs_it(trying: Trying, lang: str) -> None:
    disio = [sys.executable, "-m", "disio"]
    subprocess.run([*disio, "init", "primes", "--lang", lang], cwd=trying.folder, timeout=patient(60), check=True)
    readme = (trying.folder / "primes" / "README.md").read_text()
    (command,) = re.findall(r"^disio test (.*)$", readme, re.MULTILINE)
    unit, *words = command.split()
    told = trying.run(f"primes/{unit}", *words)
    assert (told.status, told.err) == (0, "")
    assert [line for line in told.out.splitlines() if "result" in line] == ["  result: 107", "  result: 110"]
    assert "  log: block 7 has 107 primes" in told.out
