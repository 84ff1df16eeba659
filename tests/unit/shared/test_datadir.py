"""The data directory on a real file system."""

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from disio_shared.datadir import DataDir, default_path
from disio_shared.errors import ConfigError
from disio_shared.ids import fresh_secret


def test_a_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "new")
    first = data.secret("admin.token", fresh_secret)
    assert DataDir(tmp_path / "new").secret("admin.token", fresh_secret) == first
    assert stat.S_IMODE((tmp_path / "new" / "admin.token").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["admin.token"]


def test_callers_at_the_same_time_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(lambda _: DataDir(tmp_path).secret("join.token", fresh_secret), range(64)))
    assert len(secrets) == 1


def test_an_empty_secret_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("\n")
    with pytest.raises(ConfigError, match=r"admin\.token: is empty"):
        DataDir(tmp_path).secret("admin.token", fresh_secret)


def test_a_running_service_is_found_and_taken_away_by_itself(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.write_service("manager", {"url": "http://127.0.0.1:1"})
    assert data.read_service("manager") == {"pid": os.getpid(), "url": "http://127.0.0.1:1"}
    data.remove_service("manager")
    assert data.read_service("manager") is None
    assert list(tmp_path.iterdir()) == []


def test_a_stale_service_file_counts_as_none_and_is_not_ours_to_remove(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / "manager.json").write_text(json.dumps({"pid": int(ended.stdout), "url": "x"}))
    data = DataDir(tmp_path)
    assert data.read_service("manager") is None
    data.remove_service("manager")
    assert (tmp_path / "manager.json").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "1"}', '{"pid": -1}'])
def test_a_service_file_with_rubbish_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "manager.json").write_text(text)
    assert DataDir(tmp_path).read_service("manager") is None


def test_a_path_that_is_a_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--data-dir"):
        DataDir(tmp_path / "file")


def test_the_environment_names_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISIO_DATA_DIR", str(tmp_path / "there"))
    assert DataDir().path == tmp_path / "there"
    monkeypatch.delenv("DISIO_DATA_DIR")
    assert default_path().name == "disio"
