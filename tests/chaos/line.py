"""The client link as bytes, by hand: Engine.IO 4 and Socket.IO's MessagePack packets on one WebSocket.

Rule: it follows docs/protocol.md and shares no code with the product; messages are plain maps. It is light enough for
thousands of connections in one process, which python-socketio's own client is not.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

Message = dict[str, Any]
OnAnswer = Callable[[Message | None], None]
"""Gets the answer, or None when the connection broke before it came."""

CONNECT_S = 15.0
SEND_S = 30.0
_CONNECT, _DISCONNECT, _EVENT, _ACK = 0, 1, 2, 3
_PACKET_OF_ENGINE = {"open": "0", "close": "1", "ping": "2", "pong": "3"}

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class LineLost(Exception):
    """The connection is gone, or never came about."""


class Line:
    """One connection to a distributor, after Socket.IO's greeting."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, silence_s: float) -> None:
        self._socket, self._silence_s = socket, silence_s
        self._answers: dict[int, OnAnswer] = {}
        self._requests = 0

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: str) -> "Line":
        """Connect.

        Raises:
            LineLost: Nobody answers, or not as Socket.IO does.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                address = f"{url}/socket.io/?EIO=4&transport=websocket"
                socket = await http.ws_connect(address, max_msg_size=32 << 20, autoclose=False)
                try:
                    return await cls._greet(socket)
                except BaseException:
                    _cut(socket)
                    raise
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
            raise LineLost(str(error) or type(error).__name__) from error

    @classmethod
    async def _greet(cls, socket: aiohttp.ClientWebSocketResponse) -> "Line":
        text = await socket.receive_str()
        opened = json.loads(text[1:])
        await socket.send_bytes(_encode({"type": _CONNECT, "nsp": "/"}))
        answer = _decode(await socket.receive_bytes())
        if answer["type"] != _CONNECT:
            raise LineLost(f"no namespace: {answer}")
        return cls(socket, (opened["pingInterval"] + opened["pingTimeout"]) / 1000)

    async def say(self, message: Message, on_answer: OnAnswer | None = None) -> None:
        """Send a message; its acknowledgement goes to ``on_answer``.

        Raises:
            LineLost: The connection is gone; ``on_answer`` is called with None when the line is cut.
        """
        packet: Message = {"type": _EVENT, "nsp": "/", "data": ["m", _encode(message)]}
        if on_answer is not None:
            self._requests += 1
            packet["id"] = self._requests
            self._answers[self._requests] = on_answer
        try:
            async with asyncio.timeout(SEND_S):
                await self._socket.send_bytes(_encode(packet))
        except (aiohttp.ClientError, OSError, TimeoutError, RuntimeError) as error:
            raise LineLost(str(error) or type(error).__name__) from error

    async def hear(self) -> Message:
        """Return the distributor's next message; pings and acknowledgements are seen to meanwhile.

        Raises:
            LineLost: The connection ended, or was silent for longer than Engine.IO allows.
        """
        while True:
            try:
                frame = await self._socket.receive(timeout=self._silence_s)
            except (TimeoutError, OSError) as error:
                raise LineLost("silence") from error
            if frame.type is aiohttp.WSMsgType.TEXT:
                await self._answer_ping(frame.data)
            elif frame.type is aiohttp.WSMsgType.BINARY:
                message = self._take(_decode(frame.data))
                if message is not None:
                    return message
            else:
                raise LineLost(f"the connection ended ({frame.type.name})")

    async def _answer_ping(self, text: str) -> None:
        if text[:1] == _PACKET_OF_ENGINE["close"]:
            raise LineLost("closed by the distributor")
        if text[:1] == _PACKET_OF_ENGINE["ping"]:
            try:
                await self._socket.send_str(_PACKET_OF_ENGINE["pong"])
            except (aiohttp.ClientError, OSError) as error:
                raise LineLost(str(error)) from error

    def _take(self, packet: Message) -> Message | None:
        if packet["type"] == _DISCONNECT:
            raise LineLost("disconnected by the distributor")
        if packet["type"] == _ACK:
            on_answer = self._answers.pop(packet["id"], None)
            if on_answer is not None:
                on_answer(_decode(packet["data"][0]) if packet["data"] else None)
            return None
        return dict(_decode(packet["data"][1]))

    def mute(self) -> None:
        """Go silent: nothing is read any more and no ping answered, yet the connection stays open.

        One that the other end has closed a moment ago is silent already.
        """
        connection = self._socket._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.pause_reading()

    def cut(self) -> None:
        """End the connection at once, without a closing word, as a killed process would."""
        _cut(self._socket)
        answers, self._answers = self._answers, {}
        for on_answer in answers.values():
            on_answer(None)


def _cut(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Abort below the WebSocket: aiohttp itself knows only polite endings."""
    connection = socket._response.connection
    if connection is not None:
        if connection.transport is not None:
            connection.transport.abort()
        connection.close()
