"""A leave in good order: waiting units go back at once, running ones get a moment, results are flushed.

Rule: it ends at the latest ``QUIT_S`` after it began, whatever the distributor does. Pure.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from disio_client.events import Command, Left, StopSlot
from disio_client.outbox import Outbox
from disio_client.workload import Workload


@dataclass(slots=True)
class Step:
    """What one look at a leave came to."""

    commands: list[Command] = field(default_factory=list)
    is_over: bool = False


class Leaving:
    """One leave: of the process, or to another distributor."""

    PATIENCE_S: ClassVar[float] = 3.0
    """Seconds that running units get to end by themselves."""
    QUIT_S: ClassVar[float] = 10.0
    OFFLINE_QUIT_S: ClassVar[float] = 3.0
    """Seconds to wait for a distributor that is away when the leave begins."""

    def __init__(self, patience_s: float, url: str, is_online: bool, now: float) -> None:
        self.url = url
        self._patience_ends = now + patience_s
        self._quit_at = now + (self.QUIT_S if is_online else self.OFFLINE_QUIT_S)
        self._is_released = self._is_over = False

    def next_deadline(self) -> float | None:
        """Return when the leave wants to be looked at again."""
        if self._is_over:
            return None
        return self._quit_at if self._is_released else min(self._patience_ends, self._quit_at)

    def advance(self, work: Workload, outbox: Outbox, now: float) -> Step:
        """Give back what can be given back now; tell whether the leave is over."""
        step = Step()
        if self._is_over:
            return step
        self._release(outbox, work.take_waiting())
        is_impatient = now >= min(self._patience_ends, self._quit_at)
        if is_impatient or not any(batch.running for batch in work.batches.values()):
            taken, stopped = work.take_running()
            step.commands = [StopSlot(slot) for slot in stopped]
            self._release(outbox, taken)
            work.batches.clear()
            self._is_released = True
        step.is_over = self._is_over = self._is_released and (len(outbox) == 0 or now >= self._quit_at)
        return step

    @staticmethod
    def _release(outbox: Outbox, taken: dict[str, list[int]]) -> None:
        if taken:
            outbox.add_release(list(taken), list(taken.values()))

    @staticmethod
    def farewell() -> Command:
        """Return the last command of a leave for good."""
        return Left()
