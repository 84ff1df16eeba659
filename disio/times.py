"""Moments and times as people write and read them.

Rule: a moment is told as seconds since 1970-01-01 UTC; one without a zone is this machine's time.
"""

import datetime
import re
import time

from disio_shared.errors import ConfigError

_SPAN = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
FORMS = "write 2026-12-24T18:00, seconds since 1970, or a time from now like 2h30m"


def moment(flag: str, text: str) -> float | None:
    """Return a moment: seconds since 1970, a date and time, or a time from now; None = ``none``.

    Raises:
        ConfigError: It is nothing of that.
    """
    if text == "none":
        return None
    span = span_s(text)
    if span is not None:
        return round(time.time() + span, 3)
    try:
        return float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else _date(text)
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(flag, f"{text!r} is no moment", FORMS) from error


def span_s(text: str) -> float | None:
    """Return the seconds of ``1d2h3m4s``, or of a part of it; None = it is none."""
    found = _SPAN.fullmatch(text)
    if found is None or not text:
        return None
    sizes = (86_400, 3_600, 60, 1)
    return float(sum(int(part) * size for part, size in zip(found.groups(default="0"), sizes, strict=True)))


def time_text(seconds: float) -> str:
    """Return a time as people say it: ``7s``, ``1m27s``, ``3h05m``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def _date(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()
