"""Answers that all viewers share: made at most once a second, however many ask.

Rule: who asks while one is being made waits for that one; what cannot be made is an error to all who waited, and is
tried again by the next.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

GOOD_S = 1.0
"""Seconds for which an answer is good."""
MAX_KEPT = 256


class Shared:
    """Keeps answers by name, those asked for last.

    Args:
        steady: Returns steady seconds.
    """

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._made: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._making: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, name: str, make: Callable[[], Awaitable[bytes]], good_s: float = GOOD_S) -> bytes:
        """Return an answer that is no older than it is good, made if need be."""
        known = self._made.get(name)
        if known is not None and self._steady() - known[0] < good_s:
            return known[1]
        making = self._making.get(name)
        if making is None:
            making = self._making[name] = asyncio.create_task(self._make(name, make))
            making.add_done_callback(lambda _: self._making.pop(name, None))
        return await asyncio.shield(making)  # whoever goes away does not take it from the others

    async def _make(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        begun = self._steady()
        body = await make()
        self._made[name] = (begun, body)
        self._made.move_to_end(name)
        if len(self._made) > MAX_KEPT:
            self._made.popitem(last=False)
        return body
