"""The root command: what it lists, and that it stays light."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from disio import cli
from disio_shared.errors import ConfigError


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "disio", *words], capture_output=True, text=True, timeout=60, check=False
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
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(json.loads(shown.stdout.splitlines()[-1]))
    assert not loaded & {"aiohttp", "zmq", "socketio", "motor", "redis", "apsw", "zeroconf", "deno", "rich.progress"}


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
    def fail() -> None:
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
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (shown.returncode, shown.stderr) == (1, "disio: No space left on device\n")


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
