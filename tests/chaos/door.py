"""The front door of a manager behind a proxy: tells distributors the proxy's port instead of the manager's.

Rule: it answers ``GET /api/link`` and nothing else; the manager link itself never passes here.
"""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web


@contextlib.asynccontextmanager
async def door(manager_url: str, port: int) -> AsyncIterator[str]:
    """Serve; yield the URL to give to distributors.

    Args:
        manager_url: The manager's REST interface.
        port: Where its link is to be reached instead.
    """

    async def link(_request: web.Request) -> web.Response:
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{manager_url}/api/link") as answer:
                return web.json_response(await answer.json() | {"zmq_port": port})
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=str(error))

    app = web.Application()
    app.router.add_get("/api/link", link)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
