"""``disio submit`` of generated payloads, against a real manager; a peer plays the distributor."""

import asyncio
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from disio.cli import exit_status
from disio.commands.submit import submit
from disio.submitting.outputs import OutputProblem
from disio_shared import messages
from disio_shared.errors import ConfigError, DisioError
from disio_shared.taskdoc import parse_task
from tests.unit.manager.served import Peer, Served, serve

SQUARE = "export default (n) => n * n"
WASM = b"\0asm\x01\0\0\0"


@pytest.fixture
def unit(tmp_path: Path) -> str:
    """A work unit's file."""
    path = tmp_path / "square.js"
    path.write_text(SQUARE)
    return str(path)


async def run(*words: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(submit, [*words], env={"DISIO_MANAGER": None}))


def invoke(*words: str) -> Result:
    return CliRunner().invoke(submit, [*words], env={"DISIO_MANAGER": None, "DISIO_DATA_DIR": "/nowhere/at/all"})


def status_of(result: Result) -> int:
    assert isinstance(result.exception, DisioError), result.output
    return exit_status(result.exception)


async def computed(served: Served, peer: Peer, failing: frozenset[int] = frozenset()) -> None:
    """Deliver squares, the last ones first, and failures; end when all that was granted is answered."""
    grant = await peer.leased(100)
    for block in reversed(grant.blocks):
        task = block.task
        for index in range(block.stop - 1, block.start - 1, -1):
            if index in failing:
                failed = messages.FailureColumns(task=task, indexes=[index], errors=[["boom", "boom"]])
                await peer.say(messages.Deliver(batch=f"f{index}", failures=[failed]))
                await peer.hear(messages.Committed)
            else:
                await peer.deliver(task, [index], batch=f"b{index}")


async def submitted(served: Served, failing: frozenset[int], *words: str) -> Result:
    """Run the command while a peer computes what it makes."""
    peer = served.peer()
    await peer.join()
    running = asyncio.create_task(run(*words))
    await computed(served, peer, failing)
    return await running


async def test_results_go_to_stdout_one_a_line_each_once(tmp_path: Path, unit: str) -> None:
    async with serve(tmp_path / "data") as served:
        shown = await submitted(
            served, frozenset(), unit, "--range", "0:20", "--wait", "--data-dir", str(tmp_path / "data")
        )
        assert shown.exit_code == 0, shown.output
        assert sorted(map(int, shown.stdout.split())) == [n * n for n in range(20)]
        assert "created: 20 payloads" in shown.stderr and "20 written" in shown.stderr


async def test_ordered_results_come_in_index_order_and_failures_are_told(tmp_path: Path, unit: str) -> None:
    async with serve(tmp_path / "data") as served:
        out = tmp_path / "results"
        words = ("--range", "0:20", "--wait", "--ordered", "--out", str(out), "--json")
        shown = await submitted(served, frozenset({3}), unit, *words, "--data-dir", str(tmp_path / "data"))
        assert shown.exit_code == 6, shown.output
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert [row["i"] for row in rows] == [n for n in range(20) if n != 3]
        assert [row["result"] for row in rows] == [n * n for n in range(20) if n != 3]
        assert "payload 3: boom" in shown.stderr
        report = json.loads(shown.stdout)
        assert (report["state"], report["total"], report["written"], report["failed"]) == ("failed", 20, 19, 1)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "results", "square.js"]


async def test_without_wait_the_task_is_named_and_left_alone(tmp_path: Path, unit: str) -> None:
    async with serve(tmp_path / "data") as served:
        here = ("--data-dir", str(tmp_path / "data"))
        shown = await run(unit, "--grid", "n=0:3", "c=99", "--name", "Grid", "--tag", "x", "--kinds", "cli", *here)
        assert shown.exit_code == 0, shown.output
        task: dict[str, Any] = await served.call("GET", f"/api/tasks/{shown.stdout.strip()}")
        assert (task["name"], task["tags"], task["total"], task["state"]) == ("Grid", ["x"], 3, "queued")
        assert task["payloads"] == {"grid": {"n": {"range": [0, 3]}, "c": 99}}
        assert task["policy"]["requires"]["kinds"] == ["cli"]
        assert f"Next: disio task watch {task['id']}" in shown.stderr
        as_json = await run(unit, "--range", "0:3", "--json", *here)
        assert json.loads(as_json.stdout)["total"] == 3


async def test_a_task_that_somebody_cancels_is_a_failure_with_its_reason(tmp_path: Path, unit: str) -> None:
    async with serve(tmp_path / "data") as served:
        running = asyncio.create_task(run(unit, "--range", "0:3", "--wait", "--data-dir", str(tmp_path / "data")))
        peer = served.peer()
        await peer.join()
        grant = await peer.leased(1)
        await served.call("POST", f"/api/tasks/{grant.blocks[0].task}/cancel")
        shown = await running
        assert shown.exit_code == 1
        assert "somebody cancelled the task: 0 written of 3" in shown.stderr


async def test_a_manager_that_refuses_or_is_away_has_its_exit_status(tmp_path: Path, unit: str) -> None:
    here = ("--data-dir", str(tmp_path / "data"), "--range", "0:3")
    async with serve(tmp_path / "data") as served:
        (tmp_path / "wrong").write_text("wrong")
        assert status_of(await run(unit, *here, "--token-file", str(tmp_path / "wrong"))) == 4
        named = ("--manager", served.url, "--token-file", str(tmp_path / "data" / "admin.token"))
        (tmp_path / "broken.js").write_text("export default (")
        assert status_of(await run(str(tmp_path / "broken.js"), "--range", "0:3", *named)) == 1
    assert status_of(await run(unit, *here)) == 5
    shown = await run(unit, "--range", "0:3", *named, "--patience", "0")
    assert status_of(shown) == 5 and "waiting for it" in shown.stderr


async def test_results_have_a_place_before_there_is_a_task(tmp_path: Path, unit: str) -> None:
    async with serve(tmp_path / "data") as served:
        here = ("--range", "0:3", "--wait", "--data-dir", str(tmp_path / "data"))
        shown = await run(unit, *here, "--out", str(tmp_path / "nowhere" / "results"))
        assert isinstance(shown.exception, OutputProblem) and status_of(shown) == 1
        assert "nowhere/results cannot be written: No such file or directory; see to its rights" in str(shown.exception)
        assert shown.stderr == ""
        shown = await run(unit, *here, "--out", str(tmp_path))
        assert status_of(shown) == 2 and "is a directory (name a file)" in str(shown.exception)
        assert (await served.call("GET", "/api/tasks"))["items"] == []


async def test_a_task_that_is_refused_leaves_no_file(tmp_path: Path) -> None:
    async with serve(tmp_path / "data"):
        (tmp_path / "broken.js").write_text("export default (")
        out = tmp_path / "results"
        words = ("--range", "0:3", "--wait", "--out", str(out), "--data-dir", str(tmp_path / "data"))
        assert status_of(await run(str(tmp_path / "broken.js"), *words)) == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.js", "data"]


async def test_a_full_disk_ends_it_and_the_task_is_named(tmp_path: Path, unit: str) -> None:
    async with serve(tmp_path / "data") as served:
        words = ("--range", "0:3", "--wait", "--out", "/dev/full", "--data-dir", str(tmp_path / "data"))
        shown = await submitted(served, frozenset(), unit, *words)
        (task,) = (await served.call("GET", "/api/tasks"))["items"]
        assert status_of(shown) == 1
        assert "/dev/full cannot be written: No space left on device" in str(shown.exception)
        assert f"task {task['id']} goes on without it" in shown.stderr


async def test_a_pipe_gets_the_lines_as_they_come_and_stays_a_pipe(tmp_path: Path, unit: str) -> None:
    async with serve(tmp_path / "data") as served:
        out = tmp_path / "pipe"
        os.mkfifo(out)
        reader = os.open(out, os.O_RDONLY | os.O_NONBLOCK)
        words = ("--range", "0:20", "--wait", "--ordered", "--out", str(out), "--data-dir", str(tmp_path / "data"))
        shown = await submitted(served, frozenset(), unit, *words)
        assert shown.exit_code == 0, shown.output
        read = os.read(reader, 1 << 16)
        os.close(reader)
        assert read.split() == [b"%d" % (n * n) for n in range(20)]
        assert out.is_fifo()


async def test_a_link_stays_one_and_what_it_leads_to_gets_the_lines(tmp_path: Path, unit: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "results")
    async with serve(tmp_path / "data") as served:
        words = ("--range", "0:20", "--wait", "--ordered", "--out", str(tmp_path / "link"))
        shown = await submitted(served, frozenset(), unit, *words, "--data-dir", str(tmp_path / "data"))
        assert shown.exit_code == 0, shown.output
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "elsewhere" / "results").read_text().split() == [str(n * n) for n in range(20)]


async def test_without_a_stdout_nothing_is_created(tmp_path: Path, unit: str) -> None:
    async with serve(tmp_path / "data") as served:
        words = ("submit", unit, "--range", "0:3", "--wait", "--data-dir", str(tmp_path / "data"))
        command = shlex.join([sys.executable, "-m", "disio", *words])
        process = await asyncio.create_subprocess_shell(f"{command} >&-", stderr=asyncio.subprocess.PIPE)
        _, err = await process.communicate()
        assert process.returncode == 1
        assert err.decode().startswith("disio: stdout cannot be written: Bad file descriptor; ")
        assert len(err.splitlines()) == 1
        assert (await served.call("GET", "/api/tasks"))["items"] == []


def test_a_dry_run_prints_the_document_and_needs_no_manager(unit: str, tmp_path: Path) -> None:
    shown = invoke(unit, "--range", "0:5", "--priority", "3", "--dry-run", "--json")
    assert shown.exit_code == 0, shown.output
    parsed = parse_task(shown.stdout.encode())
    assert (parsed.total, parsed.code, parsed.document.policy.priority) == (5, SQUARE.encode(), 3)
    assert json.loads(invoke(unit, "--range", "0:5", "--dry-run").stdout)["payloads"] == {"range": [0, 5]}
    (tmp_path / "program").write_bytes(WASM)
    shown = invoke("-b", str(tmp_path / "program"), "--grid", "n=1,2 c=x", "--dry-run", "--json")
    assert parse_task(shown.stdout.encode()).document.workunit.language == "wasm"


def test_the_document_of_a_directory_names_its_archive(unit: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "d").mkdir(parents=True)
    for name in ("a", "b", "d/c"):
        (tmp_path / "in" / name).write_text(name)
    words = (unit, "--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--dry-run", "--json")
    document = json.loads(invoke(*words).stdout)
    assert document["payloads"].keys() == {"blob", "format"} and document["payloads"]["format"] == "files"
    assert not (tmp_path / "out").exists()
    (tmp_path / "out" / "d").mkdir(parents=True)
    (tmp_path / "out" / "d" / "c").write_text("there")
    assert json.loads(invoke(*words).stdout)["payloads"]["blob"] != document["payloads"]["blob"]
    assert json.loads(invoke(*words, "--force").stdout) == document
    for name in ("a", "b"):
        (tmp_path / "out" / name).write_text("there")
    shown = invoke(*words)
    assert (shown.exit_code, shown.stdout) == (0, "") and "nothing is missing" in shown.stderr


WRONG = [
    ((), "WORKUNIT: is not given"),
    (("UNIT",), "give one of --input, --range, --grid"),
    (("UNIT", "--range", "0:1", "--grid", "n=1"), "give one of"),
    (("UNIT", "--range", "0:1", "more"), "more: is one word too many"),
    (("UNIT", "--range", "0:1", "--ordered"), "--ordered: goes with --wait"),
    (("UNIT", "--range", "0:1", "--out", "f"), "--out: goes with --wait"),
    (("UNIT", "--range", "0:1", "--output", "o"), "--output: goes with --input"),
    (("UNIT", "--input", "."), "--output: goes with --input"),
    (("UNIT", "--input", "/nowhere", "--output", "o"), "/nowhere cannot be used: No such file or directory"),
    (("UNIT", "--input", ".", "--output", "o", "--ordered"), "--ordered: does not go with --input"),
    (("UNIT", "--input", ".", "--output", "./o"), "must not lie inside one another"),
    (("UNIT", "--input", ".", "--output", "/o", "--suffix", "/x"), "--suffix: must not hold a /"),
    (("UNIT", "--range", "0:1", "--clock", "real"), "--clock: is for WebAssembly; this work unit is javascript"),
    (("UNIT", "--range", "0:1", "--runtime", "native"), "native is for Python"),
    (("UNIT", "--range", "0:1", "--kinds", "web,phone"), "is not web, cli or web,cli"),
    (("nowhere.js", "--range", "0:1"), "nowhere.js: No such file or directory (correct the path)"),
    ((".", "--range", "0:1"), ".: Is a directory (correct the path)"),
    (("/dev/zero", "--range", "0:1"), "/dev/zero: is over the limit of"),
    (("UNIT", "--input", "UNIT", "--output", "o"), "square.js is no directory (name the directory with the inputs)"),
    (("UNIT", "--range", "0:0"), "--range: range: "),
    (("UNIT", "--range", "0:9:0", "--dry-run"), "--range: range: "),
    (("UNIT", "--grid", "a=0:0"), "--grid: grid.a"),
    (("UNIT", "--range", f"0:{'9' * 5000}"), "is not start:stop"),
    (("UNIT", "--grid", "k=\udcff"), "--grid: k=\\udcff is not UTF-8 text"),
    (("UNIT", "--grid", "k=1", "l=\udcff"), "--grid: l=\\udcff is not UTF-8 text"),
    (("UNIT", "--range", "0:1", "--name", "\udcff"), "--name: \\udcff is not UTF-8 text"),
    (("UNIT", "--range", "0:1", "--manager", "m:8700"), "--manager: 'm:8700' is no URL (write http://HOST:PORT)"),
]


@pytest.mark.parametrize(("words", "problem"), WRONG)
def test_options_that_make_no_sense_are_usage_errors(words: tuple[str, ...], problem: str, unit: str) -> None:
    shown = invoke(*(unit if word == "UNIT" else word for word in words))
    assert isinstance(shown.exception, ConfigError)
    assert problem in str(shown.exception) and status_of(shown) == 2


def test_a_unit_whose_name_cannot_be_shown_gives_its_task_one_that_can(tmp_path: Path) -> None:
    path = tmp_path / "a\n\udcffb.js"
    path.write_text(SQUARE)
    shown = invoke(str(path), "--range", "0:1", "--dry-run", "--json")
    assert shown.exit_code == 0, shown.output
    assert parse_task(shown.stdout.encode()).document.name == "a??b"


def test_a_directory_that_leads_back_to_itself_is_refused(unit: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("a")
    (tmp_path / "loop").symlink_to("loop")
    shown = invoke(unit, "--input", str(tmp_path / "in"), "--output", str(tmp_path / "loop"), "--dry-run")
    assert shown.exit_code == 0, shown.output
    shown = invoke(unit, "--input", str(tmp_path / "loop"), "--output", str(tmp_path / "out"))
    assert status_of(shown) == 2 and "loop cannot be used: Too many levels" in str(shown.exception)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    shown = invoke(unit, "--input", str(tmp_path / "in"), "--output", str(tmp_path / "link" / "out"))
    assert status_of(shown) == 2 and "must not lie inside one another" in str(shown.exception)


def test_values_out_of_range_are_usage_errors(unit: str) -> None:
    for words in (("--priority", "9999"), ("--max-failures", "0"), ("--unit-timeout", "0"), ("--clock", "mine")):
        assert invoke(unit, "--range", "0:1", *words).exit_code == 2
