"""The manager's core over its store, in the one shell loop.

Rule: everybody changes the manager through ``submit`` or ``post``, and reads it through ``coordinator``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from disio_manager.claims import Claims
from disio_manager.core.changes import Change
from disio_manager.core.commands import Announce, Claim, Command, Send
from disio_manager.core.coordinator import Coordinator
from disio_manager.core.events import Event, Ticked
from disio_manager.core.orders import NOBODY, FleetOrders
from disio_manager.core.settings import CoreSettings
from disio_manager.presence import Lapsed, Presence
from disio_manager.sources import Sources
from disio_manager.stores.base import ManagerStore
from disio_shared.clock import Clock
from disio_shared.errors import DisioError, OwnershipLost, StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.logs import logger
from disio_shared.shell import Shell

SUBMIT_TIMEOUT_S = 30.0
FRESH_IDS = 64
"""Ids for blocks that one event may make."""


def fresh_ids() -> tuple[str, ...]:
    """Return ids for the blocks that the core may make while it handles one event."""
    return tuple(fresh_id() for _ in range(FRESH_IDS))


async def nobody() -> FleetOrders:
    """Return that nothing is wanted of the fleet."""
    return NOBODY


class ManagerService:
    """Runs the core.

    Args:
        send: Performs Send; must not raise or block.
        announce: Performs Announce; must not raise or block.
        on_reset: Told when the core was loaded anew after the store had been away: every session is forgotten.
        presence: This manager's entry in a shared store; None when no other manager can be there.
        orders: Reads what operators want of the fleet.
    """

    def __init__(
        self,
        store: ManagerStore,
        settings: CoreSettings,
        clock: Clock,
        send: Callable[[Send], None],
        announce: Callable[[Announce], None],
        on_reset: Callable[[], None],
        presence: Presence | None = None,
        orders: Callable[[], Awaitable[FleetOrders]] = nobody,
    ) -> None:
        self.store, self.clock = store, clock
        self.sources = Sources(store.blobs, store.segments)
        self._presence, self._orders = presence, orders
        self._claims = Claims(store, clock, self.tell)
        self._settings, self._send, self._announce, self._on_reset = settings, send, announce, on_reset
        self._core: Coordinator | None = None
        self._log = logger("manager.service")
        self.trouble: StoreUnavailable | None = None
        """Why nothing can be saved, or None."""
        self.asked = 0
        """Grows with everything that was handed in to be waited for, as what people ask for is."""
        self._shell: Shell[Event, Change, Command] = Shell(
            self._load, store, self._perform, self._tick, clock, self._note_trouble, self._why_stale, self._note_saved
        )

    @property
    def coordinator(self) -> Coordinator:
        """Return the core, to read views from; while nothing can be written, one that shows what is stored.

        Raises:
            StoreUnavailable: The store cannot be read either.
        """
        if self._core is None:
            raise self.trouble or StoreUnavailable("manager", "is starting")
        return self._core

    async def start(self) -> None:
        """Load the core.

        Raises:
            StoreUnavailable: The database is not there.
        """
        await self._shell.start()

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            await self._shell.run()
        finally:
            await self._claims.stop()
            await self.sources.stop()

    async def submit(self, event: Event) -> None:
        """Hand an event in and wait until what follows from it is durable.

        Raises:
            DisioError: The core refused it, or the database does not answer.
        """
        await self._in_time(self._shell.submit(event))

    async def submit_alone(self, make: Callable[[], Awaitable[Event]]) -> None:
        """Make an event of what is stored while nothing is decided or written, hand it in, and wait as ``submit`` does.

        Raises:
            DisioError: ``make`` raised it, the core refused the event, or the database does not answer.
        """
        await self._in_time(self._shell.submit_alone(make))

    async def _in_time(self, submitting: Coroutine[None, None, None]) -> None:
        if self.trouble is not None:
            submitting.close()
            raise self.trouble
        try:
            async with asyncio.timeout(SUBMIT_TIMEOUT_S):
                await submitting
        except TimeoutError as error:
            raise StoreUnavailable("database", f"gave no answer in {SUBMIT_TIMEOUT_S:g} s") from error
        finally:
            self.asked += 1

    def post(self, event: Event, done: asyncio.Future[None] | None = None) -> bool:
        """Hand an event in without waiting; False when the queue is full. ``done`` is settled as in ``submit``."""
        return self._shell.post(event, done)

    async def tell(self, event: Event) -> None:
        """Hand an event in, however long that takes, and wait until what follows is durable.

        A core that is loaded anew meanwhile never hears of it: whatever it was about is in the store.
        """
        try:
            await self._shell.submit(event)
        except DisioError as error:
            self._log.warning("news had no effect", news=type(event).__name__, problem=str(error))

    async def tell_alone(self, make: Callable[[], Awaitable[Event]]) -> None:
        """Make an event of a change of the store while the core decides and writes nothing, and hand it in.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        await self._shell.submit_alone(make)

    def wake(self) -> None:
        """Have the core look at its deadlines, and the shell at whether the core is stale."""
        self.post(self._tick())  # with a full queue it is awake anyway

    def _note_saved(self) -> None:
        if self._core is not None:
            self._core.saved()

    def _why_stale(self) -> StoreUnavailable | None:
        return Lapsed() if self._presence is not None and self._presence.has_lapsed() else None

    async def _load(self) -> Coordinator:
        if self.trouble is not None:
            await self._await_writing()
        if self._presence is not None:
            await self._presence.begin()
        self._core = await self._restored()
        return self._core

    async def _await_writing(self) -> None:
        """Have the store prove that it can be written: a full disk can be read, and would fail the next write.

        Raises:
            StoreUnavailable: It cannot; what it holds is shown meanwhile, as far as it can be read.
        """
        try:
            await self.store.prove_writable()
        except StoreUnavailable as still:
            self.trouble = still
            if self._core is None:
                self._core = await self._restored()
            raise

    async def _restored(self) -> Coordinator:
        loaded, fleet = await self.store.load(), await self.store.distributors()
        orders = await self._orders()
        return Coordinator.restore(loaded, fleet, self._settings, self.clock.steady(), self.clock.wall(), orders)

    def _perform(self, command: Command) -> None:
        if isinstance(command, Send):
            self._send(command)
        elif isinstance(command, Claim):
            self._claims.start(command)
        else:
            self._announce(command)

    def _tick(self) -> Ticked:
        return Ticked(at=self.clock.wall(), fresh=fresh_ids())

    def _note_trouble(self, trouble: StoreUnavailable | None) -> None:
        self.trouble = trouble
        if trouble is not None:
            self._core = None  # it holds decisions that were not saved
        if isinstance(trouble, OwnershipLost | Lapsed):
            self._log.warning("what is in memory is out of date; loading it anew", problem=str(trouble))
            return
        if trouble is not None:
            self._log.error("nothing can be saved; waiting for the database", problem=str(trouble))
            return
        self._log.warning("the database can be written again; all is loaded anew")
        self._on_reset()
