"""What one running native Python unit may say, within the limits that runtime/unit.ts has.

Rule: nothing a unit calls in a loop can fill the pipe: logs are counted in bytes, progress and states in calls a
second.
Imports the standard library alone: it runs in the worker process.
"""

import time
from collections.abc import Callable
from typing import Any

from disio_client.engines.native_random import seeded_random
from disio_client.engines.python_values import decode_value, encode_value

MAX_LOG_BYTES = 65_536
"""Bytes of log that one unit may write when its task does not say."""
MAX_LOG_LINE = 4_000
STATE_BURST, STATES_PER_S = 20.0, 5.0
"""States that pass at once, and how many more each second; what comes too fast is dropped."""
PROGRESS_GAP_S = 0.1

Post = Callable[[dict[str, Any]], None]


class RunningUnit:
    """The unit API of one unit of one run; dead after the unit was answered: late calls from threads are ignored."""

    __slots__ = (
        "_credit",
        "_credit_at",
        "_draw",
        "_is_alive",
        "_log_limit",
        "_logged",
        "_post",
        "_progress_at",
        "_task",
        "_token",
        "index",
        "state",
    )

    def __init__(self, task: str, token: str, index: int, state: bytes | None, max_log: int, post: Post) -> None:
        self._task, self._token, self._post = task, token, post
        self._log_limit = max_log or MAX_LOG_BYTES
        self._is_alive = True
        self._logged = 0
        self._progress_at = float("-inf")
        self._credit, self._credit_at = STATE_BURST, 0.0
        self._draw: Callable[[], float] | None = None
        self.index = index
        self.state = None if state is None else decode_value(state)
        """What an earlier client saved, or None."""

    def save_state(self, state: Any) -> None:
        """Have ``state`` kept, for the client that goes on with this unit if this one goes away."""
        data = encode_value(state, "state")
        now = time.perf_counter()
        self._credit = min(STATE_BURST, self._credit + (now - self._credit_at) * STATES_PER_S)
        self._credit_at = now
        if self._is_alive and self._credit >= 1:
            self._credit -= 1
            self._post({"type": "checkpoint", "token": self._token, "index": self.index, "state": data})

    @property
    def saveState(self) -> Callable[[Any], None]:
        """``save_state`` by its name in the other languages."""
        return self.save_state

    def progress(self, fraction: float) -> None:
        """Tell how far the unit is, from 0 to 1."""
        now = time.perf_counter()
        if self._is_alive and 0 <= fraction <= 1 and now - self._progress_at >= PROGRESS_GAP_S:
            self._progress_at = now
            message = {"type": "progress", "token": self._token, "index": self.index, "fraction": float(fraction)}
            self._post(message)

    def log(self, *parts: Any) -> None:
        """Write a line to the unit's log."""
        if not self._is_alive or self._logged >= self._log_limit:
            return
        text = " ".join(map(str, parts))[:MAX_LOG_LINE]
        data = text.encode(errors="replace")
        left = self._log_limit - self._logged
        # A line costs its line end, too, so that empty lines do not come without number.
        self._logged += len(data) + 1
        text = data[:left].decode(errors="ignore")
        if len(data) + 1 >= left:
            text += f" [this unit's log ends here: its limit is {self._log_limit} bytes]"
        self._post({"type": "log", "token": self._token, "index": self.index, "text": text})

    def random(self) -> float:
        """Return a double in [0, 1): the same sequence for the same task and index everywhere."""
        if self._draw is None:
            self._draw = seeded_random(self._task, self.index)
        return self._draw()

    def end(self) -> None:
        """Ignore what is called from now on."""
        self._is_alive = False
