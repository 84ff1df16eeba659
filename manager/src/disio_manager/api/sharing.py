"""Answers that all viewers share: made at most once a second, however many ask.

Rule: who asks while one is being made waits for that one; what cannot be made is an error to all who waited, and is
tried again by the next. Who asks again and again says ``Cache-Control: max-age=1``
and gets one as old as that; lists that people act on are made anew for all others.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from aiohttp import web

GOOD_S = 1.0
"""Seconds for which an answer is good."""
MAX_KEPT = 256
ValueT = TypeVar("ValueT")
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,6})(?:$|[,\s])", re.IGNORECASE)


def age_taken(request: web.Request) -> float:
    """Return how many seconds old an answer may be for who asks; 0: it is to be of now."""
    found = _MAX_AGE.search(request.headers.get("Cache-Control", "")[:200])
    return float(found[1]) if found is not None else 0.0


class Shared:
    """Keeps answers by name, those asked for last.

    Args:
        steady: Returns steady seconds.
    """

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._made: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._making: dict[str, asyncio.Task[Any]] = {}

    async def get(self, name: str, make: Callable[[], Awaitable[ValueT]], good_s: float = GOOD_S) -> ValueT:
        """Return an answer that is no older than it is good, made if need be."""
        known = self._made.get(name)
        if known is not None and self._steady() - known[0] < good_s:
            return cast(ValueT, known[1])
        making = self._making.get(name)
        if making is None:
            making = self._making[name] = asyncio.create_task(self._make(name, make))
            making.add_done_callback(lambda _: self._making.pop(name, None))
        return cast(ValueT, await asyncio.shield(making))  # whoever goes away does not take it from the others

    async def _make(self, name: str, make: Callable[[], Awaitable[ValueT]]) -> ValueT:
        begun = self._steady()
        body = await make()
        self._made[name] = (begun, body)
        self._made.move_to_end(name)
        if len(self._made) > MAX_KEPT:
            self._made.popitem(last=False)
        return body
