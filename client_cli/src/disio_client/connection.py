"""The Socket.IO side of the client link: one socket at a time, reconnected by our own backoff.

Rule: it decides nothing but when to connect; every message goes to the session and comes from it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import socketio  # type: ignore[import-untyped]

from disio_client.closing import close
from disio_client.events import Acknowledged, Connected, Disconnected, Event, Received, Reconnect, Say
from disio_client.identity import Identities
from disio_shared.backoff import Backoff
from disio_shared.codec import MAX_CLIENT_MESSAGE
from disio_shared.errors import LocalProtocolError, RemoteProtocolError
from disio_shared.messages import FROM_CLIENT, TO_CLIENT, Error, FromClient

CONNECT_S = 15.0
SEND_S = 60.0
"""A socket that takes no message for so long is dropped."""
HEARTBEAT_S = 30.0
"""A peer silent for so long is asked, whatever ping times it announced; half as long later it is given up."""
MAX_OUTGOING = 1000
"""Messages that wait for the socket; one more drops it."""
FRAME_ROOM = 4096
"""Bytes that Socket.IO puts around a message, at most."""
MAX_QUICK_REDIRECTS = 5
TRIES_AWAY_FROM_HOME = 3
"""Failed connections to a distributor we were redirected to, before the first one is tried again."""
EVENT = "m"

Submit = Callable[[Event], Coroutine[Any, Any, None]]
Outgoing = asyncio.Queue[tuple[int | None, bytes]]


class Connection:
    """Keeps the client connected to its distributor.

    Args:
        identities: Knows the present distributor's URL, which redirects change.
        backoff: Delays between tries.
        say: Tells the volunteer.
    """

    def __init__(
        self,
        identities: Identities,
        http: aiohttp.ClientSession,
        submit: Submit,
        backoff: Backoff,
        say: Callable[[Say], None],
    ) -> None:
        self._identities, self._http, self._submit, self._say = identities, http, submit, say
        self._backoff = backoff
        self._home = identities.url
        self._failures = self._redirects = 0
        self._delay_s: float | None = None
        self._outgoing: Outgoing = asyncio.Queue(MAX_OUTGOING)
        self._closed = asyncio.Event()

    def send(self, message: FromClient, number: int | None) -> None:
        """Send a message; its acknowledgement comes back under ``number``, if there is one."""
        try:
            data = FROM_CLIENT.encode(message)
        except LocalProtocolError as error:
            self._say(Say("refused", f"not sent: {error}"))
            if number is not None:
                answer = Error(code="oversize", reason=str(error))
                asyncio.get_running_loop().create_task(self._submit(Acknowledged(number, answer)))
            return
        try:
            self._outgoing.put_nowait((number, data))
        except asyncio.QueueFull:
            self._closed.set()

    def reconnect(self, command: Reconnect) -> None:
        """Drop the socket and connect again, elsewhere if the command says so."""
        self._delay_s = command.after_s if command.after_s >= 0 else None
        if command.url:
            self._identities.url = command.url.rstrip("/")
            self._redirects += 1
            self._delay_s = 0.0 if self._redirects <= MAX_QUICK_REDIRECTS else None
        self._closed.set()

    def welcomed(self) -> None:
        """Note that the distributor let us in: the next loss is a first one."""
        self._backoff.reset()
        self._failures = self._redirects = 0

    async def run(self) -> None:
        """Connect, serve, and come back, until cancelled."""
        while True:
            self._delay_s = None
            try:
                await self._serve_once()
            except (socketio.exceptions.SocketIOError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                self._note_failure(error)
            await asyncio.sleep(self._pause_s())

    def _pause_s(self) -> float:
        """Return how long to wait before the next try: what the distributor asked for, or a step of the backoff."""
        return self._backoff.next_s() if self._delay_s is None else self._delay_s

    def _note_failure(self, error: Exception) -> None:
        self._failures += 1
        reason = str(error) or "no answer"
        self._say(Say("connection", f"no distributor answers at {self._identities.url} ({reason}); trying again"))
        if self._failures >= TRIES_AWAY_FROM_HOME and self._identities.url != self._home:
            self._identities.url = self._home
            self._failures = 0

    async def _serve_once(self) -> None:
        closed = self._closed = asyncio.Event()
        sio = self._socket(closed)
        place = urlsplit(self._identities.url)
        path = f"{place.path.strip('/')}/socket.io".lstrip("/")
        try:
            async with asyncio.timeout(CONNECT_S):
                await sio.connect(
                    self._identities.url, transports=["websocket"], socketio_path=path, wait_timeout=CONNECT_S
                )
            self._outgoing = asyncio.Queue(MAX_OUTGOING)
            identity = self._identities.read()
            await self._submit(Connected(identity.client_id, identity.secret))
            sender = asyncio.create_task(self._send_all(sio, self._outgoing, closed))
            try:
                await closed.wait()
            finally:
                closed.set()
                sender.cancel()
                await self._submit(Disconnected())
        finally:
            await close(sio)

    def _socket(self, closed: asyncio.Event) -> socketio.AsyncClient:
        sio = socketio.AsyncClient(
            serializer="msgpack",
            reconnection=False,
            handle_sigint=False,
            http_session=self._http,
            request_timeout=CONNECT_S,
            websocket_extra_options={"max_msg_size": MAX_CLIENT_MESSAGE + FRAME_ROOM, "heartbeat": HEARTBEAT_S},
        )

        async def on_message(data: Any = None) -> None:
            await self._take(data, Received, closed)

        async def on_disconnect(*_reason: Any) -> None:
            closed.set()

        sio.on(EVENT, on_message)
        sio.on("disconnect", on_disconnect)
        return sio

    async def _take(self, data: Any, event: Callable[[Any], Event], closed: asyncio.Event) -> None:
        """Decode what came in; a distributor that talks nonsense is dropped."""
        if closed.is_set():
            return
        try:
            message = TO_CLIENT.decode(data if isinstance(data, bytes) else b"")
        except RemoteProtocolError as error:
            self._say(Say("protocol", f"the distributor sent what this client does not know: {error}"))
            closed.set()
            return
        await self._submit(event(message))

    async def _send_all(self, sio: socketio.AsyncClient, outgoing: Outgoing, closed: asyncio.Event) -> None:
        try:
            while True:
                number, data = await outgoing.get()
                async with asyncio.timeout(SEND_S):
                    await sio.emit(EVENT, data, callback=None if number is None else self._answer_to(number, closed))
        except (TimeoutError, *_SOCKET_ERRORS):
            closed.set()

    def _answer_to(self, number: int, closed: asyncio.Event) -> Callable[..., Awaitable[None]]:
        async def take(data: Any = None, *_more: Any) -> None:
            await self._take(data, lambda message: Acknowledged(number, message), closed)

        return take


_SOCKET_ERRORS = (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError)
