"""A wall clock of one process that jumps when a test says so; its steady clock is left alone.

Rule: made by libfaketime in the child process; nothing else on this machine sees another time.
"""

import os
import time
from pathlib import Path

import pytest

from tests.services.need import need
from tools import found

HOUR_S, DAY_S = 3600, 86400


class WallClock:
    """The clock of every process started while `worn`.

    Args:
        file: Where the offset is written for the child to read.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._library = need("faketime", found.faketime()).path
        self.offset_s = 0
        self.jump_to(0)

    def jump_to(self, offset_s: int) -> None:
        """Let the clock be so far from the true time from now on."""
        self.offset_s = offset_s
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{offset_s:+d}\n")
        os.replace(draft, self._file)

    def now(self) -> float:
        """Return what the clock shows, in seconds since 1970."""
        return time.time() + self.offset_s

    def worn(self, environment: pytest.MonkeyPatch) -> None:
        """Give this clock to the processes that are started from now on."""
        assert self._library is not None
        environment.setenv("LD_PRELOAD", self._library)
        environment.setenv("FAKETIME_TIMESTAMP_FILE", str(self._file))
        environment.setenv("FAKETIME_CACHE_DURATION", "1")
        environment.setenv("DONT_FAKE_MONOTONIC", "1")
        # Without this every wait for Python's lock ends at once, and the process burns a core on nothing.
        environment.setenv("FAKETIME_FORCE_MONOTONIC_FIX", "0")
