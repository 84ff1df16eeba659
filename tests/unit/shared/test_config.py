"""Where a setting comes from, and what is refused."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from disio_shared.config import load_settings
from disio_shared.errors import ConfigError


class Settings(msgspec.Struct, frozen=True):
    port: int = 8700
    data_dir: str = ""
    zeroconf: bool = True
    interfaces: list[str] = []


def load(tmp_path: Path, flags: dict[str, Any] | None = None, environ: dict[str, str] | None = None) -> Settings:
    return load_settings(Settings, "manager", flags or {}, environ or {}, tmp_path)


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    assert load(tmp_path).port == 8700
    (tmp_path / "disio.toml").write_text("data_dir = 'all'\n[manager]\nport = 1\n[distributor]\nport = 9\n")
    assert load(tmp_path) == Settings(port=1, data_dir="all")
    assert load(tmp_path, environ={"DISIO_PORT": "2"}).port == 2
    assert load(tmp_path, environ={"DISIO_PORT": "2", "DISIO_MANAGER_PORT": "3"}).port == 3
    assert load(tmp_path, {"port": 4, "data_dir": None}, {"DISIO_PORT": "2"}) == Settings(port=4, data_dir="all")


def test_environment_texts_become_booleans_and_lists(tmp_path: Path) -> None:
    settings = load(tmp_path, environ={"DISIO_ZEROCONF": "False", "DISIO_INTERFACES": "127.0.0.1, 10.0.0.1"})
    assert settings == Settings(zeroconf=False, interfaces=["127.0.0.1", "10.0.0.1"])


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[manager]\nport = 5\n")
    assert load(tmp_path, environ={"DISIO_CONFIG": str(tmp_path / "other.toml")}).port == 5
    with pytest.raises(ConfigError, match="DISIO_CONFIG"):
        load(tmp_path, environ={"DISIO_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[manager]\nprot = 1", "did you mean port"),
        ("[manger]\nport = 1", "did you mean manager"),
        ("[manager]\nport = 'x'", "port: must be a whole number, not 'x'"),
        ("manager = 1", "must be a table"),
        ("[manager", "does not read"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "disio.toml").write_text(text)
    with pytest.raises(ConfigError, match=told):
        load(tmp_path)


def test_a_wrong_environment_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"DISIO_MANAGER_PROT.*did you mean DISIO_MANAGER_PORT"):
        load(tmp_path, environ={"DISIO_MANAGER_PROT": "1"})
    with pytest.raises(ConfigError, match="DISIO_PORT: must be a whole number, not 'many'"):
        load(tmp_path, environ={"DISIO_PORT": "many"})
