"""The one loop around a pure core: gather events, decide, save, then send.

Rule: a command is performed only after the changes decided before it are durable. When a commit fails the core is
thrown away and loaded again from the store, so memory never runs ahead of what is saved.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic

from disio_shared.clock import Clock
from disio_shared.decisions import ChangeT, CommandT, Core, Decision, EventT, Store
from disio_shared.errors import DisioError, StoreUnavailable

MAX_WAITING = 10_000
"""Events that may wait; ``submit`` waits for room beyond it."""
MAX_GROUP = 500
"""Events decided under one commit."""
RELOAD_PAUSE_S = 1.0


class _Alone(Generic[EventT]):
    """Stands in the queue for an event that is made when its turn has come."""

    def __init__(self, make: Callable[[], Awaitable[EventT]]) -> None:
        self.make = make


class Shell(Generic[EventT, ChangeT, CommandT]):
    """Drives one core over one store.

    Args:
        load: Builds the core from what the store holds; called at start and after each failed commit.
        store: Makes changes durable.
        perform: Carries out one command; must not raise and must not block.
        tick: Makes the event that tells the core its deadline has come.
        on_trouble: Told, for people, when the store fails and when it is back (with None).
        why_stale: Asked before each group of events; an answer means that memory may not be decided on any more: it
            is thrown away as after a failed commit.
        on_saved: Told when everything decided so far is durable, before what follows from it is sent.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[Core[EventT, ChangeT, CommandT]]],
        store: Store[ChangeT],
        perform: Callable[[CommandT], None],
        tick: Callable[[], EventT],
        clock: Clock,
        on_trouble: Callable[[StoreUnavailable | None], None] = lambda trouble: None,
        why_stale: Callable[[], StoreUnavailable | None] = lambda: None,
        on_saved: Callable[[], None] = lambda: None,
    ) -> None:
        self._load, self._store, self._perform, self._tick = load, store, perform, tick
        self._clock, self._on_trouble, self._why_stale = clock, on_trouble, why_stale
        self._on_saved = on_saved
        self._waiting: asyncio.Queue[tuple[EventT | _Alone[EventT], asyncio.Future[None] | None]]
        self._waiting = asyncio.Queue(MAX_WAITING)
        self._next: tuple[EventT | _Alone[EventT], asyncio.Future[None] | None] | None = None
        """What was taken from the queue and belongs to the next group."""
        self.core: Core[EventT, ChangeT, CommandT] | None = None

    async def submit(self, event: EventT) -> None:
        """Hand an event in and wait until what follows from it is durable.

        Raises:
            DisioError: The core refused the event, or the store failed (StoreUnavailable).
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._waiting.put((event, done))
        await done

    async def submit_alone(self, make: Callable[[], Awaitable[EventT]]) -> None:
        """Make an event while nothing else is decided or written, handle it next, and wait until that is durable.

        For an event that tells of a change of the store: nothing may be decided between the two.

        Raises:
            DisioError: ``make`` or the core raised it, or the store failed (StoreUnavailable).
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._waiting.put((_Alone(make), done))
        await done

    def post(self, event: EventT, done: asyncio.Future[None] | None = None) -> bool:
        """Hand an event in without waiting; return False when the queue is full and it was dropped.

        Args:
            event: What happened.
            done: Settled as ``submit`` would return or raise.
        """
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait((event, done))
            return True
        return False

    async def start(self) -> None:
        """Load the core.

        Raises:
            StoreUnavailable: The store is not there.
        """
        self.core = await self._load()

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                group = await self._next_group()
                stale = self._why_stale() if group else None
                if stale is None:
                    await self._handle(group)
                else:
                    await self._reload(stale, [done for _, done in group])
        finally:
            self._refuse_waiting()

    async def _next_group(self) -> list[tuple[EventT, asyncio.Future[None] | None]]:
        """Wait for events or the core's deadline; return what is to be handled together."""
        assert self.core is not None, "start() comes first"
        deadline = self.core.next_deadline()
        wait = None if deadline is None else max(0.0, deadline - self._clock.steady())
        first, self._next = self._next, None
        if first is None:
            first = await self._waited_for(wait)
        if first is None:
            return [(self._tick(), None)]
        event, done = first
        if isinstance(event, _Alone):
            return await self._made(event, done)
        group = [(event, done)]
        while len(group) < MAX_GROUP and not self._waiting.empty():
            event, done = self._waiting.get_nowait()
            if isinstance(event, _Alone):
                self._next = (event, done)
                break
            group.append((event, done))
        return group

    async def _waited_for(
        self, wait: float | None
    ) -> tuple[EventT | _Alone[EventT], asyncio.Future[None] | None] | None:
        """Return what comes within so many seconds (None = for ever); nothing when there are none left.

        ``wait_for`` would do both, but on Python 3.11 it loses a stop that comes in the turn of an event.
        """
        if wait == 0.0:
            await asyncio.sleep(0)
            return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                return await self._waiting.get()
        return None

    async def _made(
        self, alone: _Alone[EventT], done: asyncio.Future[None] | None
    ) -> list[tuple[EventT, asyncio.Future[None] | None]]:
        try:
            return [(await alone.make(), done)]
        except DisioError as error:
            _settle(done, error)
            return []

    async def _handle(self, group: list[tuple[EventT, asyncio.Future[None] | None]]) -> None:
        try:
            total, accepted = self._decide(group)
            if total.changes:
                await self._store.commit(total.changes)
        except StoreUnavailable as trouble:
            await self._reload(trouble, [done for _, done in group])
            return
        self._on_saved()
        for command in total.commands:
            self._perform(command)
        for done in accepted:
            _settle(done, None)

    def _decide(
        self, group: list[tuple[EventT, asyncio.Future[None] | None]]
    ) -> tuple[Decision[ChangeT, CommandT], list[asyncio.Future[None] | None]]:
        """Return what follows from a group, and who waits for it; answer refused events at once.

        Raises:
            StoreUnavailable: The core found that its memory does not fit the store any more.
        """
        assert self.core is not None, "start() comes first"
        total: Decision[ChangeT, CommandT] = Decision()
        accepted: list[asyncio.Future[None] | None] = []
        now = self._clock.steady()
        for event, done in group:
            try:
                total.extend(self.core.handle(event, now))
            except StoreUnavailable:
                raise
            except DisioError as refusal:
                _settle(done, refusal)
            else:
                accepted.append(done)
        return total, accepted

    async def _reload(self, trouble: StoreUnavailable, refused: list[asyncio.Future[None] | None]) -> None:
        """Wait for the store; refuse what waits meanwhile, so that senders know to come again."""
        for done in refused:
            _settle(done, trouble)
        self.core = None
        self._on_trouble(trouble)
        while self.core is None:
            self._refuse_waiting(trouble)
            try:
                self.core = await self._load()
            except StoreUnavailable as still:
                trouble = still
                await asyncio.sleep(RELOAD_PAUSE_S)
        self._on_trouble(None)

    def _refuse_waiting(self, trouble: StoreUnavailable | None = None) -> None:
        left, self._next = [self._next] if self._next is not None else [], None
        while not self._waiting.empty():
            left.append(self._waiting.get_nowait())
        for _, done in left:
            _settle(done, trouble or StoreUnavailable("service", "is stopping"))


def _settle(done: asyncio.Future[None] | None, error: DisioError | None) -> None:
    if done is None or done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
