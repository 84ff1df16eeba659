"""Ends growing tasks that nothing more is given, after the time that their documents say (``idle_s``).

Rule: a task is ended only while nothing of it is open, by the manager that looks after it; time counts anew from a
manager's start.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from disio_manager.core.records import TaskRecord
from disio_manager.growth_news import close_log, tell_growth
from disio_manager.service import ManagerService
from disio_shared.errors import DisioError, UnavailableError
from disio_shared.logs import logger

LOOK_S = 2.0
"""Seconds between looks."""


class _Idle(msgspec.Struct):
    idle_s: float = 0.0


_spec = msgspec.json.Decoder(_Idle)


@dataclass(slots=True)
class _Watched:
    limit_s: float
    total: int
    since: float


class Idleness:
    """Watches growing tasks."""

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}

    def look(self, records: Iterable[TaskRecord], now: float) -> list[TaskRecord]:
        """Return the tasks that have been idle for as long as they may.

        Args:
            records: Every growing task that is given its payloads.
            now: Steady time, seconds.
        """
        idle, seen = [], {}
        for record in records:
            known = self._watched.get(record.id)
            if known is None:
                known = _Watched(_spec.decode(record.payloads).idle_s, record.total, now)
            is_working = record.done + record.failed < record.total or record.state == "paused"
            if is_working or record.total != known.total:
                known.total, known.since = record.total, now
            if known.limit_s and now - known.since >= known.limit_s:
                idle.append(record)
            seen[record.id] = known
        self._watched = seen
        return idle


class Idling:
    """Ends idle tasks."""

    def __init__(self, service: ManagerService) -> None:
        self._service, self._idleness = service, Idleness()
        self._log = logger("manager.idling")

    async def run(self) -> None:
        """Look until cancelled; what cannot be done now is done with a later look."""
        while True:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(UnavailableError):  # a core that waits for its database shows nothing
                await self._round()

    async def _round(self) -> None:
        for record in self._idleness.look(self._service.coordinator.given(), self._service.clock.steady()):
            with contextlib.suppress(DisioError):
                await close_log(self._service, record)
                await tell_growth(self._service, record.id, record.total)
                self._log.info("closed, since nothing more came", task=record.id)
