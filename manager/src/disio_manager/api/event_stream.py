"""One stream of server-sent events, to one viewer.

Rule: a viewer that goes away, or does not read, ends its stream and nothing else.
"""

import asyncio
from typing import TYPE_CHECKING

from aiohttp_sse import EventSourceResponse

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.web_request import BaseRequest

VIEWER_TIMEOUT_S = 15.0


class EventStream(EventSourceResponse):
    """The library's answer, for viewers that may be gone at any moment."""

    def __init__(self, ping_interval_s: float) -> None:
        super().__init__(ping_interval=ping_interval_s, send_timeout=VIEWER_TIMEOUT_S)

    async def prepare(self, request: "BaseRequest") -> "AbstractStreamWriter | None":
        """Send the head of the answer.

        Raises:
            ConnectionError: The viewer is gone. The library asserts that it is not, and handlers are not told of it
                while they look up what to tell.
        """
        if request.transport is None:
            raise ConnectionResetError("the viewer is gone")
        return await super().prepare(request)

    async def tell(self, request: "BaseRequest", told: bytes) -> None:
        """Write events at once: one by one each would cost a system call for each viewer.

        Raises:
            ConnectionError: The viewer is gone.
            TimeoutError: The viewer does not read; it is cut off.
        """
        try:
            async with asyncio.timeout(VIEWER_TIMEOUT_S):
                await self.write(told)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise
