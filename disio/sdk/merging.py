"""Several streams of results as one, in the order in which they come.

Rule: what nobody takes waits at its source: a few batches are held, whatever the number of streams.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Generic, TypeVar

HELD = 8
"""Batches that wait to be taken."""
ItemT = TypeVar("ItemT")


class Merge(Generic[ItemT]):
    """Takes batches from streams, and gives them on."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[list[ItemT] | Exception | None] = asyncio.Queue(HELD)
        self._pumps: set[asyncio.Task[None]] = set()
        self._open = 0

    def add(self, batches: AsyncGenerator[list[ItemT], None]) -> None:
        """Read one more stream from now on."""
        self._open += 1
        pump = asyncio.create_task(self._pump(batches))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)

    async def next(self) -> list[ItemT]:
        """Return the next batch; an empty one = all streams are at their end. Raises what ends a stream."""
        while self._open:
            found = await self._ready.get()
            if isinstance(found, list):
                return found
            self._open -= 1
            if found is not None:
                raise found
        return []

    async def close(self) -> None:
        """Stop reading."""
        pumps = list(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        self._open = 0

    async def _pump(self, batches: AsyncGenerator[list[ItemT], None]) -> None:
        ended: Exception | None = None
        try:
            async with aclosing(batches):
                async for batch in batches:
                    await self._ready.put(batch)
        except Exception as error:
            ended = error
        await self._ready.put(ended)
