"""Both faces of the SDK behind one: what a test says is done by ``disio.AsyncClient`` and by ``disio.Client``.

Rule: nothing is done here but waiting, each face in its own way.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import disio

FaceName = Literal["sync", "async"]
FACES: tuple[FaceName, ...] = ("sync", "async")


class Face:
    """One client of either kind.

    Args:
        client: It.
    """

    def __init__(self, client: Any) -> None:
        self.client, self.is_sync = client, isinstance(client, disio.Client)

    async def do(self, method: Any, *args: Any, **named: Any) -> Any:
        """Call a method and wait for what it gives."""
        if self.is_sync:
            return await asyncio.to_thread(method, *args, **named)
        return await method(*args, **named)

    async def all(self, items: Any, most: int | None = None) -> list[Any]:
        """Return the items of an iterator of this face, the first ones alone if so many are wanted; it is closed."""
        if self.is_sync:
            return await asyncio.to_thread(_taken, iter(items), most)
        found: list[Any] = []
        stream = aiter(items)
        while most is None or len(found) < most:
            try:
                found.append(await anext(stream))
            except StopAsyncIteration:
                return found
        await stream.aclose()
        return found

    async def submit(self, *args: Any, **named: Any) -> Any:
        """Create a task."""
        return await self.do(self.client.submit, *args, **named)


@asynccontextmanager
async def face_of(name: FaceName, url: str, **how: Any) -> AsyncIterator[Face]:
    """Connect a client of a kind; it is closed afterwards."""
    if name == "async":
        async with disio.AsyncClient(url, **how) as client:
            yield Face(client)
    else:
        connected = await asyncio.to_thread(disio.connect, url, **how)
        try:
            yield Face(connected)
        finally:
            await asyncio.to_thread(connected.close)


def _taken(items: Iterator[Any], most: int | None) -> list[Any]:
    found = list(itertools.islice(items, most))
    close = getattr(items, "close", None)
    if most is not None and close is not None:
        close()
    return found
