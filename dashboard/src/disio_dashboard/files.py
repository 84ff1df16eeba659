"""Answers that are files.

Rule: a file that was opened is closed, also when the browser left while it was being opened.
"""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.web_request import BaseRequest


class FileAnswer(web.FileResponse):
    """aiohttp's answer, out of the reach of what cancels its handler.

    aiohttp opens files in a thread. Cancelled in that moment, as here when a browser leaves (``app.py`` asks for it, so
    that streams end), it would lose the file unclosed. A browser that left ends the sending anyway: nothing can be
    written to it.
    """

    async def prepare(self, request: "BaseRequest") -> "AbstractStreamWriter | None":
        """Send the file.

        Raises:
            ConnectionError: The browser is gone.
        """
        sending = asyncio.create_task(super().prepare(request))
        sending.add_done_callback(_look)
        await asyncio.wait([sending])
        return sending.result()


def _look(sending: "asyncio.Task[AbstractStreamWriter | None]") -> None:
    """Take the error that nobody awaits any more, lest asyncio logs it."""
    if not sending.cancelled():
        sending.exception()
