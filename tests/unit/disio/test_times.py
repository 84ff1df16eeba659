"""Moments as people write them."""

import datetime
import time

import pytest

from disio.showing import ago, columns
from disio.times import moment
from disio_shared.errors import ConfigError


def test_moments_are_seconds_since_1970() -> None:
    assert moment("--deadline", "none") is None
    assert moment("--deadline", "1999999999.5") == 1999999999.5
    assert moment("--deadline", "2026-12-24T18:00+01:00") == 1798131600.0
    local = datetime.datetime(2026, 12, 24, 18).timestamp()
    assert moment("--deadline", "2026-12-24T18:00") == local
    for text, seconds in (("90s", 90), ("2h30m", 9_000), ("1d1s", 86_401)):
        found = moment("--deadline", text)
        assert found is not None and abs(found - time.time() - seconds) < 60


@pytest.mark.parametrize("text", ["", "soon", "-5", "2h 5m", "99999999999999-01-01", "m", "nan", "1e9"])
def test_what_is_no_moment_is_told_with_the_forms(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--deadline: .* is no moment \(write 2026-12-24T18:00"):
        moment("--deadline", text)


def test_columns_are_as_wide_as_what_is_in_them_on_the_screen() -> None:
    assert list(columns([("A", "B"), ("数字", "x"), ("c", "yy")])) == ["A     B", "数字  x", "c     yy"]


def test_ages_are_one_number() -> None:
    assert [ago(seconds) for seconds in (-1, 5, 61, 7_300, 200_000)] == ["0s", "5s", "1m", "2h", "2d"]
