"""What this machine has to lend: cores, and memory for each unit.

Rule: never more than an engine lets a unit use, and never more than all slots together can have at the same time.
"""

import contextlib
import os
from pathlib import Path

import psutil

from disio_client.engines.base import MB
from disio_client.engines.deno import HEAP_MB

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may use, in bytes, or ``max``."""


def default_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every platform
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def unit_memory_mb(slots: int, limit_file: Path = CGROUP_LIMIT) -> int:
    """Return what one of this many units may use, in MiB; at least 1."""
    total = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):  # no such limit here
        total = min(total, int(limit_file.read_text()))
    return max(1, min(HEAP_MB, total // MB // slots))


def kept_memory_mb(slots: int, limit_file: Path = CGROUP_LIMIT) -> int:
    """Return what one of this many slots may keep for tasks that come again, in MiB: half of what a unit may use."""
    return unit_memory_mb(slots, limit_file) // 2
