"""The root command: what it lists, and that it stays light."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest

from disio import cli, shapes
from disio.rest import NotFound
from disio.table import KNOWN, Known
from disio_shared.errors import ConfigError, FieldProblem, InvalidDocument
from tests.waiting import patient


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "disio", *words], capture_output=True, text=True, timeout=patient(60), check=False
    )


def test_help_lists_every_part() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for name in ("up", "manager", "distributor", "dashboard", "client"):
        assert f" {name} " in shown.stdout


def test_help_imports_no_server_and_no_engine() -> None:
    program = (
        "import sys, json; sys.argv = ['disio', '--help']\n"
        "from disio.cli import root\n"
        "try: root()\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=patient(60), check=True
    )
    loaded = set(json.loads(shown.stdout.splitlines()[-1]))
    assert not loaded & {"aiohttp", "zmq", "socketio", "motor", "redis", "apsw", "zeroconf", "deno", "rich.progress"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["d"], {"distributor", "dashboard", "doctor"}),
        ([""], set(KNOWN)),
        (["--he"], {"--help"}),
        (["nothing"], set()),
    ],
)
def test_completion_knows_every_command_and_loads_none(words: list[str], expected: set[str]) -> None:
    program = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        "sys.argv = ['disio']\n"
        "from disio.cli import root\n"
        "root(prog_name='disio')"
    )
    line = {"_DISIO_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["disio", *words]), "COMP_CWORD": "1"}
    shown = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=True,
        env=os.environ | line,
    )
    assert {told.partition(",")[2] for told in shown.stdout.splitlines() if told} == expected
    loaded = set(json.loads(shown.stderr.splitlines()[-1]))
    assert not loaded & {"aiohttp", "zmq", "apsw", "asyncio"} and not any("commands." in name for name in loaded)


def test_the_table_leads_to_commands_and_leaves_out_parts_that_are_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    context = click.Context(cli.root)
    for name in KNOWN:
        command = cli.root.get_command(context, name)
        assert command is not None and command.name == name
    monkeypatch.setitem(KNOWN, "client", Known("no_such_part.cli:client", ""))
    assert "client" not in cli.root.list_commands(context) and "up" in cli.root.list_commands(context)
    assert cli.root.get_command(context, "client") is None


@pytest.mark.parametrize("group", ["manager", "distributor", "dashboard", "client"])
def test_each_part_has_start(group: str) -> None:
    shown = run(group, "start", "--help")
    assert shown.returncode == 0, shown.stderr
    assert "--data-dir" in shown.stdout
    assert "--json" in shown.stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    shown = run("frobnicate")
    assert shown.returncode == 2
    assert "Traceback" not in shown.stderr


def test_up_refuses_a_wrong_option_by_name() -> None:
    shown = run("up", "--clients", "many")
    assert shown.returncode == 2
    assert "--clients" in shown.stderr


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ConfigError("NAME", "a\nb\x1b[2J is none"), 2, "disio: NAME: a\\nb\\x1b[2J is none\n"),
        (OSError(28, "No space left on device", "/tmp/x"), 1, "disio: /tmp/x: No space left on device\n"),
        (OSError("it broke"), 1, "disio: it broke\n"),
    ],
)
def test_an_end_that_is_told_is_one_line_and_a_status(
    error: Exception, status: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_named: str) -> None:
        raise error

    monkeypatch.setattr(cli, "root", fail)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert (end.value.code, capsys.readouterr().err) == (status, told)


def test_ctrl_c_in_a_command_that_does_not_listen_for_it_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def wait() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: wait)
    with pytest.raises(SystemExit) as end:
        cli.root(["wait"])
    assert end.value.code == 130
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk here that is always full")
@pytest.mark.parametrize("words", [("init", "primes", "--lang", "js", "--json"), ("doctor",)])
def test_a_full_disk_behind_stdout_is_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "disio", *words]
    with open("/dev/full", "wb") as full:
        shown = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=patient(60), check=False
        )
    told = json.loads(shown.stderr)["detail"] if "--json" in words else shown.stderr
    assert (shown.returncode, told.removeprefix("disio: ").strip()) == (1, "No space left on device")


def test_a_terminal_without_a_character_gets_another_and_json_stays_json(tmp_path: Path) -> None:
    (tmp_path / "unit.py").write_text("def run(payload, unit): return payload")
    command = [sys.executable, "-m", "disio", "test", "unit.py", "--payload", '"ü"', "--runtime", "native"]
    keep: dict[str, Any] = {"cwd": tmp_path, "timeout": 60, "env": {**os.environ, "PYTHONIOENCODING": "ascii"}}
    shown = subprocess.run([*command, "--repeat", "1"], capture_output=True, check=False, **keep)
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b'  result: "\\xfc"' in shown.stdout
    shown = subprocess.run([*command, "--json"], capture_output=True, check=False, **keep)
    assert [run["result"] for run in json.loads(shown.stdout)["runs"]] == ["ü", "ü"]


@pytest.mark.parametrize("words", [("test", "u.js", "--payload", "1", "--timeout"), ("submit", "u.js", "--patience")])
@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
def test_a_time_that_is_none_is_a_usage_error(words: tuple[str, ...], seconds: str) -> None:
    shown = run(*words, seconds)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert words[-1] in shown.stderr and "Traceback" not in shown.stderr


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"COLUMNS": "20"}, {"LC_ALL": "C"}, {"TERM": "dumb"}])
@pytest.mark.parametrize("command", ["test", "init", "submit", "doctor"])
def test_an_unknown_option_is_a_usage_error_in_every_terminal(command: str, environment: dict[str, str]) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "disio", command, "--bogus"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "--bogus" in shown.stderr and "\x1b" not in shown.stderr


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ConfigError("NAME", "is\x1b none"), 2, ("config", "Usage", "NAME: is\x1b none")),
        (InvalidDocument([FieldProblem("a.b", "must be x")]), 1, ("invalid-document", "Failure", "a.b: must be x")),
        (
            OSError(28, "No space left on device", "/tmp/\udcff"),
            1,
            ("system", "Failure", r"/tmp/\udcff: No"),
        ),
        (click.Abort(), 1, ("aborted", "Failure", "broken off")),
        (NotFound(404, "no task x", [], {"status": 404, "request_id": "r1"}), 3, ("not-found", "Not found", "no task")),
    ],
)
def test_an_end_that_programs_read_is_one_problem_object(
    error: Exception, status: int, told: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    def fail(prog_name: str, standalone_mode: bool) -> None:
        raise error

    monkeypatch.setattr(cli, "root", fail)
    monkeypatch.setattr(sys, "argv", ["disio", "any", "--json"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    (line,) = capfd.readouterr().err.splitlines()
    found = json.loads(line)
    jsonschema.validate(found, shapes.schema("problem"))
    assert end.value.code == found["exit_status"] == status
    assert (found["code"], found["title"]) == told[:2] and found["detail"].startswith(told[2])
    assert [tuple(each.values()) for each in found["errors"]] == (
        [("a.b", "must be x")] if isinstance(error, InvalidDocument) else []
    )
    if isinstance(error, NotFound):
        assert (found["status"], found["request_id"]) == (404, "r1")


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("task", "list", "--bogus"), 2, "usage"),
        (("frobnicate",), 2, "usage"),
        (("task", "show", "1-"), 2, "config"),
        (("fleet", "--manager", "http://127.0.0.1:1", "--token-file", __file__, "--timeout", "1"), 4, "not-authorized"),
        (("init", "a/b", "--lang", "js"), 2, "config"),
        (("manager", "start", "--db", "what:"), 2, "config"),
        (("distributor", "start", "--max-clients", "-1"), 2, "config"),
        (("dashboard", "start", "--manager", "what"), 2, "config"),
        (("client", "start", "--distributor", "what"), 2, "config"),
        (("up", "--port", "x"), 2, "usage"),
    ],
)
def test_every_command_tells_programs_what_went_wrong(
    words: tuple[str, ...], status: int, code: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "DISIO_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "disio", *words, "--json"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=patient(60), check=False, env=environment)
    assert (shown.returncode, shown.stdout) == (status, "")
    (line,) = shown.stderr.splitlines()
    found = json.loads(line)
    jsonschema.validate(found, shapes.schema("problem"))
    assert (found["code"], found["exit_status"]) == (code, status)


def test_what_goes_well_with_json_has_the_status_that_it_has_without(tmp_path: Path) -> None:
    for words in (("--version",), ("task", "list", "--help", "--json"), ("config", "path", "--json")):
        assert run(*words).returncode == 0
    assert run("init", "--", "--json").returncode == 2 and "╭" in run("init", "--", "--json").stderr


def commands(group: click.Group, names: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))
        elif command is not None:
            yield " ".join((*names, name)), command


LOCAL = {"up", "bench", "init", "test", "payloads preview", "check", "doctor", "completion"} | {
    *(f"{service} start" for service in ("manager", "distributor", "dashboard", "client")),
    *("keys show", "keys rotate"),
    *(f"config {verb}" for verb in ("show", "get", "set", "path")),
}
"""Commands that ask no manager."""


def test_every_command_that_asks_a_manager_has_the_same_options() -> None:
    found = {name: {flag for each in command.params for flag in each.opts} for name, command in commands(cli.root)}
    assert found.keys() > LOCAL
    asking = {"--manager", "--token-file", "--data-dir", "--json", "--timeout"}
    assert {name: asking - flags for name, flags in found.items() if name not in LOCAL and asking - flags} == {}
    assert {name for name in LOCAL if {"--manager", "--token-file"} <= found[name]} == {"dashboard start"}
    assert [name for name, flags in found.items() if "--json" not in flags] == ["completion"]
