"""The shapes of what commands about this machine print with ``--json``: settings, keys, checks, trials, measurements.

Rule: as in ``disio.shapes``, where commands find them.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType


class Shape(msgspec.Struct, kw_only=True):
    """Base of shapes."""


class Setting(Shape):
    """One setting of the command line."""

    name: str
    value: str | None
    origin: str
    """``environment``, a file, or ``default``."""


class ConfigFile(Shape):
    """``disio config path``."""

    path: str
    exists: bool


class Key(Shape):
    """One secret of a manager, without what it is."""

    name: str
    file: str
    fingerprint: str
    """Of its SHA-256 the beginning."""
    private: bool
    """Nobody but its owner may read it."""


class Keys(Shape):
    """``disio keys show``."""

    folder: str
    keys: list[Key]


class Project(Shape):
    """``disio init``."""

    folder: str
    files: list[str]
    unit: str
    """The work unit's file."""


class Checked(Shape):
    """``disio check``: an object for each problem, then one that counts them."""

    problem: str | UnsetType = UNSET
    checked: str | UnsetType = UNSET
    problems: int | UnsetType = UNSET


class DoctorCheck(Shape):
    """One thing that ``disio doctor`` looked at."""

    name: str
    status: str
    """``ok``, ``warn`` or ``fail``."""
    text: str
    remedy: str


class Doctor(Shape):
    """``disio doctor``."""

    ok: bool
    checks: list[DoctorCheck]


class Bench(Shape):
    """``disio bench``."""

    units: int
    """Payloads of each run."""
    cores: int
    rates: list[float]
    """Units a second of each run."""
    rate: float
    """Their median."""
    cpu_us: dict[str, float]
    """Microseconds of CPU a unit, by service; medians."""


class Trial(Shape):
    """One run of ``disio test``."""

    payload: int
    engine: Literal["cli", "browser"]
    runtime: Literal["sandbox", "native"]
    walls: str | None
    repeat: int
    kind: str
    result: Any
    bytes: int | None
    error: str
    seconds: float | None
    memory_bytes: int | None
    log: list[str]


class Trials(Shape):
    """``disio test``."""

    ok: bool
    differences: list[str]
    runs: list[Trial]


class Settings(Shape):
    """``disio config show``."""

    settings: list[Setting]
