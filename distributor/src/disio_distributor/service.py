"""The distributor's shell: the core over its cache, and its commands carried out.

Rule: when the cache fails, nothing is answered; when it is back, the core starts anew from it, and so do all sessions.
"""

import asyncio
import contextlib
from typing import Protocol

import msgspec

from disio_distributor.core.changes import Change
from disio_distributor.core.commands import (
    CloseClient,
    Command,
    Drained,
    ReadOutbox,
    Reply,
    SendClient,
    SendManager,
    Undrained,
)
from disio_distributor.core.dispatcher import Dispatcher
from disio_distributor.core.events import DrainAsked, Event, OutboxRead, Ticked
from disio_distributor.core.keyring import Keyring
from disio_distributor.core.settings import CoreSettings
from disio_distributor.core.standing import Standing
from disio_distributor.core.stats import Stats
from disio_distributor.keeping import CacheKeeper
from disio_distributor.stores.base import DistributorCache
from disio_shared.clock import Clock
from disio_shared.errors import DisioError, StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.logs import logger
from disio_shared.messages import BlockRef, Deliver, Status
from disio_shared.shell import Shell

READ_PAUSE_S = 1.0
"""Between two tries to read from a cache in trouble."""

log = logger("distributor.service")


class ClientSide(Protocol):
    """What carries out commands about clients."""

    @property
    def turned_away(self) -> int:
        """Return how many clients were refused or redirected for want of places since the process began."""
        ...

    def perform(self, command: SendClient | Reply | CloseClient) -> None:
        """Carry out a command; never waits."""
        ...

    def drop_all(self) -> None:
        """Cut every session."""
        ...


class ManagerSide(Protocol):
    """What carries out commands about managers."""

    def perform(self, command: SendManager) -> None:
        """Carry out a command; never waits."""
        ...

    def restart(self) -> None:
        """Begin new sessions."""
        ...


class DistributorService:
    """Runs the core.

    Args:
        cache: What the core remembers.
        settings: The core's numbers.
        clock: Steady time for all decisions; wall time only names the moment at which counting began.
        cache_limit: Bytes that the cache may take.
    """

    def __init__(self, cache: DistributorCache, settings: CoreSettings, clock: Clock, cache_limit: int) -> None:
        self._cache, self._settings, self._clock = cache, settings, clock
        self._shell: Shell[Event, Change, Command] = Shell(
            self._load, cache, self._perform, Ticked, clock, self._on_trouble
        )
        self._dispatcher: Dispatcher | None = None
        self._clients: ClientSide | None = None
        self._managers: ManagerSide | None = None
        self._keeper = CacheKeeper(cache, cache_limit)
        self._running: asyncio.Task[None] | None = None
        self._minding: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[None]] = set()
        self._since, self._turned_before = 0.0, 0
        self.distributor_id = ""
        self.is_well = False
        """The cache answers."""
        self.drained = asyncio.Event()
        self.broken = asyncio.Event()
        """Set when the core failed in a way that no restart of the cache heals: the process must end."""

    def connect(self, clients: ClientSide, managers: ManagerSide) -> None:
        """Name those who carry out commands; comes before ``start``."""
        self._clients, self._managers = clients, managers

    async def load(self) -> None:
        """Load the core.

        Raises:
            StoreUnavailable: The cache is not there.
        """
        await self._shell.start()
        self.is_well = True

    def start(self) -> None:
        """Serve until ``stop``."""
        self._running = asyncio.create_task(self._shell.run())
        self._running.add_done_callback(self._has_ended)
        self._minding = asyncio.create_task(self._keeper.run(self._shell.post))

    async def stop(self) -> None:
        """Stop handling events; what was not answered is not answered any more."""
        tasks = [task for task in (self._running, self._minding, *self._reading) if task is not None]
        self._running = self._minding = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def submit(self, event: Event) -> None:
        """Hand an event in and wait until what follows is durable.

        Raises:
            DisioError: The core refused it, or the cache failed.
        """
        await self._shell.submit(event)

    def post(self, event: Event) -> bool:
        """Hand an event in without waiting; return False when it was dropped."""
        return self._shell.post(event)

    async def drain(self, timeout_s: float) -> bool:
        """Move clients away, bring results home, give blocks back; return whether it was done in time."""
        with contextlib.suppress(TimeoutError, DisioError):
            async with asyncio.timeout(timeout_s):
                await self._shell.submit(DrainAsked("the distributor stops"))
                await self.drained.wait()
        return self.drained.is_set()

    def held(self, cluster: str) -> list[BlockRef]:
        """Return the blocks that are held of one cluster, for Join."""
        return self._dispatcher.held(cluster) if self._dispatcher is not None else []

    def standing(self) -> Standing:
        """Return what operators want; none while it waits for its cache."""
        return self._dispatcher.standing if self._dispatcher is not None else Standing({})

    def keyring(self) -> Keyring | None:
        """Return the keys of the clusters; None while it waits for its cache."""
        return self._dispatcher.keyring if self._dispatcher is not None else None

    def stats(self) -> Stats | None:
        """Return the core's numbers, or None while it waits for its cache."""
        return self._dispatcher.stats(self._clock.steady()) if self._dispatcher is not None else None

    async def _load(self) -> Dispatcher:
        snapshot = await self._cache.load()
        space = await self._keeper.measure()
        self.distributor_id = snapshot.distributor_id
        now = self._clock.steady()
        dispatcher = Dispatcher.restore(snapshot, self._settings, fresh_id(), now, self._clock.wall())
        dispatcher.handle(space, now)
        self._dispatcher, self._since, self._turned_before = dispatcher, self._clock.wall(), self._turned_away()
        return dispatcher

    def _perform(self, command: Command) -> None:
        if isinstance(command, Drained):
            self.drained.set()
        elif isinstance(command, Undrained):
            self.drained.clear()
        elif isinstance(command, ReadOutbox):
            self._read(command.ids)
        elif isinstance(command, SendManager):
            if self._managers is not None:
                self._managers.perform(self._completed(command))
        elif self._clients is not None:
            self._clients.perform(command)

    def _completed(self, command: SendManager) -> SendManager:
        """Add to a Status, or to a Deliver with tallies, what only the shell knows."""
        if isinstance(command.message, Deliver) and command.message.tallies:
            return SendManager(command.link, msgspec.structs.replace(command.message, since=self._since))
        if not isinstance(command.message, Status):
            return command
        status = msgspec.structs.replace(
            command.message,
            durability=self._keeper.durability,
            since=self._since,
            turned_away=self._turned_away() - self._turned_before,
        )
        return SendManager(command.link, status)

    def _turned_away(self) -> int:
        return self._clients.turned_away if self._clients is not None else 0

    def _read(self, ids: list[int]) -> None:
        """Read entries of the outbox back, beside the loop."""
        reading = asyncio.create_task(self._read_for(self._dispatcher, ids))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)

    async def _read_for(self, asker: Dispatcher | None, ids: list[int]) -> None:
        """Read until it works, or until the core that asked is gone."""
        while self._dispatcher is asker:
            with contextlib.suppress(StoreUnavailable):
                entries = await self._cache.outbox(ids)
                found = {entry.id for entry in entries}
                await self._shell.submit(OutboxRead(entries, [number for number in ids if number not in found]))
                return
            await asyncio.sleep(READ_PAUSE_S)

    def _on_trouble(self, trouble: StoreUnavailable | None) -> None:
        if trouble is not None:
            self.is_well, self._dispatcher = False, None
            log.error("cache away; nothing is acknowledged until it is back", reason=str(trouble))
            return
        self.is_well = True
        log.info("cache back; clients and managers start over")
        if self._clients is not None and self._managers is not None:
            self._clients.drop_all()
            self._managers.restart()

    def _has_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.critical("the distributor's core broke; stopping", exc_info=task.exception())
            self.broken.set()
