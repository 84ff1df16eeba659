"""The calls of an executor: those that wait, those that are computed, and when all of them have ended.

Rule: a call is begun only when there is room for it, so that what waits can be cancelled; every call ends, whatever
happens to the manager.
"""

import asyncio
import concurrent.futures
import threading
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from disio.sdk.feeding import Feeder
from disio.sdk.loop import LOOK_S, Loop
from disio.sdk.units import WorkUnit
from disio_shared.errors import DisioError

GATHER_S = 0.005
"""Seconds that a first call waits for others."""
BATCH, BATCH_BYTES = 1_000, 16 << 20
"""Calls, and bytes of them, that go together."""
LEAST_WINDOW, WINDOW_A_SLOT = 16, 4
LEAST_SHARE = 4
"""While calls are computed, others are begun when one part in so many of the window is free."""
FINISH_S = 10.0
"""Seconds that the end of an executor may take after its last call."""
WINDOW_S = 10.0
"""Seconds after which the number of slots is asked for again."""


class Aborted(DisioError):
    """A call was ended with all others."""

    code = "aborted"


class CallItem(NamedTuple):
    """One call."""

    future: "concurrent.futures.Future[Any]"
    unit: WorkUnit
    payload: Any
    size: int
    """Bytes of it."""


class Pool:
    """Calls, from when they are submitted until they end.

    Args:
        loop: Where they are fed.
        feeder: Has them computed.
        slots: Returns how many slots the cluster has.
        window: Calls that are computed at a time; None = by the slots.
    """

    def __init__(self, loop: Loop, feeder: Feeder, slots: Callable[[], Awaitable[int]], window: int | None) -> None:
        self._loop, self._feeder, self._slots = loop, feeder, slots
        self._fixed, self._window, self._asked_at = window, window or LEAST_WINDOW, -WINDOW_S
        self._waiting: OrderedDict[WorkUnitKey, deque[CallItem]] = OrderedDict()
        self._open: set[concurrent.futures.Future[Any]] = set()
        self._running = 0
        self._changed = threading.Condition()
        self._serving: concurrent.futures.Future[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self.is_closed = self._has_served = False

    def add(self, call: CallItem) -> None:
        """Have a call computed when there is room.

        Raises:
            NotHere: This is another process than that of the client.
        """
        with self._changed:
            if self._serving is None:
                self._serving = self._loop.start(self._serve())
                self._has_served = True
            self._open.add(call.future)
            self._waiting.setdefault(_key(call.unit), deque()).append(call)
        self._loop.call(self._news.set)
        call.future.add_done_callback(self._forget)

    def retire(self) -> None:
        """Take no more calls: nobody has the executor any more."""
        self.is_closed = True

    def close(self) -> None:
        """Take no more calls, and leave nothing at the manager when they have ended."""
        with self._changed:
            self.is_closed = True
            if self._has_served and self._serving is None and self._loop.is_alive:
                self._serving = self._loop.start(self._serve())
        self._loop.call(self._news.set)

    def cancel(self) -> None:
        """Cancel the calls that wait."""
        with self._changed:
            waiting = [call for calls in self._waiting.values() for call in calls]
            self._waiting.clear()
        for call in waiting:
            if call.future.cancel():
                call.future.set_running_or_notify_cancel()

    def abort(self) -> None:
        """End the calls that are computed."""
        self._loop.call(lambda: [batch.cancel() for batch in self._batches])

    def wait(self) -> None:
        """Return when all calls have ended, and after ``close`` when nothing of them is left at the manager."""
        with self._changed:
            while self._open or (self.is_closed and self._serving is not None and self._loop.is_alive):
                self._changed.wait(LOOK_S)

    def _forget(self, future: "concurrent.futures.Future[Any]") -> None:
        with self._changed:
            self._open.discard(future)
            self._changed.notify_all()

    async def _serve(self) -> None:
        """Begin calls as long as some wait or are computed."""
        try:
            while True:
                await asyncio.sleep(GATHER_S)
                self._news.clear()
                await self._look()
                for unit, calls in self._next():
                    batch = asyncio.create_task(self._compute(unit, calls))
                    self._batches.add(batch)
                    batch.add_done_callback(self._ended)
                with self._changed:
                    if not self._waiting and not self._batches:
                        if not self.is_closed:
                            self._serving = None
                            return
                        break
                await self._news.wait()
            await self._finish()
        except BaseException as error:
            self._fail(error)
            raise

    async def _finish(self) -> None:
        """Leave nothing at the manager, unless it is away."""
        try:
            async with asyncio.timeout(FINISH_S):
                await self._feeder.close()
        except TimeoutError:
            pass
        with self._changed:
            self._serving = None
            self._changed.notify_all()

    def _ended(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._news.set()

    async def _look(self) -> None:
        """Learn how many slots there are, now and then; a manager that is away may be asked later."""
        now = asyncio.get_running_loop().time()
        if self._fixed is None and now - self._asked_at >= WINDOW_S:
            self._asked_at = now
            try:
                self._window = max(LEAST_WINDOW, WINDOW_A_SLOT * await self._slots())
            except Exception:
                return

    def _next(self) -> list[tuple[WorkUnit, list[CallItem]]]:
        """Return the calls that there is room for, those of a function together."""
        found: list[tuple[WorkUnit, list[CallItem]]] = []
        if self._running and self._window - self._running < self._window // LEAST_SHARE:
            return found
        while self._running < self._window and (calls := self._take(min(BATCH, self._window - self._running))):
            begun = [call for call in calls if call.future.set_running_or_notify_cancel()]
            self._running += len(begun)
            if begun:
                found.append((begun[0].unit, begun))
        return found

    def _take(self, most: int) -> list[CallItem]:
        with self._changed:
            if not self._waiting:
                return []
            key, calls = self._waiting.popitem(last=False)
            taken, size = [calls.popleft()], 0
            while calls and len(taken) < most and (size := size + taken[-1].size) < BATCH_BYTES:
                taken.append(calls.popleft())
            if calls:
                self._waiting[key] = calls  # at the end: functions take turns
            return taken

    async def _compute(self, unit: WorkUnit, calls: list[CallItem]) -> None:
        left = dict(enumerate(calls))

        def give(at: int, value: Any, error: Exception | None) -> None:
            call = left.pop(at, None)
            if call is None:
                return
            self._running -= 1
            if self._waiting:
                self._news.set()
            if error is not None:
                call.future.set_exception(error)
            else:
                call.future.set_result(value)

        try:
            await self._feeder.run(unit, [call.payload for call in calls], give)
            trouble: Exception = RuntimeError("the task ended without an answer to this call")
        except asyncio.CancelledError:
            trouble = Aborted("the executor was ended")
        except Exception as error:
            trouble = error
        self._running -= len(left)
        for call in left.values():
            call.future.set_exception(trouble)

    def _fail(self, error: BaseException) -> None:
        """End what waits: nobody would begin it."""
        with self._changed:
            self._serving = None
            self._changed.notify_all()
            waiting = [call for calls in self._waiting.values() for call in calls]
            self._waiting.clear()
        for call in waiting:
            if call.future.set_running_or_notify_cancel():
                call.future.set_exception(error)


WorkUnitKey = tuple[str, str]


def _key(unit: WorkUnit) -> WorkUnitKey:
    return unit.sha256, repr(sorted(unit.options.items(), key=lambda item: item[0]))
