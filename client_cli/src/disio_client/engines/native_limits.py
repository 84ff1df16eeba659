"""Resource limits of a native worker, set by the worker itself before it has any unit code.

Rule: what the platform does not have is left out here, and told by ``disio doctor``.
"""

import contextlib
import sys

DEFAULT_MEMORY_MB = 512
"""Memory of one unit when its task does not say."""
SLACK_MB = 128
"""What the interpreter itself may need while a unit runs."""
LOADING_MB = 512
"""What the unit's imports may map beside that; numpy maps far more than it uses."""
MAX_FILES = 256
MAX_FILE_BYTES = 16 << 20
MORE_PROCESSES = 64
"""Processes and threads of a worker, beside all that run when it starts."""
MB = 1 << 20
RESERVE_BYTES = 4 * MB


class Reserve:
    """Memory that is kept back, so that there is some for telling that a unit has used all of its own."""

    def __init__(self) -> None:
        self._kept: bytearray | None = None

    def keep(self) -> None:
        """Take it, unless it is there; raises MemoryError."""
        if self._kept is None:
            self._kept = bytearray(RESERVE_BYTES)

    def free(self) -> None:
        """Give it back, which takes none."""
        self._kept = None


def limit_process() -> None:
    """Bound open files, the size of files, and processes (which does not bind root); no core dumps."""
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: MAX_FILES, resource.RLIMIT_FSIZE: MAX_FILE_BYTES}
    threads = _threads()
    if threads:
        limits[resource.RLIMIT_NPROC] = threads + MORE_PROCESSES
    for which, most in limits.items():
        _lower(which, most)


def limit_memory(memory_mb: int, is_loading: bool) -> None:
    """Bound what the process may allocate from now on, so that too much is a MemoryError in the unit's own code.

    Args:
        memory_mb: Of the task; 0 = the default.
        is_loading: Whether the unit's imports come next, or the unit itself.
    """
    if sys.platform != "linux":  # elsewhere the client watches the resident memory alone
        return
    import resource

    more_mb = (memory_mb or DEFAULT_MEMORY_MB) + (LOADING_MB if is_loading else SLACK_MB)
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/self/statm", "rb") as file:
            pages = int(file.read().split()[5])
        soft = pages * resource.getpagesize() + more_mb * MB
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard < 0 else min(soft, hard), hard))


def _lower(which: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(which, (least, least))


def _threads() -> int:
    """Return how many threads this machine has now; 0 = unknown. The limit counts those of the user."""
    try:
        with open("/proc/loadavg", encoding="ascii") as file:
            return int(file.read().split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return 0
