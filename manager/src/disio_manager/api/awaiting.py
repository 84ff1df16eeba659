"""Requests that wait for something to come of a task.

Rule: who waits is woken by the commit, not by a clock; everybody waits for a bounded time, and so many at most.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from disio_manager.core.commands import Announce
from disio_shared.errors import UnavailableError

MAX_WAITING = 1_000


class TooManyWaiting(UnavailableError):
    """No more requests may wait."""

    code = "too-many-waiting"


class Awaiting:
    """Those who wait, by task."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._count = 0

    def note(self, command: Announce) -> None:
        """Wake those who wait for a task."""
        for waiting in self._waiting.get(command.task, ()):
            waiting.set()

    @contextmanager
    def woken(self, task: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever something came of a task.

        Raises:
            TooManyWaiting: ``MAX_WAITING`` wait already.
        """
        if self._count >= MAX_WAITING:
            raise TooManyWaiting(f"{MAX_WAITING} requests wait already")
        event = asyncio.Event()
        self._waiting.setdefault(task, set()).add(event)
        self._count += 1
        try:
            yield event
        finally:
            self._count -= 1
            others = self._waiting[task]
            others.discard(event)
            if not others:
                del self._waiting[task]
