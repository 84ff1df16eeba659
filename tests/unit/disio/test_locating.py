"""Which manager a command means."""

import json
import os
from pathlib import Path

import pytest

from disio.cli import exit_status
from disio.locating import locate
from disio.rest import RestProblem
from disio_shared.errors import ConfigError, DisioError, ManagerUnreachable, NotAuthorized, TaskNotFound


def running(folder: Path) -> None:
    """Make a data directory look as if a manager ran on it."""
    (folder / "manager.json").write_text(json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:1"}))
    (folder / "admin.token").write_text("secret")


def test_the_data_directory_names_the_manager_that_runs_on_it(tmp_path: Path) -> None:
    running(tmp_path)
    assert locate(None, None, tmp_path) == ("http://127.0.0.1:1", tmp_path / "admin.token")


def test_what_is_named_comes_first(tmp_path: Path) -> None:
    running(tmp_path)
    other = tmp_path / "other.token"
    other.write_text("x")
    assert locate("http://m", other, tmp_path) == ("http://m", other)


def test_no_manager_is_unreachable_and_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ManagerUnreachable, match="--manager"):
        locate(None, None, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_missing_token_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(NotAuthorized, match="--token-file"):
        locate("http://m", None, tmp_path)


@pytest.mark.parametrize("url", ["127.0.0.1:8700", "ftp://m", "http://", "http://[", "http://m:99999", ""])
def test_a_manager_that_is_no_url_is_refused_at_once(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--manager: .* is no URL \(write http://HOST:PORT\)"):
        locate(url, None, tmp_path)


def test_a_manager_that_says_no_address_is_none(tmp_path: Path) -> None:
    (tmp_path / "manager.json").write_text(json.dumps({"pid": os.getpid()}))
    with pytest.raises(ManagerUnreachable, match="disio up"):
        locate(None, None, tmp_path)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("x", "y"), 2),
        (TaskNotFound("t"), 3),
        (RestProblem(404, "no task", []), 3),
        (RestProblem(401, "token", []), 4),
        (NotAuthorized("token"), 4),
        (ManagerUnreachable("http://m", "away"), 5),
        (RestProblem(409, "conflict", []), 1),
        (DisioError("x"), 1),
    ],
)
def test_exit_statuses_are_those_of_the_contract(error: DisioError, status: int) -> None:
    assert exit_status(error) == status
