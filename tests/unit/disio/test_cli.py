"""The root command: what it lists, and that it stays light."""

import json
import subprocess
import sys

import pytest


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
