"""The ZeroMQ link to the distributors: who may talk, and what becomes of what they say.

Rule: a peer that breaks the protocol, floods or reads too slowly loses its own session and costs the others nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import zmq
import zmq.asyncio
import zmq.auth
from zmq.auth.asyncio import AsyncioAuthenticator

from disio_manager.checks import check_message
from disio_manager.core.commands import Send
from disio_manager.core.events import DistributorJoined, DistributorLeft, Event, MessageArrived
from disio_manager.filling import Filler
from disio_manager.identity import Identity, is_same_secret
from disio_manager.peers import Peer, Peers, Sender
from disio_manager.questions import Question, Questions
from disio_manager.refusals import Refusals, introduced
from disio_manager.service import ManagerService, fresh_ids
from disio_manager.unpacking import unpacked
from disio_shared import messages
from disio_shared.codec import MAX_LINK_MESSAGE
from disio_shared.errors import (
    ConfigError,
    DisioError,
    LocalProtocolError,
    MalformedMessage,
    RemoteProtocolError,
    VersionMismatch,
)
from disio_shared.ids import fresh_id
from disio_shared.logs import LineBudget, logger
from disio_shared.ports import candidates, is_loopback

ZAP_DOMAIN = "disio"
HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS = 5_000, 15_000
HIGH_WATER = 16
"""Messages per peer inside ZeroMQ, each way: it counts no bytes, so what waits longer waits in our own queue."""
MAX_UNCOMMITTED_BYTES = 256 << 20
"""Bytes of all peers on their way to the store; beyond it the link stops reading."""
MAX_FETCHES = 32
"""Code look-ups at a time; beyond it the link stops reading."""
ORDERS = "orders"
"""What a distributor says it speaks that obeys orders."""
OrdersOf = Callable[[str], messages.Orders]
SILENT_STATUSES = 3
"""A session ends after so many missed signs of life."""


class LinkSocket:
    """The ROUTER with its authentication; made inside the event loop."""

    def __init__(self, identity: Identity, host: str) -> None:
        self.context = zmq.asyncio.Context()
        self._authenticator = AsyncioAuthenticator(self.context)
        self._authenticator.start()
        # Any key may connect; who it may be is checked at Join, against the key that ZAP reports as User-Id.
        self._authenticator.configure_curve(domain=ZAP_DOMAIN, location=zmq.auth.CURVE_ALLOW_ANY)
        self.router: Any = self.context.socket(zmq.ROUTER)
        self._host = host
        self._configure(identity)

    def _configure(self, identity: Identity) -> None:
        router = self.router
        router.curve_server = True
        router.curve_secretkey, router.curve_publickey = identity.curve_secret, identity.curve_public
        router.zap_domain = ZAP_DOMAIN.encode()
        router.router_mandatory = 1
        router.maxmsgsize = MAX_LINK_MESSAGE
        router.heartbeat_ivl, router.heartbeat_timeout = HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS
        router.heartbeat_ttl = HEARTBEAT_TIMEOUT_MS
        router.sndhwm = router.rcvhwm = HIGH_WATER
        router.linger = 0
        router.ipv6 = ":" in self._host

    def bind(self, preferred: int) -> int:
        """Bind the first free port from ``preferred`` on and return it.

        Raises:
            ConfigError: None is free, or the address is not this machine's.
        """
        address = "*" if self._host in ("", "0.0.0.0") else f"[{self._host}]" if ":" in self._host else self._host
        for port in candidates(preferred):
            try:
                self.router.bind(f"tcp://{address}:{port or '*'}")
            except zmq.ZMQError as error:
                if error.errno == zmq.EADDRINUSE:
                    continue
                raise ConfigError("zmq-port", f"cannot bind {self._host} port {port}: {error}") from error
            return int(self.router.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").rsplit(b":", 1)[1])
        raise ConfigError("zmq-port", f"no free port from {preferred} on", "give another one with --zmq-port")

    def close(self) -> None:
        """Let go of everything; what was not sent is lost."""
        self.router.close(linger=0)
        self._authenticator.stop()
        self.context.term()


class ManagerLink:
    """Serves the distributors of one manager.

    Args:
        host: What the socket is bound to; off loopback every Join needs the join token.
        status_s: How often distributors are to give a sign of life, seconds.
        refusals: Where people see who was not let in.
        orders_of: What operators want of a distributor.
        note_sites: Takes what a distributor counted.
    """

    def __init__(
        self,
        socket: LinkSocket,
        identity: Identity,
        host: str,
        status_s: float,
        refusals: Refusals,
        orders_of: OrdersOf = lambda _: messages.Orders(version=0),
        note_sites: Callable[[str, messages.Sites], None] = lambda _distributor, _told: None,
    ) -> None:
        self._note_sites = note_sites
        self._refusals, self._orders_of = refusals, orders_of
        self._socket, self._join_token = socket, "" if is_loopback(host) else identity.join_token
        self._silence_s = status_s * SILENT_STATUSES
        self._peers = Peers()
        self._sender = Sender(socket.router, self._end)
        self.questions = Questions(self._put)
        self._log = logger("manager.link")
        self._fetching: set[asyncio.Task[None]] = set()
        self._refusal_lines, self._vain_lines = LineBudget(), LineBudget()
        self._uncommitted = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._service: ManagerService
        self._filler: Filler

    async def run(self, service: ManagerService) -> None:
        """Serve until cancelled."""
        self._service = service
        self._filler = Filler(service.sources, self._send_whole, self._end_session, service.clock.steady)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive())
                group.create_task(self._watch())
        finally:
            self._filler.stop()
            for task in self._fetching:
                task.cancel()

    def send(self, command: Send) -> None:
        """Send a message of the core; one to a session that is over is dropped."""
        self._filler.send(command)

    def order(self, distributor: str, orders: messages.Orders) -> None:
        """Tell a distributor that is here what operators want of it."""
        peer = self._peers.of_distributor(distributor)
        if peer is not None and ORDERS in peer.speaks:
            self._tell(peer, orders)
        elif peer is not None and orders.drained:
            self._tell(peer, messages.Drain(reason=orders.reason or "An operator asked for it."))

    def _put(self, distributor: str, spoken: str, question: Question) -> bool:
        peer = self._peers.of_distributor(distributor)
        if peer is None or spoken not in peer.speaks:
            return False
        self._tell(peer, question)
        return True

    def _end_session(self, session: str) -> None:
        peer = self._peers.of_session(session)
        if peer is not None:
            self._end(peer)

    def _send_whole(self, command: Send) -> None:
        peer = self._peers.of_session(command.session)
        if peer is None:
            return
        if isinstance(command.message, messages.Refused):
            self._refuse(peer, command.message)
            return
        if isinstance(command.message, messages.Admitted):
            self._refusals.forget(peer.distributor)
        self._tell(peer, command.message)
        if isinstance(command.message, messages.Admitted):
            self.order(peer.distributor, self._orders_of(peer.distributor))

    def forget_sessions(self) -> None:
        """Ask everybody to join anew, since the core was loaded anew and knows no session."""
        for peer in self._peers.admitted():
            self._peers.end_session(peer)
            self._tell(peer, _join_first("the manager lost its sessions"))

    async def _receive(self) -> None:
        while True:
            await self._has_room.wait()
            frames = await self._socket.router.recv_multipart(copy=False)
            key = str(frames[-1].get("User-Id")).encode()
            peer, forgotten = self._peers.hear(frames[0].bytes, key, self._service.clock.steady())
            if forgotten is not None:
                self._end(forgotten)
            try:
                await self._take(peer, frames[1:])
            except RemoteProtocolError as error:
                self._cast_out(peer, error)

    async def _take(self, peer: Peer, frames: list[Any]) -> None:
        if len(frames) != 1:
            raise MalformedMessage(f"{len(frames)} frames instead of 1")
        message = messages.FROM_DISTRIBUTOR.decode(frames[0].buffer)
        if isinstance(message, messages.Join):
            await self._join(peer, message)
        elif peer.is_outcast:
            return
        elif not peer.session:
            self._tell(peer, _join_first("this connection has no session"))
        elif isinstance(message, messages.Packed):
            await self._act_on(peer, await unpacked(message), message.size)
        else:
            await self._act_on(peer, message, len(frames[0]))

    async def _act_on(self, peer: Peer, message: messages.FromDistributor, size: int) -> None:
        """Do what a peer with a session says; ``size`` is that of the message in bytes."""
        check_message(message)
        if isinstance(message, messages.Join):
            await self._join(peer, message)
        elif isinstance(message, messages.FetchWorkunit):
            await self._fetch(peer, message.workunit)
        elif isinstance(message, messages.Sites):
            self._note_sites(peer.distributor, message)
        elif isinstance(message, messages.ClientRows | messages.Story):
            self.questions.take(peer.distributor, message)
        else:
            await self._pass_on(peer, message, size)

    async def _join(self, peer: Peer, join: messages.Join) -> None:
        check_message(join)
        peer.introduced = introduced(join)
        refusal = self._why_not(peer, join)
        if refusal is not None:
            self._refuse(peer, refusal)
            return
        before = self._peers.of_distributor(join.distributor)
        for old in (peer, before):
            if old is not None:
                self._end(old)
        session = fresh_id()
        self._peers.admit(peer, session, join.distributor, join.speaks)
        self._log.info("a distributor joined", distributor=join.distributor, name=join.name, url=join.url)
        await self._post(DistributorJoined(session, join, self._service.clock.wall()))

    def _why_not(self, peer: Peer, join: messages.Join) -> messages.Refused | None:
        if join.version != messages.PROTOCOL_VERSION:
            problem = VersionMismatch(join.version, messages.PROTOCOL_VERSION)
            return messages.Refused(code="version", reason=str(problem))
        if self._join_token and not is_same_secret(join.join_token, self._join_token):
            return messages.Refused(code="token", reason="the join token is wrong: copy join.token from the manager")
        online = self._peers.of_distributor(join.distributor)
        if online is not None and online.key != peer.key:
            reason = "this distributor id is online with another key"
            return messages.Refused(code="identity", reason=reason, retry_after_s=self._silence_s)
        return None

    def _refuse(self, peer: Peer, refusal: messages.Refused) -> None:
        """Tell a peer, the log and the fleet view that it is not let in."""
        if peer.introduced is not None:
            self._note_refusal("a distributor was refused", peer.introduced.id, refusal.reason)
            self._refusals.note(peer.introduced, refusal, self._service.clock.wall())
        self._end(peer)
        self._tell(peer, refusal)

    async def _pass_on(self, peer: Peer, message: Any, size: int) -> None:
        fresh = fresh_ids() if isinstance(message, messages.Ask) else ()
        event = MessageArrived(peer.session, message, self._service.clock.wall(), fresh)
        self._uncommitted += size
        if self._uncommitted > MAX_UNCOMMITTED_BYTES:
            self._has_room.clear()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.add_done_callback(lambda settled: self._settled(settled, size))
        await self._post(event, done)

    def _settled(self, done: asyncio.Future[None], size: int) -> None:
        self._uncommitted -= size
        if self._uncommitted <= MAX_UNCOMMITTED_BYTES:
            self._has_room.set()
        if not done.cancelled() and (error := done.exception()) is not None:
            self._note_in_vain(error)

    async def _post(self, event: Event, done: asyncio.Future[None] | None = None) -> None:
        """Hand an event on; wait, and so stop reading, while the core's queue is full."""
        if self._service.post(event, done):
            return
        try:
            await self._service.submit(event)
        except DisioError as error:
            self._note_in_vain(error)
        if done is not None:
            done.set_result(None)

    def _note_in_vain(self, error: BaseException) -> None:
        hidden = self._vain_lines.take(self._service.clock.steady())
        if hidden is not None:
            self._log.warning("a distributor's message had no effect", problem=str(error), not_shown=hidden)

    async def _fetch(self, peer: Peer, workunit: str) -> None:
        if len(self._fetching) >= MAX_FETCHES:
            await asyncio.wait(self._fetching, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._answer_code(peer, workunit))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _answer_code(self, peer: Peer, workunit: str) -> None:
        try:
            language, code = await self._service.store.workunit(workunit) or ("", b"")
        except DisioError as error:
            self._log.warning("code cannot be read", workunit=workunit, problem=str(error))
            return  # the distributor asks again
        self._tell(peer, messages.WorkunitCode(workunit=workunit, language=language, code=code))

    def _tell(self, peer: Peer, message: messages.ToDistributor) -> None:
        try:
            data = messages.TO_DISTRIBUTOR.encode(message)
        except LocalProtocolError as error:
            self._log.error("a message could not be sent", distributor=peer.distributor, problem=str(error))
            return
        if not self._sender.send(peer, data) and peer.session:
            self._log.warning("a distributor reads too slowly and lost its session", distributor=peer.distributor)
            self._end(peer)

    def _cast_out(self, peer: Peer, error: RemoteProtocolError) -> None:
        if peer.is_outcast:
            return
        self._note_refusal("a peer broke the protocol", peer.distributor, str(error))
        self._end(peer)
        peer.is_outcast = True
        self._tell(peer, messages.Error(code=error.code, reason=str(error)[:500]))

    def _note_refusal(self, what: str, distributor: str, reason: str) -> None:
        hidden = self._refusal_lines.take(self._service.clock.steady())
        if hidden is not None:
            self._log.warning(what, distributor=distributor, reason=reason, not_shown=hidden)

    def _end(self, peer: Peer) -> None:
        """End a peer's session, if it has one."""
        session = self._peers.end_session(peer)
        if session and not self._service.post(DistributorLeft(session, self._service.clock.wall())):
            self._log.warning("the core is too busy to hear of a lost session", distributor=peer.distributor)

    async def _watch(self) -> None:
        """End the sessions of the silent."""
        while True:
            await asyncio.sleep(min(1.0, self._silence_s / 4))
            for peer in self._peers.silent_since(self._service.clock.steady() - self._silence_s):
                if peer.session:
                    self._log.warning("a distributor fell silent", distributor=peer.distributor)
                self._end(peer)
                self._peers.forget(peer)


def _join_first(why: str) -> messages.Error:
    return messages.Error(code="unjoined", reason=f"{why}: say Join first")
