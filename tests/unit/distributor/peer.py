"""A client for tests, made of python-socketio's own client: it says what the test wants, well-formed or not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import socketio  # type: ignore[import-untyped]

from disio_shared import messages
from tests.waiting import patient

HELLO = messages.Hello(version=1, kind="cli", languages=["javascript"], cores=2, name="test", software="test")
ANSWER_S = 20.0


class Peer:
    """One Socket.IO connection."""

    def __init__(self) -> None:
        self._sio = socketio.AsyncClient(serializer="msgpack", reconnection=False)
        self.inbox: asyncio.Queue[messages.ToClient] = asyncio.Queue()
        self.closed = asyncio.Event()
        self._sio.on("m", self._heard)
        self._sio.on("disconnect", self._lost)

    async def connect(self, url: str) -> "Peer":
        """Connect without saying Hello."""
        await self._sio.connect(url, transports=["websocket"], wait_timeout=10)
        return self

    async def close(self) -> None:
        """Leave."""
        await self._sio.disconnect()
        await self._sio.shutdown()

    async def drop(self) -> None:
        """Break the connection as a lost network would."""
        await self._sio.eio.ws.close()

    async def ask(self, message: messages.FromClient) -> messages.ToClient:
        """Send a message and return its acknowledgement."""
        return messages.TO_CLIENT.decode(await self.call(messages.FROM_CLIENT.encode(message)))

    async def call(self, data: Any) -> Any:
        """Send anything and return the raw acknowledgement."""
        # Not its own limit: that is a wait_for, which in Python 3.11 may lose that somebody cancels it.
        async with asyncio.timeout(patient(ANSWER_S)):
            return await self._sio.call("m", data, timeout=None)

    async def say(self, message: messages.FromClient) -> None:
        """Send a message that is not acknowledged."""
        await self.emit(messages.FROM_CLIENT.encode(message))

    async def emit(self, data: Any, event: str = "m") -> None:
        """Send anything as any event."""
        await self._sio.emit(event, data)

    async def hear(self, kind: type[messages.Message]) -> Any:
        """Return the next message of a kind; earlier ones of other kinds are dropped."""
        async with asyncio.timeout(patient(ANSWER_S)):
            while True:
                message = await self.inbox.get()
                if isinstance(message, kind):
                    return message

    async def hello(self, hello: messages.Hello = HELLO) -> messages.Welcome:
        """Say Hello and return the Welcome."""
        welcome = await self.ask(hello)
        assert isinstance(welcome, messages.Welcome), welcome
        return welcome

    def _heard(self, data: bytes) -> None:
        self.inbox.put_nowait(messages.TO_CLIENT.decode(data))

    def _lost(self, *_reason: Any) -> None:
        self.closed.set()


def squares(assign: messages.Assign) -> messages.Results:
    """Return what a client computes for a batch of the task of squares."""
    numbers = [int(payload) for payload in assign.payloads]
    return messages.Results(
        token=assign.token,
        indexes=assign.indexes,
        values=[str(number * number).encode() for number in numbers],
        seconds=[0.001] * len(numbers),
    )


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Peer]:
    """Run a peer that has not said Hello."""
    peer = await Peer().connect(url)
    try:
        yield peer
    finally:
        await peer.close()
