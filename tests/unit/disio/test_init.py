"""``disio init``: what it writes, and where it writes nothing."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from disio.cli import exit_status
from disio.commands.init import FOLDERS, TEMPLATES, UNITS, init
from disio.commands.submit import submit
from disio_shared.errors import DisioError
from disio_shared.taskdoc import parse_task
from tests.waiting import patient

LANGUAGES = sorted(FOLDERS)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to begin projects in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(init, [*words])


def refusal(result: Result) -> str:
    assert isinstance(result.exception, DisioError)
    assert exit_status(result.exception) == 2
    return str(result.exception)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_task_can_be_submitted_and_holds_the_unit(folder: Path, lang: str) -> None:
    assert run("primes", "--lang", lang).exit_code == 0
    parsed = parse_task((folder / "primes" / "task.json").read_bytes())
    assert (parsed.document.name, parsed.total) == ("primes", 100)
    assert parsed.code == (folder / "primes" / UNITS[lang]).read_bytes()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_readme_names_the_project_and_files_that_are_there(folder: Path, lang: str) -> None:
    run("primes", "--lang", lang)
    readme = (folder / "primes" / "README.md").read_text()
    assert readme.startswith("# primes\n")
    assert "{{" not in readme
    named = set(re.findall(r"\b(?:unit|make_task|task)\.\w+", " ".join(blocks(readme))))
    assert UNITS[lang] in named
    assert all((folder / "primes" / name).is_file() for name in named)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_changed_unit_goes_into_the_task_by_the_readmes_command(folder: Path, lang: str) -> None:
    run("primes", "--lang", lang)
    project = folder / "primes"
    (command,) = [block.split() for block in blocks((project / "README.md").read_text()) if "make_task" in block]
    before = (project / "task.json").read_bytes()
    subprocess.run([sys.executable, *command[1:]], cwd=project, timeout=patient(60), check=True)
    assert (project / "task.json").read_bytes() == before
    with (project / UNITS[lang]).open("ab") as unit:
        unit.write(b"\n")
    subprocess.run([sys.executable, *command[1:]], cwd=project, timeout=patient(60), check=True)
    assert parse_task((project / "task.json").read_bytes()).code == (project / UNITS[lang]).read_bytes()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_document_says_what_the_readmes_command_submits(
    folder: Path, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("primes", "--lang", lang)
    monkeypatch.chdir(folder / "primes")
    readme = Path("README.md").read_text()
    (words,) = [block.split() for block in blocks(readme) if block.startswith("disio submit")]
    shown = CliRunner().invoke(submit, [*words[2:], "--dry-run", "--json"])
    assert shown.exit_code == 0, shown.output
    document, submitted = parse_task(Path("task.json").read_bytes()), parse_task(shown.stdout.encode())
    assert (submitted.code, submitted.total) == (document.code, document.total)
    assert submitted.document.name == document.document.name == "primes"
    assert submitted.document.workunit.output == document.document.workunit.output
    assert submitted.document.policy == document.document.policy
    assert "curl" not in readme


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a b", "-a", "a.", "ü", "a" * 65, "a\n"])
def test_a_name_that_is_none_is_refused(folder: Path, name: str) -> None:
    assert "no name for a project" in refusal(run("--lang", "js", "--", name))
    assert not list(folder.iterdir())


def test_a_folder_with_files_is_refused_by_name_and_left_as_it_is(folder: Path) -> None:
    (folder / "primes").mkdir()
    (folder / "primes" / "mine.txt").write_text("mine")
    assert "primes/ is there and has files" in refusal(run("primes", "--lang", "js"))
    assert [file.name for file in (folder / "primes").iterdir()] == ["mine.txt"]


def test_force_replaces_the_templates_files_and_no_others(folder: Path) -> None:
    run("primes", "--lang", "js")
    (folder / "primes" / "unit.js").write_text("changed")
    (folder / "primes" / "mine.txt").write_text("mine")
    assert run("primes", "--lang", "js", "--force").exit_code == 0
    assert (folder / "primes" / "unit.js").read_bytes() == (TEMPLATES / "js" / "unit.js").read_bytes()
    assert (folder / "primes" / "mine.txt").read_text() == "mine"


def test_an_empty_folder_is_as_good_as_none(folder: Path) -> None:
    (folder / "primes").mkdir()
    assert run("primes", "--lang", "js").exit_code == 0


def test_a_file_of_that_name_is_told_of(folder: Path) -> None:
    (folder / "primes").write_text("a file")
    assert re.fullmatch(r"NAME: primes/ cannot be written: .+ \(.+\)", refusal(run("primes", "--lang", "js")))


def test_with_json_it_tells_programs_what_it_wrote(folder: Path) -> None:
    shown = json.loads(run("primes", "--lang", "wasm-c", "--json").output)
    assert shown["unit"] == "unit.wasm"
    assert sorted(shown["files"]) == sorted(file.name for file in (folder / "primes").iterdir())


def test_the_built_unit_is_what_the_readmes_command_makes_of_the_source(folder: Path) -> None:
    pytest.importorskip("ziglang", reason="the C compiler of the template: pip install ziglang")
    run("primes", "--lang", "wasm-c")
    (command,) = [block for block in blocks((folder / "primes" / "README.md").read_text()) if "ziglang" in block]
    unit = folder / "primes" / "unit.wasm"
    before = unit.read_bytes()
    unit.unlink()
    subprocess.run([sys.executable, *command.split()[1:]], cwd=folder / "primes", timeout=patient(110), check=True)
    assert unit.read_bytes() == before


def blocks(readme: str) -> list[str]:
    """Return the README's commands."""
    return re.findall(r"```bash\n(.*?)```", readme, re.DOTALL)
