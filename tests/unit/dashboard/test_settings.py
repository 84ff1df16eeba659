"""What the dashboard is told at start."""

from pathlib import Path

import pytest

from disio_dashboard.settings import Settings, read_token
from disio_shared.errors import ConfigError


@pytest.mark.parametrize("url", ["127.0.0.1:8700", "ftp://host", "http://", "nonsense", "http://[bad", "http://host:x"])
def test_a_manager_that_is_no_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(ConfigError, match=r"--manager: .* \(use http://HOST:PORT, local or zeroconf\)"):
        Settings(manager=url)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_out_of_range_is_refused_by_name(port: int) -> None:
    with pytest.raises(ConfigError, match="--port"):
        Settings(port=port)


def test_only_https_in_front_makes_cookies_secure() -> None:
    assert Settings(public_url="https://disio.example").is_secure
    assert not Settings(public_url="http://disio.example").is_secure
    assert not Settings().is_secure


def test_the_token_comes_from_the_data_directory_unless_a_file_is_named(tmp_path: Path) -> None:
    assert read_token(None, tmp_path) is None
    (tmp_path / "admin.token").write_text("kept\n")
    assert read_token(None, tmp_path) == "kept"
    named = tmp_path / "other"
    named.write_text(" named ")
    assert read_token(str(named), tmp_path) == "named"


def test_a_named_token_file_must_hold_a_token(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file"):
        read_token(str(tmp_path / "none"), tmp_path)
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        read_token(str(tmp_path / "empty"), tmp_path)
    with pytest.raises(ConfigError, match="cannot read"):
        read_token(str(tmp_path), tmp_path)
