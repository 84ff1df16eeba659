"""What is answered before click is there: the same as click and rich_click answer, and with few imports."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from disio import front, table
from disio.cli import root
from tests.waiting import patient

HEAVY = {"click", "rich", "rich_click", "importlib.metadata", "asyncio", "msgspec", "aiohttp", "pathlib", "inspect"}
"""What help and the completion of a command's name do without."""
MODULES = "import sys, json, atexit; atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))"
MAIN = f"{MODULES}; import disio.__main__; disio.__main__.main()"


class Terminal(io.TextIOWrapper):
    """A stream of some encoding that is, or is not, a terminal."""

    def __init__(self, encoding: str = "utf-8", is_one: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._is_one = is_one

    def isatty(self) -> bool:
        return self._is_one

    def text(self) -> str:
        self.seek(0)
        return self.read()


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``disio``; its stderr ends with a line that lists what it imported."""
    command = [sys.executable, "-c", MAIN, *words]
    keep = {"capture_output": True, "text": True, "timeout": 60, "env": os.environ | environment}
    return subprocess.run(command, check=False, **keep)  # type: ignore[call-overload,no-any-return]


def loaded(shown: subprocess.CompletedProcess[str]) -> set[str]:
    assert shown.returncode == 0, shown.stderr
    return set(json.loads(shown.stderr.splitlines()[-1]))


def asked(words: list[str], shell: str = "bash") -> dict[str, str]:
    at = words[-1] if shell == "fish" else str(len(words))
    return {front.COMPLETE: f"{shell}_complete", "COMP_WORDS": " ".join(["disio", *words]), "COMP_CWORD": at}


def by_click(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        root([], prog_name="disio")
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 120])
def test_help_has_the_words_of_rich_click(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit):
        root(["--help"], prog_name="disio")
    out = Terminal()
    assert front.answer(["--help"], {"COLUMNS": str(width)}, out)
    theirs, ours = capsys.readouterr().out, out.text()
    assert " ".join(ours.split()) == " ".join(theirs.split())
    boxes = [line for line in ours.splitlines() if line[:1] in tuple("╭│╰")]
    assert len(boxes) == len(table.KNOWN) + 6 and {len(line) for line in boxes} == {width}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("word", ["", "d", "task", "nothing", "-", "--v", "--help"])
def test_the_first_word_is_completed_as_by_click(
    shell: str, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, environment = Terminal(), asked([word], shell)
    assert front.answer([], environment, out)
    theirs = by_click(environment, monkeypatch, capsys)
    assert sorted(out.text().split("\n")) == sorted(theirs.split("\n"))
    assert word == "nothing" or word in theirs.split("\n")[1 if shell == "zsh" else 0]


@pytest.mark.parametrize(
    ("words", "environment", "out"),
    [
        (["--help"], {"COLUMNS": "60"}, Terminal()),
        (["--help"], {"COLUMNS": "wide"}, Terminal()),
        (["--help"], {"COLUMNS": "80"}, Terminal("ascii")),
        (["task", "--help"], {}, Terminal()),
        ([], {}, Terminal()),
        ([], asked(["task", "li"]), Terminal()),
        ([], asked(["task", "li"], "fish"), Terminal()),
        ([], asked(['"ta']), Terminal()),
        ([], asked([""]) | {front.COMPLETE: "bash_source"}, Terminal()),
        ([], asked([""]) | {front.COMPLETE: "powershell_complete"}, Terminal()),
    ],
)
def test_everything_else_is_left_to_click(words: list[str], environment: dict[str, str], out: Terminal) -> None:
    assert not front.answer(words, environment, out)
    assert out.text() == ""


@pytest.mark.parametrize(
    ("environment", "is_terminal", "is_coloured"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
    ],
)
def test_colours_are_for_terminals(environment: dict[str, str], is_terminal: bool, is_coloured: bool) -> None:
    out, plain = Terminal(is_one=is_terminal), Terminal()
    assert front.answer(["-h"], environment | {"COLUMNS": "80"}, out)
    assert front.answer(["-h"], {"COLUMNS": "80"}, plain)
    assert ("\x1b" in out.text()) == is_coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", out.text()) == plain.text()


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"]])
def test_help_and_version_import_little(words: list[str]) -> None:
    shown = run(*words, COLUMNS="80")
    assert shown.stdout and not loaded(shown) & HEAVY


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_a_command_imports_little(shell: str) -> None:
    shown = run(**asked(["doc"], shell))
    assert "doctor" in shown.stdout and not loaded(shown) & HEAVY


@pytest.mark.parametrize("words", [["task", "li"], ["task", "list", "--st"], ["submit", "u.js", "--gr"]])
def test_completion_within_a_command_imports_click_and_the_command_alone(words: list[str]) -> None:
    shown = run(**asked(words))
    assert words[-1] in shown.stdout
    assert not loaded(shown) & (HEAVY - {"click", "inspect", "pathlib"} | {"platformdirs", "json.tool"})


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_command_that_another_distribution_adds_is_there(is_ours: bool, tmp_path: Path) -> None:
    name = "task" if is_ours else "dance"
    (tmp_path / "dances-1.dist-info").mkdir()
    (tmp_path / "dances-1.dist-info" / "METADATA").write_text("Name: dances\nVersion: 1\n")
    (tmp_path / "dances-1.dist-info" / "entry_points.txt").write_text(
        f"[console_scripts]\nx = y:z\n\n[{table.ENTRY_POINTS}]\n{name} = dances:dance\n\n[other]\nprance = x:y\n"
    )
    code = "import click\n@click.command()\ndef dance():\n    'Dance.'\n    print('one two')\n"
    (tmp_path / "dances.py").write_text(code)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    shown = run("--help", COLUMNS="80", PYTHONPATH=path)
    assert ("importlib.metadata" in loaded(shown)) == (not is_ours)
    assert (" dance " in shown.stdout) == (not is_ours) and "prance" not in shown.stdout
    assert ("dance" in run(**asked(["da"]), PYTHONPATH=path).stdout) == (not is_ours)
    assert (run("dance", PYTHONPATH=path).stdout == "one two\n") == (not is_ours)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk here that is always full")
def test_help_on_a_full_disk_is_one_line_and_on_a_closed_pipe_none() -> None:
    command = [sys.executable, "-m", "disio", "--help"]
    with open("/dev/full", "wb") as full:
        shown = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=patient(60), check=False
        )
    assert (shown.returncode, shown.stderr) == (1, "disio: No space left on device\n")
    read, write = os.pipe()
    os.close(read)
    shown = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=patient(60), check=False)
    os.close(write)
    assert (shown.returncode, shown.stderr) == (1, "")


@pytest.mark.parametrize("words", [["task", "list"], ["task", "show", "1"], ["results", "1"], ["task", "pause", "1"]])
def test_commands_that_ask_a_manager_import_what_asks_it_alone(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    where = ["--manager", "http://127.0.0.1:9", "--token-file", str(tmp_path / "token"), "--json"]
    where += ["--patience", "0"] if words[0] == "results" else []
    shown = run(*words, *where)
    assert shown.returncode == 5, shown.stderr
    loaded = set(json.loads(shown.stderr.splitlines()[-1]))
    assert "aiohttp" in loaded
    assert not loaded & {"rich", "apsw", "zmq", "socketio", "zeroconf", "pyarrow", "sqlite3", "structlog", "psutil"}
    assert not any(name.startswith(("disio_distributor", "disio_client", "disio_dashboard")) for name in loaded)


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_without_stdout_nothing_is_said(word: str) -> None:
    command = f"exec {sys.executable} -m disio {word} >&-"
    shown = subprocess.run(
        ["/bin/sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=patient(60), check=False
    )
    assert (shown.returncode, shown.stderr) == (0, "")
