"""Which browser is taken, which files a language gets, and what is said when they are not there."""

import json
import os
from pathlib import Path

import pytest

from disio.trial import browser
from disio.trial.browser import find_browser
from disio.trial.kits import files_of
from disio.trial.trials import TrialFailed


def program(folder: Path, name: str) -> Path:
    """Make a program of this name."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without browsers in the usual places."""
    monkeypatch.setattr(browser, "PLACES", ())


@pytest.mark.parametrize("name", ["chromium", "google-chrome-stable", "microsoft-edge"])
def test_a_browser_on_the_path_is_found(tmp_path: Path, nowhere: None, name: str) -> None:
    file = program(tmp_path, name)
    assert find_browser({"PATH": str(tmp_path)}) == str(file)


def test_the_variable_comes_first_as_path_or_name(tmp_path: Path) -> None:
    program(tmp_path / "a", "chromium")
    mine = program(tmp_path / "b", "mine")
    path = f"{tmp_path / 'a'}{os.pathsep}{tmp_path / 'b'}"
    assert find_browser({"PATH": path, "DISIO_BROWSER": "mine"}) == str(mine)
    assert find_browser({"PATH": path, "DISIO_BROWSER": str(mine)}) == str(mine)


def test_no_browser_is_told_with_what_to_do(tmp_path: Path, nowhere: None) -> None:
    with pytest.raises(TrialFailed, match=r"no browser.*DISIO_BROWSER.*--engine cli"):
        find_browser({"PATH": str(tmp_path)})


def test_a_browser_that_is_named_and_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    program(tmp_path, "chromium")
    with pytest.raises(TrialFailed, match="'nope', which is no program"):
        find_browser({"PATH": str(tmp_path), "DISIO_BROWSER": "nope"})


def test_languages_without_a_kit_need_no_files(tmp_path: Path) -> None:
    assert files_of("javascript", tmp_path) == {}
    assert files_of("wasm", tmp_path) == {}


def test_a_kit_that_is_not_built_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrialFailed, match=r"python units need are not built.*make web"):
        files_of("python", tmp_path)


def test_the_files_of_a_language_are_those_of_the_builds_list(tmp_path: Path) -> None:
    kit = {"python": {"name": "python-9", "files": [{"name": "a.mjs", "sha256": "", "bytes": 1}]}}
    (tmp_path / "kits.json").write_text(json.dumps(kit))
    assert files_of("python", tmp_path) == {"a.mjs": tmp_path / "python-9" / "a.mjs"}
