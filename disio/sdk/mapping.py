"""One function over many values, as ``map`` of Python itself, computed elsewhere.

Rule: an iterable is read by whoever iterates over the results, no further ahead than ``buffer`` values; memory holds
no more than that.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import aclosing
from itertools import islice
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from disio.rest import Conflict, NotFound
from disio.sdk.errors import UnitFailed
from disio.sdk.loop import Loop
from disio.sdk.merging import Merge
from disio.sdk.options import sized_payload
from disio.sdk.reading import Link, Order, Reader
from disio.sdk.shapes import Result
from disio.sdk.tasks import AsyncTask

BUFFER = 10_000
"""Values that are computed or wait to be taken."""
PART, PART_BYTES, PART_S = 1_000, 1 << 20, 0.25
"""Values, bytes of JSON and seconds of waiting for more of them, after which a task is made of what there is."""
PARTS = 4
"""Tasks that a buffer is good for at least."""
WHOLE = 100_000
"""Values of a list that becomes one task."""
ResultT = TypeVar("ResultT")


class Portion(NamedTuple):
    """The next values of an iterable."""

    number: int
    spec: dict[str, Any]
    is_last: bool


class Submit(Protocol):
    """Makes a task of a payload spec."""

    async def __call__(self, spec: dict[str, Any]) -> AsyncTask:
        """Return the task."""


class Values:
    """The values that a function is called with, in portions.

    Args:
        iterables: One: its items are the payloads; several: lists of one item of each are.
        most: Values of one portion.
    """

    def __init__(self, iterables: tuple[Iterable[Any], ...], most: int) -> None:
        if not iterables:
            raise TypeError("map() must have at least one iterable")
        self._whole = iterables[0] if len(iterables) == 1 and isinstance(iterables[0], range | list) else None
        single = len(iterables) == 1
        self._items: Iterator[Any] = iter(iterables[0]) if single else map(list, zip(*iterables, strict=False))
        self._most, self._at = most, 0

    def next(self) -> Portion:
        """Return the next portion.

        Raises:
            BadArgument: A value is nothing that JSON can hold.
        """
        if isinstance(self._whole, range):
            whole = self._whole
            spec = {"range": [whole.start, whole.stop, whole.step]}
            return Portion(len(whole), spec, is_last=True)
        if self._whole is not None and len(self._whole) <= WHOLE:
            return self._take(WHOLE + 1, float("inf"))
        return self._take(self._most, PART_S)

    def _take(self, most: int, seconds: float) -> Portion:
        """Return values until there are enough, or until it took too long for more."""
        payloads: list[Any] = []
        size, until = 0, time.monotonic() + seconds
        for item in islice(self._items, most):
            payload, bytes_ = sized_payload(item, f"value {self._at}")
            payloads.append(payload)
            size, self._at = size + bytes_, self._at + 1
            if size >= PART_BYTES or time.monotonic() >= until:
                return Portion(len(payloads), {"list": payloads}, is_last=False)
        return Portion(len(payloads), {"list": payloads}, is_last=len(payloads) < most)


class Part:
    """One task of a mapping.

    Args:
        task: It.
        first: Number of its first value among all.
        total: How many it has.
    """

    def __init__(self, task: AsyncTask, first: int, total: int) -> None:
        self.task, self.first, self.left = task, first, total


class MapRun:
    """What is computed and not taken yet.

    Args:
        link: The manager.
        submit: Makes tasks there.
        order: Of results.
        buffer: Values that may be in it.
        partial: Values that failed are left out.
    """

    def __init__(self, link: Link, submit: Submit, order: Order, buffer: int, partial: bool) -> None:
        self._link, self._submit, self._order, self._partial = link, submit, order, partial
        self._room, self._fed, self._portion = buffer, 0, portion_of(buffer)
        self.parts: list[Part] = []
        self._merge: Merge[Result] = Merge()
        self._waiting: deque[AsyncGenerator[list[Result], None]] = deque()
        self._turn = asyncio.Lock()

    @property
    def has_room(self) -> bool:
        """Tell whether one more portion may be fed."""
        return self._room >= self._portion

    async def feed(self, portion: Portion) -> None:
        """Have more values computed.

        Raises:
            InvalidRequest, ManagerUnreachable: As creating a task does.
        """
        count = portion.number
        if not count:
            return
        part = Part(await self._submit(portion.spec), self._fed, count)
        self._fed, self._room = self._fed + count, self._room - count
        self.parts.append(part)
        if self._order == "index":
            self._waiting.append(self._read(part))
        else:
            self._merge.add(self._read(part))

    async def next(self) -> list[Result]:
        """Return the next results; none = there are no more of what was fed.

        Raises:
            UnitFailed: It is the turn of a value that failed.
            TaskFailed: Values failed, or a task was ended by somebody.
        """
        async with self._turn:
            batch = await (self._next_in_order() if self._order == "index" else self._merge.next())
            # Not when it was read: what waits to be taken is in the buffer.
            self._room += len(batch)
            return batch

    async def _next_in_order(self) -> list[Result]:
        while self._waiting:
            batch = await anext(self._waiting[0], None)
            if batch is not None:
                return batch
            self._waiting.popleft()
        return []

    async def close(self) -> None:
        """Stop reading; tasks go on."""
        async with self._turn:
            await self._merge.close()
            while self._waiting:
                await self._waiting.popleft().aclose()

    async def cancel(self) -> None:
        """Have the rest not computed; tasks that are over stay as they are."""
        for part in list(self.parts):
            with contextlib.suppress(Conflict, NotFound):
                await part.task.cancel()

    async def _read(self, part: Part) -> AsyncGenerator[list[Result], None]:
        reader, expected = Reader(self._link, part.task.info, self._order), 0
        async with aclosing(reader.batches()) as batches:
            async for batch in batches:
                if self._order == "index" and not self._partial:
                    whole = [each for at, each in enumerate(batch, expected) if each.index == at]
                    expected += len(whole)
                    if len(whole) < len(batch):
                        if whole:  # an empty batch would say that there are no more
                            yield self._given(part, whole)
                        break
                yield self._given(part, batch)
        self._room += part.left
        self.parts.remove(part)
        if not self._partial:
            await self._refuse(reader, expected)

    def _given(self, part: Part, batch: list[Result]) -> list[Result]:
        part.left -= len(batch)
        if not part.first:
            return batch
        return [msgspec.structs.replace(each, index=each.index + part.first) for each in batch]

    async def _refuse(self, reader: Reader, expected: int) -> None:
        """Raise what a task ended with, if it is not done."""
        info = reader.info
        if self._order == "index" and expected < info.total and info.failed:
            ask = self._link.patience().ask
            found = await ask(lambda: self._link.failures(info.id, expected, 1))
            if found and found[0].index == expected:
                raise UnitFailed(info.id, expected, found[0].errors)
        await self._link.refuse_partial(info)


class AsyncMapping(Generic[ResultT]):
    """What a function gives for values. Iterate over it once; nothing is computed before that.

    Args:
        run: Computes.
        values: Are fed to it.
    """

    def __init__(self, run: Callable[[], MapRun], values: Values) -> None:
        self._make, self._values = run, values
        self._run: MapRun | None = None

    @property
    def task_ids(self) -> list[str]:
        """Ids of the tasks that it consists of and whose results were not all taken yet."""
        return [part.task.id for part in self._run.parts] if self._run is not None else []

    async def cancel(self) -> None:
        """Have the rest not computed."""
        if self._run is not None:
            await self._run.cancel()

    async def __aiter__(self) -> AsyncGenerator[ResultT, None]:
        async with aclosing(self.results()) as results:
            async for result in results:
                yield result.value

    async def results(self) -> AsyncGenerator[Result, None]:
        """Yield results with their values' numbers; see ``AsyncClient.map`` for what is raised."""
        run = self._run = self._make()
        is_last = False
        try:
            while True:
                while run.has_room and not is_last:
                    portion = self._values.next()
                    is_last = portion.is_last
                    await run.feed(portion)
                batch = await run.next()
                if not batch and is_last:
                    return
                for result in batch:
                    yield result
        finally:
            await run.close()


class Mapping(Generic[ResultT]):
    """What a function gives for values. Iterate over it once; nothing is computed before that.

    Args:
        loop: Where it is asked for.
        run: Computes.
        values: Are fed to it, in the thread that iterates.
    """

    def __init__(self, loop: Loop, run: Callable[[], MapRun], values: Values) -> None:
        self._loop, self._make, self._values = loop, run, values
        self._run: MapRun | None = None

    @property
    def task_ids(self) -> list[str]:
        """Ids of the tasks that it consists of and whose results were not all taken yet."""
        return [part.task.id for part in self._run.parts] if self._run is not None else []

    def cancel(self) -> None:
        """Have the rest not computed."""
        if self._run is not None:
            self._loop.run(self._run.cancel())

    def __iter__(self) -> Iterator[ResultT]:
        return (result.value for result in self.results())

    def results(self) -> Generator[Result, None, None]:
        """Yield results with their values' numbers; see ``AsyncClient.map`` for what is raised."""
        run = self._run = self._loop.run(_made(self._make))
        is_last = False
        try:
            while True:
                while run.has_room and not is_last:
                    portion = self._values.next()
                    is_last = portion.is_last
                    self._loop.run(run.feed(portion))
                batch = self._loop.run(run.next())
                if not batch and is_last:
                    return
                yield from batch
        finally:
            self._loop.finish(run.close())


async def _made(make: Callable[[], MapRun]) -> MapRun:
    return make()


def portion_of(buffer: int) -> int:
    """Return how many values of an iterable become one task."""
    return max(1, min(PART, buffer // PARTS))
