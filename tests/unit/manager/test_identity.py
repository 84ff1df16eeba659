"""Keys and tokens in a real data directory."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_manager.identity import Identity, is_same_secret, load_identity
from disio_shared.datadir import DataDir
from disio_shared.errors import ConfigError


def test_keys_and_tokens_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first = load_identity(DataDir(tmp_path))
    assert load_identity(DataDir(tmp_path)) == first
    assert len(first.curve_public) == 40 and first.admin_token != first.join_token
    for name in ("curve.json", "admin.token", "join.token"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    shown = repr(first)
    assert first.admin_token not in shown and first.join_token not in shown
    assert first.curve_secret.decode() not in shown


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"public": "x", "secret": "y"}'])
def test_damaged_keys_are_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "curve.json").write_text(text)
    with pytest.raises(ConfigError, match=r"curve\.json"):
        load_identity(DataDir(tmp_path))


def test_two_keys_that_are_no_pair_are_refused(tmp_path: Path) -> None:
    one, two = load_identity(DataDir(tmp_path / "a")), load_identity(DataDir(tmp_path / "b"))
    mixed = Identity(one.curve_public, two.curve_secret, "", "", "")
    text = f'{{"public": "{mixed.curve_public.decode()}", "secret": "{mixed.curve_secret.decode()}"}}'
    (tmp_path / "curve.json").write_text(text.replace("\\", "\\\\"))
    with pytest.raises(ConfigError, match="no pair"):
        load_identity(DataDir(tmp_path))


@pytest.mark.parametrize("text", ["", "nonsense", "whsec_", "whsec_AAAA"])
def test_a_damaged_webhook_secret_is_refused_by_name(tmp_path: Path, text: str) -> None:
    made = load_identity(DataDir(tmp_path)).webhook_secret
    assert load_identity(DataDir(tmp_path)).webhook_secret == made and made.startswith("whsec_")
    (tmp_path / "webhook.secret").write_text(text)
    with pytest.raises(ConfigError, match=r"webhook\.secret"):
        load_identity(DataDir(tmp_path))


@given(st.text(), st.text(alphabet="abcxyz-_"))
def test_only_the_same_text_is_the_same_secret(given_text: str, expected: str) -> None:
    assert is_same_secret(given_text, expected) is (given_text == expected)
    assert is_same_secret(expected, expected)
