"""The Socket.IO link as bytes: its packets, and the WebSocket under each connection.

Rule: a packet is decoded by type; whatever is no event ``m`` with one argument of bytes becomes the event
``malformed``, and builds no object.
"""

import asyncio
from typing import Any, Literal

import msgspec
from aiohttp import web
from engineio.async_drivers.aiohttp import WebSocket  # type: ignore[import-untyped]
from socketio.msgpack_packet import MsgPackPacket  # type: ignore[import-untyped]

from disio_distributor.platforms import platform_of
from disio_shared.codec import MAX_CLIENT_MESSAGE

EVENT_NAME = "m"
MALFORMED = "malformed"
"""Event that a packet which makes no sense is turned into."""
MAX_FRAME = MAX_CLIENT_MESSAGE + (64 << 10)
"""Bytes of a WebSocket frame: the largest message and room for the packet around it."""

_CONNECT, _DISCONNECT, _EVENT = 0, 1, 2
_Types = Literal[0, 1, 2, 3, 4, 5, 6]


class _Envelope(msgspec.Struct):
    type: _Types
    nsp: str = "/"
    data: msgspec.Raw = msgspec.Raw()
    id: int | msgspec.msgpack.Ext | None = None


_envelopes = msgspec.msgpack.Decoder(_Envelope)
_events = msgspec.msgpack.Decoder(tuple[Literal["m"], bytes])


class LinkPacket(MsgPackPacket):  # type: ignore[misc]  # python-socketio has no types
    """A Socket.IO packet whose content is checked while it is decoded."""

    def decode(self, encoded_packet: Any) -> None:
        """Read a packet; one that makes no sense becomes the event ``malformed``, which ends its connection."""
        data: list[Any] | None = [MALFORMED]
        self.packet_type, self.namespace, self.id, self.data = _EVENT, "/", None, data
        try:
            envelope = _envelopes.decode(encoded_packet)
            if envelope.type == _EVENT:
                data = list(_events.decode(envelope.data))
            elif envelope.type in (_CONNECT, _DISCONNECT):
                data = None
            else:
                return
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
            return
        self.packet_type, self.namespace, self.data = envelope.type, envelope.nsp, data
        self.id = envelope.id if isinstance(envelope.id, int) else None


class Wire:
    """One TCP connection of a client: what can be done to it below Socket.IO."""

    def __init__(self, request: web.Request) -> None:
        self.address: str = request.remote or "?"
        self.platform = platform_of(request.headers.get("User-Agent", ""))
        self.session = ""
        """The Socket.IO session on it, once there is one."""
        self.is_settled = False
        """It no longer counts as un-joined."""
        self.written = asyncio.Event()
        """Set each time a frame has been handed to the network."""
        self._request = request

    def close(self) -> None:
        """Close the connection after what was handed to the network; the client sees a lost connection, and comes back.

        Socket.IO's own goodbye would tell its client libraries to stay away.
        """
        transport = self._request.transport
        if transport is not None:
            transport.close()

    def abort(self) -> None:
        """Close the connection at once; what waits to be sent is dropped."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()


WIRE = web.RequestKey("wire", Wire)


class LinkSocket(WebSocket):  # type: ignore[misc]  # python-engineio has no types
    """The WebSocket of one connection: no compression, and frames that make no sense end it quietly."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Serve one connection until it ends."""
        request: web.Request = environ["aiohttp.request"]
        self._wire = request[WIRE]
        self._sock = web.WebSocketResponse(max_msg_size=self.server.max_http_buffer_size, compress=False)
        await self._sock.prepare(request)
        self.environ = environ
        await self.handler(self)
        return self._sock

    async def wait(self) -> Any:
        """Return the next frame; anything but a packet of Engine.IO ends the connection."""
        message = await self._sock.receive()
        data = message.data
        if isinstance(data, bytes) and data:
            return data
        if isinstance(data, str) and data[:1] in "0123456" and data:
            return data
        raise OSError("no frame of Engine.IO")

    async def send(self, message: bytes | str) -> None:
        """Hand a frame to the network, waiting for room."""
        if isinstance(message, bytes):
            await self._sock.send_bytes(message)
        else:
            await self._sock.send_str(message)
        self._wire.written.set()
