"""The end of a Socket.IO connection, also of one whose peer no longer answers.

Rule: when ``close`` returns, nothing of the connection is left: no task, no descriptor, no unsent bytes.
"""

import asyncio
import contextlib
import socket

import aiohttp
import socketio  # type: ignore[import-untyped]

CLOSING_S = 1.0
"""Seconds that a peer gets to answer a goodbye."""


async def close(sio: socketio.AsyncClient) -> None:
    """Close in good order if the peer takes part, at once otherwise; takes some 2 s at most."""
    websocket: aiohttp.ClientWebSocketResponse | None = sio.eio.ws
    ending = asyncio.ensure_future(_say_goodbye(sio, websocket))
    try:
        for _ in range(2):
            await asyncio.wait({ending}, timeout=CLOSING_S)
            if ending.done():
                return
            if websocket is not None:
                _cut(websocket)
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)


async def _say_goodbye(sio: socketio.AsyncClient, websocket: aiohttp.ClientWebSocketResponse | None) -> None:
    await sio.shutdown()
    if sio.eio.state == "connected":  # the namespace was never joined, or was left before
        await sio.eio.disconnect()
    # After a missed ping the library forgets the socket without closing it.
    if websocket is not None and not websocket.closed:
        await websocket.close()


def _cut(websocket: aiohttp.ClientWebSocketResponse) -> None:
    """End both directions, so that whoever waits for the peer waits no more; unsent bytes are thrown away."""
    place = websocket.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if place is not None:
            place.shutdown(socket.SHUT_RDWR)
