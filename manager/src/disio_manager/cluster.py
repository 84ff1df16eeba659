"""The other managers on a shared database: who is alive, what they did, and what is left of those that are gone.

Rule: alive is whose beat changed within ``ALIVE_S`` of this process's own steady clock; no two clocks are compared.
"""

import asyncio
from dataclasses import dataclass

import msgspec

from disio_manager.core.events import ClusterSeen, StretchesTaken, Ticked
from disio_manager.core.records import LoadedTask, Peer, TaskRecord
from disio_manager.presence import ALIVE_S, Presence
from disio_manager.service import ManagerService
from disio_manager.stores.base import ManagerEntry
from disio_shared.errors import StoreUnavailable
from disio_shared.logs import logger
from disio_shared.taskdoc import OPEN_STATES

ROUND_S = 1.0
"""Seconds between two looks at the registry, and at what the others did while there are any."""
RECOUNT_S = 120.0
"""Seconds after the start, and between two recounts: nothing waits for one, and it may hold writes up (FerretDB)."""
BLIND_S = 5.0
"""After so long without seeing the registry nobody's silence counts: it may have been we who were away."""


@dataclass(slots=True)
class _Other:
    entry: ManagerEntry
    changed: float
    """When its entry last changed, steady seconds."""


class ManagerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One manager, for people."""

    id: str
    url: str
    alive: bool
    beat_age_s: float
    """Seconds since its last sign of life, as seen from here."""
    since: float
    """When it started, seconds since 1970."""
    this: bool
    """It is the one that answers."""


class Cluster:
    """What one manager knows of the others."""

    def __init__(self, service: ManagerService, presence: Presence) -> None:
        self._service, self._store, self._presence = service, service.store, presence
        self._clock = service.clock
        self._others: dict[str, _Other] = {}
        self._ownerless: set[str] = set()
        """Whose stretches are to be taken over: managers that are gone, and owners no manager answers to."""
        self._read_at = float("-inf")
        self._looked_at = float("-inf")
        self._recounted_at = self._clock.steady()
        self._told: tuple[Peer, ...] = ()
        self._looking = asyncio.Lock()
        self._log = logger("manager.cluster")

    async def run(self) -> None:
        """Watch until cancelled; a database that is away is waited for."""
        while True:
            try:
                await self.watch()
            except StoreUnavailable as error:
                self._log.debug("cannot look at the other managers", problem=str(error))
            await asyncio.sleep(ROUND_S)

    async def watch(self) -> None:
        """Do one round.

        Raises:
            StoreUnavailable: The database does not answer; the next round does the rest.
        """
        # Read before the registry: whoever owns a stretch had enlisted before.
        strangers = set(self._service.coordinator.strangers())
        self._note(await self._store.managers(), strangers)
        for gone in sorted(self._ownerless):
            await self._take_over(gone)
        if self._is_look_due():
            await self.look()
        if self._is_recount_due() and await self._store.recount():
            await self.look()

    async def look(self) -> None:
        """Tell the core what the others did until now; alone on a database there is nothing to tell.

        Raises:
            StoreUnavailable: The database does not answer, or the core waits for it.
        """
        if not self._store.is_shared:
            return
        async with self._looking:
            peers, known = self._peers(), set(self._service.coordinator.open_tasks())
            # What was decided until here is durable after this: no task just closed is seen as open.
            await self._service.submit(Ticked(self._clock.wall()))
            look = await self._store.look(sorted(known))
            fresh = [await self._store.load_task(one.record.id) for one in look.tasks if one.record.id not in known]
            is_open = [one for one in fresh if one is not None and one.record.state in OPEN_STATES]
            await self._service.submit(ClusterSeen(peers, look, is_open, self._clock.wall()))
            self._looked_at, self._told = self._clock.steady(), peers

    def rows(self) -> list[ManagerRow]:
        """Return every manager of the cluster that is known here, this one first."""
        own = self._presence
        now = self._clock.steady()
        entry = ManagerEntry(own.manager, own.url, own.since)
        return [
            _row(entry, own.age_s() if self._store.is_shared else 0.0, is_this=True),
            *(_row(other.entry, now - other.changed) for other in self._others.values()),
        ]

    def is_ours(self, record: TaskRecord) -> bool:
        """Tell whether what is left to do about a task falls to this manager: to who changed it last, if alive."""
        me = self._presence.manager
        alive = {me, *(other.entry.id for other in self._others.values() if self._is_alive(other))}
        return me == (record.changed_by if record.changed_by in alive else min(alive))

    def _note(self, entries: list[ManagerEntry], strangers: set[str]) -> None:
        """Take in what the registry says; find out who is gone."""
        now = self._clock.steady()
        was_blind, self._read_at = now - self._read_at > BLIND_S, now
        named = {entry.id: entry for entry in entries if entry.id != self._presence.manager}
        self._ownerless = (self._ownerless | self._others.keys() | strangers) - named.keys()
        for name in self._others.keys() - named.keys():
            del self._others[name]
        for entry in named.values():
            other = self._others.get(entry.id)
            if other is None:
                self._log.info("another manager serves this database too", manager=entry.id, url=entry.url)
            if other is None or other.entry != entry or was_blind:
                self._others[entry.id] = _Other(entry, now)
        self._ownerless |= {name for name, other in self._others.items() if not self._is_alive(other)}

    async def _take_over(self, gone: str) -> None:
        """Become the owner of what a manager that is gone looked after."""
        other = self._others.get(gone)
        tasks: list[LoadedTask] = []

        async def take() -> StretchesTaken:
            tasks.extend(await self._store.take_over(gone))
            return StretchesTaken(tasks, self._clock.wall())

        # Nothing may be written between the two: of a stretch that comes back memory is old.
        await self._service.tell_alone(take)
        self._note_taken(gone, other, tasks)
        await self._store.strike_off(gone)
        self._others.pop(gone, None)
        self._ownerless.discard(gone)

    def _note_taken(self, gone: str, other: _Other | None, tasks: list[LoadedTask]) -> None:
        if other is not None:
            url = other.entry.url
            self._log.warning("a manager is gone; its work is taken over", manager=gone, url=url, tasks=len(tasks))
        elif tasks:
            self._log.info("work that no manager looked after is taken over", owner=gone, tasks=len(tasks))

    def _is_look_due(self) -> bool:
        peers = self._peers()
        waits = ROUND_S / 2 if peers else ALIVE_S
        return peers != self._told or self._clock.steady() - self._looked_at >= waits

    def _is_recount_due(self) -> bool:
        if not self._store.is_shared or self._clock.steady() - self._recounted_at < RECOUNT_S:
            return False
        self._recounted_at = self._clock.steady()
        return True

    def _peers(self) -> tuple[Peer, ...]:
        alive = [other.entry for other in self._others.values() if self._is_alive(other)]
        return tuple(Peer(id=entry.id, url=entry.url) for entry in sorted(alive, key=lambda entry: entry.id))

    def _is_alive(self, other: _Other) -> bool:
        return self._clock.steady() - other.changed < ALIVE_S


def _row(entry: ManagerEntry, age_s: float, is_this: bool = False) -> ManagerRow:
    return ManagerRow(
        id=entry.id,
        url=entry.url,
        alive=age_s < ALIVE_S,
        beat_age_s=round(max(0.0, age_s), 1),
        since=entry.since,
        this=is_this,
    )
