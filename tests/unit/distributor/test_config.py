"""Settings, and the command lines made of them."""

from pathlib import Path

import msgspec
import pytest

from disio_distributor.config import DistributorSettings, check_settings, size_in_bytes
from disio_distributor.supervisor import flags_of
from disio_shared.config import load_settings
from disio_shared.errors import ConfigError


def test_the_defaults_are_fine_and_look_for_managers_by_zeroconf() -> None:
    settings = DistributorSettings()
    check_settings(settings)
    assert (settings.manager, settings.manager_urls, settings.port) == (["zeroconf"], [], 8710)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("manager", ["tcp://x:1"], "--manager"),
        ("manager", ["http://x:99999"], "--manager"),
        ("manager", ["http://["], "--manager"),
        ("manager", [], "--manager"),
        ("public_url", "d.example.org", "--public-url"),
        ("port", -1, "--port"),
        ("cache_limit", "much", "--cache-limit"),
        ("cache_limit", "1MiB", "--cache-limit"),
        ("max_clients", 0, "--max-clients"),
        ("processes", 65, "--processes"),
        ("name", "a\nb", "--name"),
        ("hello_timeout_s", 0, "hello_timeout_s"),
        ("join_token_file", "/nowhere/at/all", "--join-token-file"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(field: str, value: object, named: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_settings(DistributorSettings(**{field: value}))  # type: ignore[arg-type]
    assert refused.value.setting == named


@pytest.mark.parametrize(
    ("text", "size"),
    [("16777216", 1 << 24), ("500MiB", 500 << 20), ("10 gib", 10 << 30), ("2T", 2 << 40), ("7kB", 7 << 10)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


def test_environment_and_file_set_what_flags_leave_open(tmp_path: Path) -> None:
    (tmp_path / "disio.toml").write_text('[distributor]\nregion = "north"\nmax_clients = 5\n')
    environ = {"DISIO_DISTRIBUTOR_MANAGER": "http://a:1,http://b:2", "DISIO_MAX_CLIENTS": "7"}
    settings = load_settings(DistributorSettings, "distributor", {"port": 9}, environ, tmp_path)
    assert settings.manager_urls == ["http://a:1", "http://b:2"]
    assert (settings.region, settings.max_clients, settings.port) == ("north", 7, 9)


def test_flags_of_settings_mean_the_same_settings(tmp_path: Path) -> None:
    settings = DistributorSettings(
        manager=["http://a:1", "zeroconf"],
        port=5,
        zeroconf=False,
        zeroconf_interface=["127.0.0.1"],
        json=True,
        name="n",
    )
    words = flags_of(settings)
    assert words.count("--manager") == 2
    assert "--no-zeroconf" in words and "--json" in words
    assert "--hello-timeout-s" not in words
    from disio_distributor.cli import start

    known = {flag for parameter in start.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
    fields = {field.name for field in msgspec.structs.fields(DistributorSettings)} - {"hello_timeout_s", "drain_s"}
    assert {f"--{name.replace('_', '-')}" for name in fields} <= known
