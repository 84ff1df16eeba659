"""One manager's link: a DEALER socket with CURVE, joined again for ever.

Rule: online means that the handshake succeeded and the manager said Admitted; whatever goes wrong ends the session,
and the next one starts on a new socket (a refused key is final for a socket, and a silent peer may stay connected).
"""

import asyncio
import contextlib
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec
import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from disio_distributor.core.events import Event, ManagerAdmitted, ManagerLost, ManagerSaid
from disio_distributor.packing import frame_of
from disio_shared import messages
from disio_shared.backoff import Backoff
from disio_shared.clock import Clock
from disio_shared.codec import MAX_LINK_MESSAGE
from disio_shared.errors import (
    DisioError,
    LocalProtocolError,
    ManagerUnreachable,
    RemoteProtocolError,
    UnavailableError,
    VersionMismatch,
)
from disio_shared.logs import logger
from disio_shared.wording import not_json, problem_of

ASK_S = 5.0
"""How long a manager's REST interface may take to tell its link's address."""
HANDSHAKE_S = 10.0
ADMISSION_S = 10.0
MAX_SIBLINGS = 256
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
SILENT_STATUSES = 3
"""A manager that owes an answer and says nothing for this many status intervals counts as lost."""
HEARTBEAT_MS = 2000
HEARTBEAT_TIMEOUT_MS = 6000
MAX_QUEUED_OUT, MAX_QUEUED_IN = 100, 1000
"""Messages that wait in the socket; further ones are dropped, and the core repeats what matters."""
MAX_INFO_BYTES = 64 << 10

_FAILURES = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the manager refused our key",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "the handshake failed",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the handshake failed: is the manager's key right?",
    zmq.EVENT_DISCONNECTED: "the connection broke",
}
_WATCHED = zmq.EVENT_HANDSHAKE_SUCCEEDED
for _event in _FAILURES:
    _WATCHED |= _event

log = logger("distributor.link")


class LinkInfo(msgspec.Struct, frozen=True):
    """What ``GET /api/link`` tells."""

    zmq_port: int
    curve_key: str
    cluster: str
    version: int


class CurveKeys(NamedTuple):
    """Our key pair in Z85; names this distributor to managers for as long as its data directory lives."""

    public: str
    secret: str


class LinkTrouble(Exception):
    """Why a session did not start or has ended."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


async def fetch_info(http: aiohttp.ClientSession, url: str) -> LinkInfo:
    """Ask a manager for its link's port and key.

    Raises:
        ManagerUnreachable: Nothing that talks like a manager answers.
        VersionMismatch: It speaks another version of the link.
    """
    try:
        async with http.get(f"{url}/api/link", timeout=aiohttp.ClientTimeout(total=ASK_S)) as response:
            if response.status != 200:
                raise ManagerUnreachable(url, f"/api/link answered {response.status}")
            body = await response.content.read(MAX_INFO_BYTES)
        info = msgspec.json.decode(body, type=LinkInfo)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ManagerUnreachable(url, str(error) or "no answer") from error
    except msgspec.ValidationError as error:
        problem = problem_of(error, LinkInfo, whole="what came")
        told = f"{problem.path} {problem.message}".strip()
        raise ManagerUnreachable(url, f"/api/link made no sense: {told}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManagerUnreachable(url, f"/api/link made no sense: what came {not_json(error)}") from error
    if info.version != messages.PROTOCOL_VERSION:
        raise VersionMismatch(info.version, messages.PROTOCOL_VERSION)
    if len(info.curve_key) != 40 or not 0 < info.zmq_port < 65536:
        raise ManagerUnreachable(url, "/api/link made no sense: no valid key or port")
    return info


class ManagerLink:
    """The link to one manager.

    Args:
        url: Base URL of the manager's REST interface; also the link's name in events and commands.
        keys: Our key pair.
        http: For asking the manager where its link is.
        submit: Takes events, and returns when what follows is durable.
        join: Makes the first message, given the manager's cluster.
        claim: Told the manager's key before connecting; False = another link to the same manager is up.
        told: Given the URLs that the manager names of its cluster's other managers, with every list anew.
        clock: Steady time.
        expected: The only cluster that is linked to; empty = any.
    """

    def __init__(
        self,
        url: str,
        keys: CurveKeys,
        http: aiohttp.ClientSession,
        submit: Callable[[Event], Awaitable[None]],
        join: Callable[[str], messages.Join],
        claim: Callable[["ManagerLink", str], bool],
        told: Callable[["ManagerLink", list[str]], None],
        clock: Clock,
        expected: str = "",
    ) -> None:
        self.url = url
        self.is_online = False
        self.siblings: list[str] = []
        self.siblings_ever: OrderedDict[str, None] = OrderedDict()
        """The last ``MAX_SIBLINGS`` that were named, whether they are there or not."""
        self.curve_key = ""
        self.cluster = ""
        self._keys, self._http, self._submit, self._join, self._claim = keys, http, submit, join, claim
        self._told_managers, self._clock, self.expected = told, clock, expected
        self.hears: frozenset[str] = frozenset()
        """What its manager takes beside what every one does."""
        self.admissions = 0
        """Sessions so far."""
        self.offline_since = clock.steady()
        """Steady second since which it is not online, when it is not."""
        self._socket: zmq.asyncio.Socket | None = None
        self._heard_at = 0.0
        self._owed_since: float | None = None
        self._told = ""

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, random.uniform)
        while True:
            retry_after_s = 0.0
            try:
                await self._session(backoff)
            except LinkTrouble as trouble:
                self._tell(str(trouble))
                retry_after_s = min(max(trouble.retry_after_s, 0.0), 2 * LONGEST_PAUSE_S)
            except DisioError as trouble:
                self._tell(str(trouble))
            await asyncio.sleep(max(retry_after_s, backoff.next_s()))

    def send(self, message: messages.FromDistributor) -> None:
        """Send a message if the link is online, else drop it."""
        if not self.is_online or self._socket is None:
            return
        try:
            self._send(self._socket, message)
        except LocalProtocolError as error:
            log.error("cannot send to a manager", manager=self.url, error=str(error))
            return
        if self._owed_since is None and isinstance(message, messages.Ask | messages.Deliver | messages.FetchWorkunit):
            self._owed_since = self._clock.steady()

    def _send(self, socket: zmq.asyncio.Socket, message: messages.FromDistributor) -> None:
        """Hand a message to the socket without waiting; one that finds no room is dropped."""
        sent: Any = socket.send(frame_of(message), zmq.NOBLOCK, copy=False)
        if sent.done() and sent.exception() is not None:
            log.warning("message to a manager dropped", manager=self.url, error=str(sent.exception()))

    async def _session(self, backoff: Backoff) -> None:
        info = await fetch_info(self._http, self.url)
        if self.expected and info.cluster != self.expected:
            raise LinkTrouble(f"a manager of another cluster is there ({info.cluster})", LONGEST_PAUSE_S)
        self.curve_key, self.cluster = info.curve_key, info.cluster
        try:
            if not self._claim(self, info.curve_key):
                raise LinkTrouble("another link to this manager is up already", LONGEST_PAUSE_S)
            await self._connected(info, backoff)
        finally:
            self.curve_key = ""

    async def _connected(self, info: LinkInfo, backoff: Backoff) -> None:
        context = zmq.asyncio.Context.instance()
        socket = self._socket_for(context, info)
        # Watched before it connects: what happens earlier than that is never told.
        monitor = socket.get_monitor_socket(_WATCHED)
        try:
            host = _bracketed(urlsplit(self.url).hostname or "127.0.0.1")
            socket.connect(f"tcp://{host}:{info.zmq_port}")
            await _handshake(monitor)
            admitted = await self._admission(socket, monitor, info)
            backoff.reset()
            await self._serve(socket, monitor, admitted)
        finally:
            self._go_offline()
            self._socket = None
            socket.disable_monitor()
            monitor.close(0)
            socket.close(0)

    def _socket_for(self, context: zmq.asyncio.Context, info: LinkInfo) -> zmq.asyncio.Socket:
        socket = context.socket(zmq.DEALER)
        socket.curve_serverkey = info.curve_key.encode()
        socket.curve_publickey = self._keys.public.encode()
        socket.curve_secretkey = self._keys.secret.encode()
        socket.maxmsgsize = MAX_LINK_MESSAGE + (64 << 10)
        socket.heartbeat_ivl, socket.heartbeat_timeout = HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS
        socket.sndhwm, socket.rcvhwm = MAX_QUEUED_OUT, MAX_QUEUED_IN
        socket.linger, socket.immediate = 0, 1
        return socket

    async def _admission(self, socket: zmq.asyncio.Socket, monitor: Any, info: LinkInfo) -> messages.Admitted:
        """Say Join and wait for the answer, for as long as the connection stands: its successor never heard the Join.

        Raises:
            LinkTrouble: Refused, no answer, or the connection ended.
        """
        heard: list[messages.ToDistributor] = []

        async def hear() -> None:
            heard.append(messages.TO_DISTRIBUTOR.decode(await socket.recv()))

        self._send(socket, self._join(info.cluster))
        try:
            async with asyncio.timeout(ADMISSION_S):
                await _first_to_end(hear(), _watch(monitor))
        except TimeoutError as error:
            raise LinkTrouble(f"the manager did not answer Join within {ADMISSION_S:g} s") from error
        answer = heard[0]
        if isinstance(answer, messages.Admitted):
            return answer
        if isinstance(answer, messages.Refused):
            raise LinkTrouble(f"the manager refused us ({answer.code}): {answer.reason}", answer.retry_after_s)
        reason = answer.reason if isinstance(answer, messages.Error) else f"{type(answer).__name__} before Admitted"
        raise LinkTrouble(f"the manager refused us: {reason}")

    async def _serve(self, socket: zmq.asyncio.Socket, monitor: Any, admitted: messages.Admitted) -> None:
        self._heard_at, self._owed_since = self._clock.steady(), None
        self._socket, self.is_online = socket, True
        self.hears, self.admissions = frozenset(admitted.hears), self.admissions + 1
        self._hear_siblings(admitted.siblings)
        self._told = ""
        log.info("manager online", manager=self.url, cluster=admitted.cluster)
        self._told_managers(self, admitted.managers)
        try:
            await self._submit(ManagerAdmitted(self.url, admitted))
            await _first_to_end(
                self._receive(socket), _watch(monitor), self._mind_silence(SILENT_STATUSES * admitted.status_s)
            )
        finally:
            self._go_offline()
            with contextlib.suppress(UnavailableError):
                await self._submit(ManagerLost(self.url))

    def _go_offline(self) -> None:
        if self.is_online:
            self.is_online, self.offline_since = False, self._clock.steady()

    async def _receive(self, socket: zmq.asyncio.Socket) -> None:
        """Hand in what the manager says, one message at a time; its acknowledgement is our pace."""
        while True:
            data = await socket.recv()
            self._heard_at, self._owed_since = self._clock.steady(), None
            try:
                message = messages.TO_DISTRIBUTOR.decode(data)
                await self._take(message)
            except RemoteProtocolError as error:
                raise LinkTrouble(f"the manager broke the protocol: {error}") from error

    async def _take(self, message: messages.ToDistributor) -> None:
        if isinstance(message, messages.Refused | messages.Error):
            # It has ended our session (a restart, a database outage, a message it could not take): join anew.
            raise LinkTrouble(f"the manager ended the session ({message.code}): {message.reason}")
        if not isinstance(message, messages.Admitted):
            if isinstance(message, messages.Siblings):
                self._hear_siblings(message.urls)
            elif isinstance(message, messages.Managers):
                self._told_managers(self, message.urls)
            await self._submit(ManagerSaid(self.url, message))

    def _hear_siblings(self, urls: list[str]) -> None:
        self.siblings = list(urls)
        for url in urls:
            self.siblings_ever[url] = None
            self.siblings_ever.move_to_end(url)
        while len(self.siblings_ever) > MAX_SIBLINGS:
            self.siblings_ever.popitem(last=False)

    async def _mind_silence(self, limit_s: float) -> None:
        """End the session when the manager owes an answer and has said nothing for ``limit_s`` seconds."""
        while True:
            await asyncio.sleep(limit_s / 6)
            since = self._owed_since
            if since is not None and self._clock.steady() - max(since, self._heard_at) > limit_s:
                raise LinkTrouble(f"the manager has been silent for {limit_s:g} s")

    def _tell(self, reason: str) -> None:
        """Write one line per change of state, not one per try."""
        if reason != self._told:
            self._told = reason
            log.warning("manager away; going on without it, trying again", manager=self.url, reason=reason)


async def _handshake(monitor: Any) -> None:
    """Wait until the peer has proven its key and accepted ours.

    Raises:
        LinkTrouble: It did not within 10 s.
    """
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            while True:
                event = (await recv_monitor_message(monitor))["event"]
                if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    return
                if event in _FAILURES:
                    raise LinkTrouble(_FAILURES[event])
    except TimeoutError as error:
        raise LinkTrouble(f"no handshake within {HANDSHAKE_S:g} s") from error


async def _watch(monitor: Any) -> None:
    """Wait for the end of the connection, and raise LinkTrouble."""
    while True:
        event = (await recv_monitor_message(monitor))["event"]
        if event in _FAILURES:
            raise LinkTrouble(_FAILURES[event])


async def _first_to_end(*parts: Any) -> None:
    """Run endless parts side by side; the first that raises ends them all, and its error is raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
