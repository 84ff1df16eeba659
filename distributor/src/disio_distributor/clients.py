"""The client link: Socket.IO sessions of clients in, events of the core out, and the core's answers back.

Rule: what a client sends is answered only when the core's decision about it is durable; a client that breaks the
protocol loses its own connection and nobody else's.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import socketio  # type: ignore[import-untyped]
from aiohttp import web

from disio_distributor.core.commands import CloseClient, Reply, SendClient
from disio_distributor.core.events import ClientJoined, ClientLeft, ClientSaid, Event
from disio_distributor.core.keyring import Keyring
from disio_distributor.core.standing import Standing
from disio_distributor.limits import AddressLimits, Sampled
from disio_distributor.reception import ClientLinkSettings, Reception, check_hello
from disio_distributor.sessions import CLOSING_S, MAX_UNANSWERED, Session
from disio_distributor.stores.base import ServingCache
from disio_distributor.visiting import Visiting
from disio_distributor.wire import EVENT_NAME, MALFORMED, MAX_FRAME, WIRE, LinkPacket, LinkSocket, Wire
from disio_shared import messages
from disio_shared.clock import Clock
from disio_shared.errors import (
    DisioError,
    LocalProtocolError,
    MalformedMessage,
    RemoteProtocolError,
    StoreUnavailable,
    UnavailableError,
)
from disio_shared.logs import logger

PATH = "/socket.io/"
PING = "/ping"
MAX_TOLD = 16
"""Siblings that a ping tells of."""
OPEN = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
PING_S = 10
ANSWER_S = 30.0
"""How long a client waits for an acknowledgement before it is told to come again."""
MAX_HELD_BYTES = 256 << 20
"""Bytes of acknowledged messages under way, all clients together."""
MAX_REASON = 200
"""Characters of a refusal's reason that are sent and logged."""

log = logger("distributor.clients")


class EventSink(Protocol):
    """Where events go: the shell around the core."""

    async def submit(self, event: Event) -> None:
        """Hand an event in and wait until what follows is durable."""
        ...

    def post(self, event: Event) -> bool:
        """Hand an event in without waiting; return False when it was dropped."""
        ...


class ClientLink:
    """All clients of this distributor.

    Args:
        settings: Limits and names.
        sink: Takes the events.
        cache: Knows the clients that were here before.
        siblings: Returns base URLs of other distributors, best first.
        clock: Steady time for limits, wall time for what is remembered.
        standing: Returns what operators want.
        visiting: Counts visits of browsers.
        keyring: Returns the clusters' keys.
        hosts: Returns base URLs of distributors whose pages may connect; None = the siblings'.
    """

    def __init__(
        self,
        settings: ClientLinkSettings,
        sink: EventSink,
        cache: ServingCache,
        siblings: Callable[[], list[str]],
        clock: Clock,
        standing: Callable[[], Standing] = lambda: Standing({}),
        visiting: Visiting | None = None,
        keyring: Callable[[], Keyring | None] = lambda: None,
        hosts: Callable[[], list[str]] | None = None,
    ) -> None:
        self._visiting, self._hosts = visiting, hosts or siblings
        self._settings, self._sink, self._siblings, self._clock = settings, sink, siblings, clock
        self._reception = Reception(settings, cache, siblings, clock, standing, keyring)
        self._sessions: dict[str, Session] = {}
        self._limits = AddressLimits()
        self._strikes = Sampled(10.0)
        self._held_bytes = 0
        self._joined = 0
        self._leaving: set[asyncio.Task[None]] = set()
        self.is_draining = False
        """Newcomers are sent away."""
        self.messages_in = 0
        """Messages of welcomed clients so far."""
        self.refused = 0
        """Peers dropped for breaking the protocol or a limit so far."""
        self._sio = socketio.AsyncServer(
            async_mode="aiohttp",
            serializer=LinkPacket,
            transports=["websocket"],
            max_http_buffer_size=MAX_FRAME,
            http_compression=False,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            cors_allowed_origins=self._is_origin_allowed,
        )
        self._sio.eio._async = {**self._sio.eio._async, "websocket": LinkSocket}
        self._sio.on("connect", self._connected)
        self._sio.on("disconnect", self._disconnected)
        self._sio.on(EVENT_NAME, self._said)
        self._sio.on(MALFORMED, self._said_nonsense)

    @property
    def count(self) -> int:
        """Return the number of welcomed clients."""
        return self._joined

    @property
    def turned_away(self) -> int:
        """Return how many were refused or redirected for want of places so far."""
        return self._reception.turned_away

    def attach(self, app: web.Application) -> None:
        """Serve Socket.IO in ``app``, and what clients ask before they choose a distributor."""
        app.router.add_get(PATH, self._serve)
        app.router.add_get(PING, self._pinged)

    async def _pinged(self, _request: web.Request) -> web.StreamResponse:
        """Say whether there is room for a newcomer (200, else 503), and who else is there; how long it takes counts."""
        has_room = not self.is_draining and self._joined < self._reception.places
        told = {"siblings": self._siblings()[:MAX_TOLD]}
        return web.json_response(told, status=200 if has_room else 503, headers=OPEN)

    def perform(self, command: SendClient | Reply | CloseClient) -> None:
        """Carry out one of the core's commands; never waits."""
        session = self._sessions.get(command.session)
        if session is None:
            return
        if isinstance(command, CloseClient):
            session.close_after()
            return
        data = self._encode(session, command.message)
        if isinstance(command, Reply):
            self._count(session, command)
            session.answer(command.request, data)
        elif not session.send(data):
            self._strike(session, "reads too slowly")

    def _count(self, session: Session, reply: Reply) -> None:
        """Count results of a visitor once the core has taken them."""
        indexes, seconds = session.reported.pop(reply.request, (0, 0.0))
        if self._visiting is not None and indexes and isinstance(reply.message, messages.Stored):
            taken = min(indexes, reply.message.accepted)
            self._visiting.worked(session.client, taken, seconds * taken / indexes)

    def drop_all(self) -> None:
        """Cut every connection: the core has forgotten them; the clients come back and say Hello again."""
        for session in list(self._sessions.values()):
            self._forget(session)
            session.wire.abort()

    async def stop(self) -> None:
        """Say goodbye to all clients, within a second."""
        self.is_draining = True
        for session in list(self._sessions.values()):
            session.close_after()
        deadline = self._clock.steady() + 2 * CLOSING_S
        while self._sessions and self._clock.steady() < deadline:
            await asyncio.sleep(0.02)
        self.drop_all()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=CLOSING_S)
        await self._sio.shutdown()

    # Connections

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from its first byte to its last."""
        wire = Wire(request)
        if not self._limits.admit(wire.address, self._clock.steady()):
            self.refused += 1
            return web.Response(status=429, text="too many connections\n", headers={"Retry-After": "5"})
        request[WIRE] = wire
        deadline = asyncio.get_running_loop().call_later(self._settings.hello_timeout_s, self._hello_due, wire)
        try:
            response: web.StreamResponse = await self._sio.handle_request(request)
            return response
        except (OSError, ValueError, RuntimeError) as error:  # what the library lets through when a peer misbehaves
            if not isinstance(error, ConnectionError):  # that a peer goes away is no offence
                self._note(wire.address, f"connection broke: {error}")
            wire.abort()
            return web.Response(status=400)
        finally:
            deadline.cancel()
            self._settle(wire)

    def _hello_due(self, wire: Wire) -> None:
        if not wire.is_settled:
            self.refused += 1
            self._note(wire.address, f"no Hello within {self._settings.hello_timeout_s:g} s")
            wire.abort()

    def _settle(self, wire: Wire) -> None:
        if not wire.is_settled:
            wire.is_settled = True
            self._limits.settle(wire.address)

    def _is_origin_allowed(self, origin: str, environ: dict[str, Any]) -> bool:
        """Allow our own pages, and those of siblings (a client that goes elsewhere keeps its page)."""
        host = urlsplit(origin).netloc
        if host and host == environ.get("HTTP_HOST"):
            return True
        known = [self._settings.public_url, *self._hosts()]
        return any(url and urlsplit(url)[:2] == urlsplit(origin)[:2] for url in known)

    async def _connected(self, sid: str, environ: dict[str, Any], _auth: Any) -> None:
        wire: Wire = environ["aiohttp.request"][WIRE]
        self._sessions[sid] = Session(sid, wire, self._emit, self._clock.steady())

    async def _disconnected(self, sid: str, _reason: str) -> None:
        session = self._sessions.get(sid)
        if session is not None:
            has_joined = session.state in ("joining", "joined")
            self._forget(session)
            if has_joined:
                self._tell_left(sid)
            asyncio.get_running_loop().call_later(CLOSING_S, session.wire.abort)

    def _forget(self, session: Session) -> None:
        if session.state in ("joining", "joined"):
            self._joined -= 1
        self._sessions.pop(session.sid, None)
        if session.client and self._visiting is not None:
            self._visiting.went(session.client)
        session.closed()

    def _tell_left(self, sid: str) -> None:
        """Tell the core; it must hear of it even when its queue is full."""
        task = asyncio.create_task(self._submit_left(sid))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _submit_left(self, sid: str) -> None:
        with contextlib.suppress(DisioError, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._sink.submit(ClientLeft(sid))

    async def _emit(self, sid: str, data: bytes) -> None:
        await self._sio.emit(EVENT_NAME, data, to=sid)

    # Messages

    async def _said_nonsense(self, sid: str, *_arguments: Any) -> None:
        session = self._sessions.get(sid)
        if session is not None:
            self._drop(session, MalformedMessage("not one argument of bytes"))

    async def _said(self, sid: str, data: bytes) -> bytes | None:
        """Handle one message; what is returned is its acknowledgement."""
        session = self._sessions.get(sid)
        if session is None or session.state == "closed":
            return None
        if not session.bucket.take(self._clock.steady()):
            return self._drop(session, MalformedMessage("too many messages a second"))
        try:
            message = messages.FROM_CLIENT.decode(data)
            return await self._handle(session, message, len(data))
        except RemoteProtocolError as error:
            return self._drop(session, error)

    async def _handle(self, session: Session, message: messages.FromClient, size: int) -> bytes | None:
        if isinstance(message, messages.Hello):
            return self._encode(session, await self._hello(session, message))
        if session.state not in ("joining", "joined"):
            raise MalformedMessage("the first message must be Hello")
        self.messages_in += 1
        if isinstance(message, messages.Ready | messages.Progress):
            if not self._sink.post(ClientSaid(session.sid, message)):
                await self._submit_unasked(session, ClientSaid(session.sid, message))
            return None
        return await self._acknowledge(session, message, size)

    async def _submit_unasked(self, session: Session, event: ClientSaid) -> None:
        """Hand in what nobody waits for while the queue is full; a client whose Ready is lost must say it anew."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._sink.submit(event)
        except (UnavailableError, TimeoutError):
            session.wire.abort()

    async def _acknowledge(self, session: Session, message: Any, size: int) -> bytes:
        """Submit a message and return the core's answer, or the advice to come again."""
        if len(session.answers) >= MAX_UNANSWERED:
            raise MalformedMessage(f"more than {MAX_UNANSWERED} unacknowledged messages")
        if self._held_bytes + size > MAX_HELD_BYTES:
            return self._unavailable(session, "the distributor is busy")
        request, answer = session.next_request()
        if session.client and isinstance(message, messages.Results):
            session.reported[request] = (len(message.indexes), sum(message.seconds))
        self._held_bytes += size
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._sink.submit(ClientSaid(session.sid, message, request))
                return await answer
        except TimeoutError:
            return self._unavailable(session, f"no answer within {ANSWER_S:g} s")
        except UnavailableError as trouble:
            return self._unavailable(session, str(trouble))
        except RemoteProtocolError:
            raise
        except DisioError as refusal:
            return self._encode(session, messages.Error(code=refusal.code, reason=str(refusal)))
        finally:
            self._held_bytes -= size
            session.answers.pop(request, None)
            session.reported.pop(request, None)

    def _unavailable(self, session: Session, reason: str) -> bytes:
        return self._encode(session, messages.Error(code=UnavailableError.code, reason=reason))

    def _encode(self, session: Session, message: messages.ToClient) -> bytes:
        try:
            return messages.TO_CLIENT.encode(message)
        except LocalProtocolError as error:
            log.error("cannot send to a client", session=session.sid, error=str(error))
            session.wire.abort()
            return b""

    def _drop(self, session: Session, error: RemoteProtocolError) -> bytes:
        """Tell a peer what it did wrong and close its session; the bytes are the acknowledgement."""
        self._strike(session, str(error))
        answer = messages.TO_CLIENT.encode(messages.Error(code=error.code, reason=str(error)[:MAX_REASON]))
        session.send(answer)
        session.close_after()
        return answer

    def _strike(self, session: Session, reason: str) -> None:
        self.refused += 1
        self._note(session.wire.address, reason)

    def _note(self, address: str, reason: str) -> None:
        hidden = self._strikes.take(self._clock.steady())
        if hidden is not None:
            log.warning("client dropped", address=address, reason=reason[:MAX_REASON], not_shown=hidden)

    # Hello

    async def _hello(self, session: Session, hello: messages.Hello) -> messages.ToClient:
        if session.state != "new":
            raise MalformedMessage("a second Hello")
        check_hello(hello)
        refusal = self._reception.refusal(hello, self._joined, self.is_draining)
        if refusal is not None:
            asyncio.get_running_loop().call_later(CLOSING_S, session.close_after)
            return refusal
        self._settle(session.wire)
        session.state = "joining"
        self._joined += 1
        try:
            async with asyncio.timeout(ANSWER_S):
                client, secret = await self._reception.identify(hello)
                if session.state != "joining":
                    raise StoreUnavailable("session", "has ended")
                if (outlaw := self._reception.outlaw(client)) is not None:
                    asyncio.get_running_loop().call_later(CLOSING_S, session.close_after)
                    return outlaw
                wire = session.wire
                await self._sink.submit(ClientJoined(session.sid, client, hello, wire.address, wire.platform))
        except (UnavailableError, TimeoutError) as trouble:
            asyncio.get_running_loop().call_later(CLOSING_S, session.close_after)
            return messages.Error(code=UnavailableError.code, reason=str(trouble) or "no answer")
        if hello.kind == "web" and self._visiting is not None:
            session.client = client
            self._visiting.came(client, hello.origin, hello.site)
        asyncio.get_running_loop().call_soon(session.open)  # after the acknowledgement has been queued
        return self._reception.welcome(client, secret)
