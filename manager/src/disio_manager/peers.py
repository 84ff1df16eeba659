"""The peers of the link: what is known of each connection, and what waits to be sent to it.

Rule: sending never blocks; what a peer does not read in time waits in its own bounded queue and no other's.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import zmq
import zmq.asyncio

from disio_manager.core.records import DistributorRecord

MAX_PEERS = 20_000
"""Connections remembered; beyond it the one not heard of for longest is forgotten."""
MAX_QUEUED_MESSAGES = 1_000
MAX_QUEUED_BYTES = 128 << 20
MAX_STRANGER_MESSAGES = 8
"""What may wait for a peer that has no session."""
RETRY_S = 0.005


@dataclass(slots=True, eq=False)
class Peer:
    """One ZeroMQ connection."""

    identity: bytes
    """How the ROUTER names it."""
    key: bytes
    """CURVE public key in Z85, proven by the handshake."""
    heard: float
    """When it last said something, steady seconds."""
    session: str = ""
    """Empty = not joined."""
    distributor: str = ""
    speaks: frozenset[str] = frozenset()
    """What it can be asked beside its work."""
    introduced: DistributorRecord | None = None
    """Who it said it was when it last tried to join."""
    is_outcast: bool = False
    """Broke the protocol: ignored until it joins anew."""
    queue: deque[bytes] = field(default_factory=deque)
    queued_bytes: int = 0
    is_waiting: bool = False
    """A retry is due: ZeroMQ's own queue was full."""

    def has_room(self, size: int) -> bool:
        """Tell whether ``size`` more bytes may wait."""
        limit = MAX_QUEUED_MESSAGES if self.session else MAX_STRANGER_MESSAGES
        return len(self.queue) < limit and (not self.queue or self.queued_bytes + size <= MAX_QUEUED_BYTES)


class Peers:
    """Every peer, by connection, by session and by distributor."""

    def __init__(self) -> None:
        self._peers: dict[bytes, Peer] = {}  # least recently heard first
        self._sessions: dict[str, Peer] = {}
        self._online: dict[str, Peer] = {}

    def hear(self, identity: bytes, key: bytes, now: float) -> tuple[Peer, Peer | None]:
        """Return the peer that spoke, and the one that had to be forgotten for it, if any."""
        peer = self._peers.pop(identity, None)
        if peer is None or peer.key != key:
            peer = Peer(identity, key, now)
        peer.heard = now
        self._peers[identity] = peer
        if len(self._peers) <= MAX_PEERS:
            return peer, None
        return peer, self._peers.pop(next(iter(self._peers)))

    def admit(self, peer: Peer, session: str, distributor: str, speaks: Iterable[str] = ()) -> None:
        """Give a peer a session."""
        peer.session, peer.distributor, peer.is_outcast = session, distributor, False
        peer.speaks = frozenset(speaks)
        self._sessions[session] = self._online[distributor] = peer

    def end_session(self, peer: Peer) -> str:
        """Take a peer's session; return it, or an empty string when it had none."""
        session, peer.session = peer.session, ""
        self._sessions.pop(session, None)
        if self._online.get(peer.distributor) is peer:
            del self._online[peer.distributor]
        peer.queue.clear()
        peer.queued_bytes = 0
        return session

    def of_session(self, session: str) -> Peer | None:
        """Return the peer of a live session."""
        return self._sessions.get(session)

    def of_distributor(self, distributor: str) -> Peer | None:
        """Return the peer that a distributor is online through."""
        return self._online.get(distributor)

    def admitted(self) -> list[Peer]:
        """Return all peers with a session."""
        return list(self._sessions.values())

    def silent_since(self, moment: float) -> Iterator[Peer]:
        """Yield the peers that were last heard before ``moment``."""
        for peer in list(self._peers.values()):
            if peer.heard >= moment:
                return
            yield peer

    def forget(self, peer: Peer) -> None:
        """Remember nothing of a connection."""
        if self._peers.get(peer.identity) is peer:
            del self._peers[peer.identity]


class Sender:
    """Sends to peers through one ROUTER socket, which must be ``router_mandatory``.

    Args:
        on_gone: Told of a peer whose connection is not there any more.
    """

    def __init__(self, router: zmq.asyncio.Socket, on_gone: Callable[[Peer], None]) -> None:
        self._router, self._on_gone = router, on_gone

    def send(self, peer: Peer, data: bytes) -> bool:
        """Send, now or later; False when too much waits for the peer already."""
        if not peer.has_room(len(data)):
            return False
        peer.queue.append(data)
        peer.queued_bytes += len(data)
        if not peer.is_waiting:
            self._flush(peer)
        return True

    def _flush(self, peer: Peer) -> None:
        peer.is_waiting = False
        while peer.queue and not self._router.closed:
            # With DONTWAIT the future is done when it is returned.
            sent: Any = self._router.send_multipart([peer.identity, peer.queue[0]], flags=zmq.DONTWAIT)
            try:
                sent.result()
            except zmq.Again:
                peer.is_waiting = True
                asyncio.get_running_loop().call_later(RETRY_S, self._flush, peer)
                return
            except zmq.ZMQError:
                peer.queue.clear()
                peer.queued_bytes = 0
                self._on_gone(peer)
                return
            peer.queued_bytes -= len(peer.queue.popleft())
