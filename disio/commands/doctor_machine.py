"""Checks of the machine itself: Python, platform, cores, memory.

Rule: what is told is what this process sees, not what the hardware has.
"""

import os
import platform
import sys
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass

import psutil

from disio.finishing import to_its_end

OK, WARN, FAIL = "ok", "warn", "fail"
PYTHON = (3, 11)
MB = 1 << 20
MB_PER_CORE = 256
"""What a busy engine takes."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    status: str
    """``ok``, ``warn`` or ``fail``."""
    text: str
    remedy: str = ""


async def guarded(name: str, check: Awaitable[Check]) -> Check:
    """Return what a check says, or that it broke: the others are made all the same; what it started is gone."""
    try:
        return await to_its_end(check)
    except Exception as error:
        return broken(name, error)


def broken(name: str, error: Exception) -> Check:
    """Return what is said of a check that broke."""
    problem = f"cannot be looked at: {type(error).__name__}: {error}"
    return Check(name, FAIL, problem, "see to what it names, and look again")


def checks() -> Iterator[Check]:
    """Make the checks."""
    yield python(sys.version_info[:2], platform.python_version())
    yield Check("platform", OK, f"{platform.system()} {platform.release()} on {platform.machine()}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("cores", OK, f"{cores} that this process may use")
    usage = psutil.virtual_memory()
    yield memory(cores, usage.available // MB, usage.total // MB)


def python(version: tuple[int, ...], shown: str) -> Check:
    """Judge a Python version."""
    if version < PYTHON:
        return Check("python", FAIL, f"{shown} is too old", f"install Python {PYTHON[0]}.{PYTHON[1]} or newer")
    return Check("python", OK, f"{platform.python_implementation()} {shown} at {sys.executable}")


def memory(cores: int, available_mb: int, total_mb: int) -> Check:
    """Judge the memory that is free now, for a client that lends every core."""
    text = f"{available_mb:,} MB of {total_mb:,} MB available"
    fitting = available_mb // MB_PER_CORE
    if fitting >= cores:
        return Check("memory", OK, text)
    remedy = f"lend fewer cores: disio client start --cores {max(1, fitting)}"
    return Check("memory", WARN, f"{text}, under {MB_PER_CORE} MB for each core", remedy)
