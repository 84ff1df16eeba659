"""Calls of a function as payloads of a growing task, so that no call waits for a task of its own to begin.

Rule: calls are noted before they are sent, and each is answered once: with what it gave, how it failed, or why nothing
more can come. A task that no call needs is closed, and removed when all its calls gave something.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, NamedTuple

from disio.rest import Conflict, NotFound, RestProblem
from disio.sdk.arriving import Arrivals
from disio.sdk.errors import TaskFailed
from disio.sdk.feeding import Feeder, Give, ending_of
from disio.sdk.portions import MOST_BYTES, parts_of, size_of
from disio.sdk.reading import Link
from disio.sdk.shapes import Failure, Result
from disio.sdk.tasks import AsyncTask
from disio.sdk.units import WorkUnit
from disio_shared.errors import DisioError

IDLE_S = 60.0
"""Seconds without a call after which a task is closed."""
OPEN: dict[str, Any] = {"open": [], "idle_s": 5 * IDLE_S}
"""The manager closes it when the process is gone that would."""
WAIT_S = 20.0
"""Seconds that the manager waits for an answer to tell of."""
TRIES = 3
"""Tasks that are tried for a call."""
MOST_CALLS = 100_000
"""Of one task; those after them go into the next."""

Submit = Callable[[WorkUnit, Any], Awaitable[AsyncTask]]


class Closed(DisioError):
    """A task takes no more calls."""

    code = "closed"

    def __init__(self) -> None:
        super().__init__("the task of these calls was closed")


class Call(NamedTuple):
    """A call that has no answer yet."""

    batch: "Batch"
    at: int


class Batch:
    """Calls that were made together.

    Args:
        count: How many.
        give: Takes their answers.
    """

    def __init__(self, count: int, give: Give) -> None:
        self.left, self._give = count, give
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def give(self, at: int, value: Any, error: Exception | None) -> None:
        """Answer one of them."""
        self._give(at, value, error)
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)

    def fail(self, error: Exception) -> None:
        """No more answers will come."""
        if not self.done.done():
            self.done.set_exception(error)

    def forget(self) -> None:
        """Nobody waits for it any more."""
        if not self.done.cancel() and not self.done.cancelled():
            self.done.exception()


class Stream:
    """The calls of one function.

    Args:
        link: The manager.
        task: A growing task, without payloads so far.
    """

    def __init__(self, link: Link, task: AsyncTask) -> None:
        self._link, self.task = link, task
        self._next = 0
        self._calls: dict[int, Call] = {}
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._is_ending = False
        self.following = asyncio.create_task(self._follow())

    @property
    def is_usable(self) -> bool:
        """Tell whether it takes more calls."""
        return not (self._is_ending or self.following.done()) and self._next < MOST_CALLS

    async def run(self, payloads: list[Any], give: Give) -> None:
        """Return when all calls were answered.

        Raises:
            Closed: The task was, or removed, while no call was open: none of these was sent.
            DisioError: Those that were not answered will not be.
        """
        batch = Batch(len(payloads), give)
        try:
            async with self._turn:
                is_idle = not self._calls
                for nth, part in enumerate(parts_of(payloads)):
                    try:
                        await self._append([payloads[at] for at in part], [Call(batch, at) for at in part])
                    except (Conflict, NotFound) as error:
                        raise (Closed() if is_idle and not nth else error) from error
            await batch.done
        finally:
            batch.forget()

    async def _append(self, values: list[Any], calls: list[Call]) -> None:
        start = self._next
        self._next += len(calls)
        self._calls.update(zip(range(start, self._next), calls, strict=True))
        self._news.set()
        try:
            await self._link.patience().ask(lambda: self._link.manager.append_payloads(self.task.id, start, values))
        except BaseException as error:
            # Whether they are in the task's log is not known, so nothing can follow them.
            self._fail(error if isinstance(error, Exception) else DisioError("the call was cancelled"))
            raise

    def end(self) -> None:
        """Take no more calls; the task is closed when all were answered."""
        self._is_ending = True
        self._news.set()

    async def cancel(self) -> None:
        """End the task and all calls."""
        self._is_ending = True
        self.following.cancel()
        with contextlib.suppress(DisioError):  # nobody will ask for its results
            await self.task.cancel()

    async def _follow(self) -> None:
        arrivals = Arrivals(self._link.manager, self.task.id, self._link.patience(), with_failures=True, wait_s=WAIT_S)
        try:
            while await self._has_calls():
                async with aclosing(arrivals.page()) as batches:
                    async for batch in batches:
                        for answer in batch:
                            self._answer(answer)
                if arrivals.is_over and self._calls:
                    info = await self._link.patience().ask(lambda: self._link.look(self.task.id))
                    raise TaskFailed(info.id, info.state, info.failed, info.total, [])
            await self._close()
        except Exception as error:
            self._fail(error)

    async def _has_calls(self) -> bool:
        """Wait for calls; false = none are open, and none will come."""
        while not self._calls:
            if not self.is_usable_later:
                return False
            self._news.clear()
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._news.wait()
            except TimeoutError:
                self._is_ending = not self._calls
        return True

    @property
    def is_usable_later(self) -> bool:
        """Tell whether calls may still come."""
        return not self._is_ending and self._next < MOST_CALLS

    def _answer(self, answer: Result | Failure) -> None:
        call = self._calls.pop(answer.index, None)
        if call is not None:
            call.batch.give(call.at, *ending_of(answer, self.task.id))

    def _fail(self, error: Exception) -> None:
        self._is_ending = True
        calls, self._calls = self._calls, {}
        for batch in {call.batch for call in calls.values()}:
            batch.fail(error)
        self._news.set()

    async def _close(self) -> None:
        """Close the task, and remove it when all its calls gave something."""
        self._is_ending = True
        ask = self._link.patience().ask
        try:
            await ask(lambda: self._link.manager.verb(self.task.id, "close"))
            info = await ask(lambda: self._link.look(self.task.id))
            if info.done == info.total:
                await ask(self.task.delete)
        except RestProblem:  # somebody else was quicker
            return


class GrowingFeeder:
    """Has calls computed in one growing task for each function (a ``Feeder``).

    Args:
        link: The manager.
        submit: Makes tasks there, of a payload spec.
        whole: For calls that are too large to be sent together with others.
    """

    def __init__(self, link: Link, submit: Submit, whole: Feeder) -> None:
        self._link, self._submit, self._whole = link, submit, whole
        self._streams: dict[tuple[str, str], Stream] = {}
        self._ended: set[Stream] = set()
        self._making = asyncio.Lock()

    async def run(self, unit: WorkUnit, payloads: list[Any], give: Give) -> None:
        """Have calls computed; see ``Feeder``."""
        if any(size_of(payload) > MOST_BYTES for payload in payloads):
            return await self._whole.run(unit, payloads, give)
        for left in reversed(range(TRIES)):
            stream = await self._stream(unit)
            try:
                return await stream.run(payloads, give)
            except Closed:  # somebody did that, or the manager after a long time: another one will do
                if not left:
                    raise
            except asyncio.CancelledError:
                await stream.cancel()
                raise

    async def close(self) -> None:
        """Close the tasks, when their calls were answered."""
        streams = [*self._streams.values(), *self._ended]
        for stream in streams:
            stream.end()
        await asyncio.gather(*(stream.following for stream in streams), return_exceptions=True)
        self._streams.clear()
        self._ended.clear()

    async def _stream(self, unit: WorkUnit) -> Stream:
        key = unit.sha256, repr(sorted(unit.options.items(), key=lambda item: item[0]))
        async with self._making:
            stream = self._streams.get(key)
            if stream is None or not stream.is_usable:
                if stream is not None:
                    self._ended = {each for each in (*self._ended, stream) if not each.following.done()}
                stream = self._streams[key] = Stream(self._link, await self._submit(unit, OPEN))
            return stream
