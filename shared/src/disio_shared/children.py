"""Child processes that do not outlive their parent.

Rule: on Linux the kernel ends such a child when its parent dies without a word; elsewhere the parent's own clean end
must do it.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Run in the child: ask for a SIGTERM when the parent dies, and end at once when it is dead already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGTERM)


BOUND_TO_PARENT: Callable[[], None] | None = _die_with_parent if sys.platform == "linux" else None
"""What to pass as ``preexec_fn`` when a process is started."""
