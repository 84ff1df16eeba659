"""A TCP proxy that breaks what passes through it: late, slow, cut, swallowed, one way only, one byte at a time.

Rule: it moves bytes and knows nothing of what they mean, so it serves the client link and the manager link alike; and a
byte that it forwards comes out unchanged and in order, since that is what TCP promises. Repeated, lost or reordered
messages cannot be made here: the manager link is CURVE, whose nonces end a connection with a repeated frame, and
WebSocket frames ride on TCP. The simulation (`tests/simulation`) repeats, loses and reorders messages.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

CHUNK = 64 << 10
MAX_DELAYED = 1 << 20
"""Bytes of one direction that are held back at most; then its sender has to wait."""
CONNECT_S = 5.0

Direction = Literal["up", "down"]
"""``up``: from whoever connected to the proxy, to the server behind it."""


@dataclass(slots=True, kw_only=True)
class Faults:
    """What is done to bytes that pass; new values hold for open connections at once."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    """Added to the latency, evenly from 0 to this; order is kept."""
    bytes_per_s: float = 0.0
    """Of each direction of each connection; 0 = as fast as it goes."""
    slice_bytes: int = 0
    """Bytes are written in pieces of this size; 0 = as they come."""
    blocked: frozenset[Direction] = frozenset()
    """Directions in which nothing moves. Connections stay open, and new ones are taken in."""
    refuses: bool = False
    """New connections are reset at once."""


BLACKHOLE: frozenset[Direction] = frozenset({"up", "down"})


class _Flow:
    """One direction of one connection."""

    def __init__(
        self, proxy: "Proxy", direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy, self._direction, self._reader, self._writer = proxy, direction, reader, writer
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._news = asyncio.Event()
        self._is_over = False
        self._due_at = 0.0

    async def run(self) -> None:
        """Move bytes until one side closes; then close the other side's half."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_in())
            group.create_task(self._hand_on())

    async def _take_in(self) -> None:
        while True:
            await self._proxy.when(lambda: not self._is_blocked() and self._held_bytes < MAX_DELAYED)
            data = await self._reader.read(CHUNK)
            # What had arrived when a direction was blocked waits with the rest.
            await self._proxy.when(lambda: not self._is_blocked())
            faults = self._proxy.faults
            delay_s = faults.latency_s + self._proxy.chance.uniform(0.0, faults.jitter_s)
            self._due_at = max(self._due_at, _now() + delay_s)
            self._held.append((self._due_at, data))
            self._held_bytes += len(data)
            self._news.set()
            if not data:
                return

    async def _hand_on(self) -> None:
        while True:
            while not self._held:
                self._news.clear()
                await self._news.wait()
            due_at, data = self._held[0]
            await asyncio.sleep(max(0.0, due_at - _now()))
            await self._proxy.when(lambda: not self._is_blocked())
            self._held.popleft()
            self._held_bytes -= len(data)
            self._proxy.changed()
            if not data:
                with contextlib.suppress(OSError):
                    self._writer.write_eof()
                return
            await self._write(data)

    async def _write(self, data: bytes) -> None:
        faults = self._proxy.faults
        size = faults.slice_bytes or len(data)
        if faults.bytes_per_s:
            size = max(1, min(size, int(faults.bytes_per_s / 20)))
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            await self._proxy.when(lambda: not self._is_blocked())
            self._writer.write(piece)
            await self._writer.drain()
            self._proxy.moved[self._direction] += len(piece)
            await asyncio.sleep(len(piece) / faults.bytes_per_s if faults.bytes_per_s else 0)

    def _is_blocked(self) -> bool:
        return self._direction in self._proxy.faults.blocked


class Proxy:
    """Listens on a port of its own and forwards to a server. Use as an async context manager.

    Args:
        port: The server's, on loopback.
        seed: Of the jitter.
    """

    def __init__(self, port: int, seed: int = 0) -> None:
        self.faults = Faults()
        self.chance = random.Random(seed)
        self.moved: dict[Direction, int] = {"up": 0, "down": 0}
        """Bytes forwarded so far."""
        self.connections = 0
        """Connections taken in so far."""
        self.port = 0
        """Where it listens."""
        self._server_port = port
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._changed: list[asyncio.Future[None]] = []

    @property
    def url(self) -> str:
        """Return the address for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """Return how many connections are open."""
        return len(self._open)

    def set(self, faults: Faults) -> None:
        """Break things differently from now on; ``Faults()`` mends the link."""
        self.faults = faults
        self.changed()

    def reset(self) -> None:
        """End all connections with a TCP reset, as a crashed router or a killed host does."""
        for task in self._open:
            task.cancel()

    async def when(self, fact: Callable[[], bool]) -> None:
        """Wait until a fact about the faults or the flows holds."""
        while not fact():
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._changed.append(waiting)
            await waiting

    def changed(self) -> None:
        """Let everybody in ``when`` look again."""
        waiting, self._changed = self._changed, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._taken_in, "127.0.0.1", 0, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _taken_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.faults.refuses:
            _reset(writer)
            return
        task = asyncio.create_task(self._forward(reader, writer))
        self._open[task] = [writer]
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        for writer in self._open.pop(task):
            if not writer.is_closing():
                _reset(writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until both directions ended, or one of them broke."""
        try:
            async with asyncio.timeout(CONNECT_S):
                behind, to_server = await asyncio.open_connection("127.0.0.1", self._server_port, limit=CHUNK)
        except (OSError, TimeoutError):
            return
        this = asyncio.current_task()
        assert this is not None
        self._open[this].append(to_server)
        with contextlib.suppress(OSError):
            await self._until_both_end(_Flow(self, "up", reader, to_server), _Flow(self, "down", behind, writer))
            for each in (writer, to_server):
                each.close()

    async def _until_both_end(self, *flows: _Flow) -> None:
        """Move bytes both ways.

        Raises:
            OSError: One side broke.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for flow in flows:
                    group.create_task(flow.run())
        except* OSError as broken:
            raise ConnectionResetError(str(broken.exceptions)) from None


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the peer sees a reset."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _now() -> float:
    return asyncio.get_running_loop().time()
