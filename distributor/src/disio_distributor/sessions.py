"""One client's session: what it may send, what waits to be sent to it, and the answers it waits for.

Rule: a session's memory is bounded; a client that reads too slowly loses its connection, never its work.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal

from disio_distributor.limits import MESSAGE_BURST, MESSAGES_PER_S, TokenBucket
from disio_distributor.wire import Wire

MAX_OUTGOING = 64
"""Messages that wait for one client."""
MAX_OUTGOING_BYTES = 16 << 20
"""Bytes that wait for one client; a single message may be larger."""
MAX_UNANSWERED = 16
"""Acknowledged messages of one client under way; the protocol asks for at most 4."""
SLOW_READER_S = 30.0
"""How long one message may take to leave for a client."""
CLOSING_S = 1.0
"""How long a client has to read the last message before its connection is cut."""

State = Literal["new", "joining", "joined", "closed"]
Emit = Callable[[str, bytes], Awaitable[None]]


class Session:
    """A client's Socket.IO session.

    Args:
        sid: Socket.IO's name for it.
        wire: The connection below.
        emit: Sends bytes to a session, without waiting for the network.
        now: Seconds on the steady clock.
    """

    def __init__(self, sid: str, wire: Wire, emit: Emit, now: float) -> None:
        self.sid, self.wire = sid, wire
        self.bucket = TokenBucket(MESSAGES_PER_S, MESSAGE_BURST, now)
        self.answers: dict[int, asyncio.Future[bytes]] = {}
        self.state: State = "new"
        self.client = ""
        """Of a visitor whose visit is counted, its id."""
        self.reported: dict[int, tuple[int, float]] = {}
        """Of results that are not answered yet, how many and how long they took."""
        self._emit = emit
        self._outgoing: deque[bytes] = deque()
        self._outgoing_bytes = 0
        self._sender: asyncio.Task[None] | None = None
        self._is_last_queued = False
        self._requests = 0

    def next_request(self) -> tuple[int, asyncio.Future[bytes]]:
        """Return the number of a new acknowledged message and where its answer will be."""
        self._requests += 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.answers[self._requests] = answer
        return self._requests, answer

    def answer(self, request: int, data: bytes) -> None:
        """Give the answer to an acknowledged message, unless nobody waits any more."""
        future = self.answers.pop(request, None)
        if future is not None and not future.done():
            future.set_result(data)

    def send(self, data: bytes) -> bool:
        """Queue a message; return False when it does not fit and the connection was cut."""
        if self._is_last_queued or self.state == "closed":
            return True
        too_big = self._outgoing and self._outgoing_bytes + len(data) > MAX_OUTGOING_BYTES
        if too_big or len(self._outgoing) >= MAX_OUTGOING:
            self.wire.abort()
            return False
        self._outgoing.append(data)
        self._outgoing_bytes += len(data)
        if self.state == "joined":
            self._start_sending()
        return True

    def open(self) -> None:
        """Begin to send: the client has its Welcome."""
        if self.state == "joining":
            self.state = "joined"
            self._start_sending()

    def close_after(self) -> None:
        """Close the session once all that was queued is sent."""
        if not self._is_last_queued:
            self._is_last_queued = True
            self._start_sending()

    def closed(self) -> None:
        """The connection is gone: let go of everything."""
        self.state, self._is_last_queued = "closed", True
        self._outgoing.clear()
        if self._sender is not None:
            self._sender.cancel()
        for answer in self.answers.values():
            answer.cancel()
        self.answers.clear()

    def _start_sending(self) -> None:
        if self._sender is None and (self._outgoing or self._is_last_queued):
            self._sender = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._outgoing:
                data = self._outgoing.popleft()
                self._outgoing_bytes -= len(data)
                self.wire.written.clear()
                await self._emit(self.sid, data)
                async with asyncio.timeout(SLOW_READER_S):
                    await self.wire.written.wait()
            if self._is_last_queued:
                self.wire.close()
                asyncio.get_running_loop().call_later(CLOSING_S, self.wire.abort)
        except TimeoutError:
            self.wire.abort()
        finally:
            self._sender = None
