"""A TCP relay that can turn into a black hole: connections stay open, and nothing comes through any more.

Rule: a connection that was swallowed stays so, open and silent, until ``stop``; ``heal`` is for new ones.
"""

import asyncio
import contextlib


class Hole:
    """Relays a loopback port to another one."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.port = 0
        self.connections = 0
        """Accepted so far."""
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Event()
        """Set while connections of this gate are relayed."""
        self._gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def swallow(self) -> None:
        """Let nothing through, and read nothing, so that senders fill their buffers."""
        self._gate.clear()

    def heal(self) -> None:
        """Relay new connections."""
        self._gate = asyncio.Event()
        self._gate.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        relay = asyncio.ensure_future(self._relay(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends, gate = [writer], self._gate
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
            ends.append(far_writer)
            there = asyncio.ensure_future(_pump(reader, far_writer, gate))
            back = asyncio.ensure_future(_pump(far_reader, writer, gate))
            try:
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
        except OSError:
            pass
        finally:
            for end in ends:
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            await gate.wait()
            writer.write(data)
            await writer.drain()
            await gate.wait()
