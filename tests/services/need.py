"""What a missing server means: a skip on a developer's machine, a failure where CI=true.

Remembers which servers ran, for the summary line.
"""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from tools.found import Found

LABELS = {"mongodb": "mongodb-protocol", "redis": "redis", "chromium": "chromium", "faketime": "faketime"}
REMEDY = "run `make services`"

_ran: dict[str, Found] = {}
_missing: set[str] = set()


def in_ci() -> bool:
    """Whether this run must not leave anything out."""
    return os.environ.get("CI", "").lower() in {"true", "1"}


def need(service: str, found: Found | None) -> Found:
    """Return what was found and remember that it ran; without it, skip or fail the test."""
    if found is None:
        _missing.add(service)
        _without(f"no {LABELS[service]} server: {REMEDY}")
    _ran[service] = found
    return found


def _without(reason: str) -> NoReturn:
    if in_ci():
        pytest.fail(f"CI=true and {reason}", pytrace=False)
    pytest.skip(reason)


def summary() -> str:
    """One line: each server, and whether it ran."""
    return "servers: " + ", ".join(_told(service) for service in LABELS)


def _told(service: str) -> str:
    label = LABELS[service]
    if service in _ran:
        version = _ran[service]
        shown = f"{version}" if version.kind != label else version.version
        return f"{label} ran ({shown})"
    return f"{label} MISSING, its tests were skipped ({REMEDY})" if service in _missing else f"{label} not used"
