"""A real manager on loopback, and distributors that speak to it over real ZeroMQ."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import zmq
import zmq.asyncio

from disio_manager.app import ManagerApp
from disio_manager.config import ManagerSettings
from disio_shared import messages
from tests.waiting import patient

DEADLINE_S = 20.0
JAVASCRIPT = "export default function run(payload, unit) { return payload }"
MessageT = TypeVar("MessageT")


def document(**changes: Any) -> dict[str, Any]:
    """Return a task document that is fine."""
    whole: dict[str, Any] = {
        "name": "squares",
        "tags": ["math"],
        "workunit": {"language": "javascript", "source": JAVASCRIPT},
        "payloads": {"range": [0, 10]},
    }
    return whole | changes


@dataclass
class Served:
    """A manager that serves, with a client for its REST interface."""

    app: ManagerApp
    http: aiohttp.ClientSession
    curve_key: bytes
    peers: list["Peer"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.app.url

    async def call(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """Call REST, check the status, return the decoded JSON (None without a body)."""
        async with self.http.request(method, self.url + path, **more) as answer:
            text = await answer.text()
            assert answer.status == status, f"{method} {path}: {answer.status} {text[:500]}"
            if status >= 400:
                assert answer.content_type == "application/problem+json"
            return await answer.json(content_type=None) if text else None

    async def create(self, **changes: Any) -> dict[str, Any]:
        task: dict[str, Any] = await self.call("POST", "/api/tasks", 201, json=document(**changes))
        return task

    def peer(self, distributor: str = "d1", keys: tuple[bytes, bytes] | None = None) -> "Peer":
        peer = Peer(self.app.zmq_port, self.curve_key, distributor, keys or zmq.curve_keypair())
        self.peers.append(peer)
        return peer


class Peer:
    """A distributor's end of the link, by hand."""

    def __init__(self, port: int, curve_key: bytes, distributor: str, keys: tuple[bytes, bytes]) -> None:
        self.distributor = distributor
        self.socket: Any = zmq.asyncio.Context.instance().socket(zmq.DEALER)
        self.socket.curve_serverkey = curve_key
        self.socket.curve_publickey, self.socket.curve_secretkey = keys
        self.socket.linger, self.socket.rcvhwm = 0, 8
        self.socket.connect(f"tcp://127.0.0.1:{port}")

    async def say(self, message: messages.FromDistributor) -> None:
        await self.socket.send(messages.FROM_DISTRIBUTOR.encode(message))

    async def hear(self, kind: type[MessageT]) -> MessageT:
        """Return the next message of a kind; those of other kinds are passed over."""
        async with asyncio.timeout(patient(DEADLINE_S)):
            while True:
                message = messages.TO_DISTRIBUTOR.decode(await self.socket.recv())
                if isinstance(message, kind):
                    return message

    async def hears_nothing(self, seconds: float = 0.3) -> bool:
        return not await self.socket.poll(seconds * 1000)

    async def join(self, **changes: Any) -> messages.Admitted:
        await self.say(self.join_message(**changes))
        return await self.hear(messages.Admitted)

    def join_message(self, **changes: Any) -> messages.Join:
        fields: dict[str, Any] = {
            "version": messages.PROTOCOL_VERSION,
            "distributor": self.distributor,
            "name": self.distributor,
            "url": "http://127.0.0.1:8710",
            "max_clients": 100,
        }
        return messages.Join(**(fields | changes))

    async def ask(self, payloads: int, request: int = 1) -> messages.Grant:
        await self.say(self.ask_message(payloads, request))
        return await self.hear(messages.Grant)

    async def leased(self, payloads: int) -> messages.Grant:
        """Ask, and wait until there are blocks: on a shared store a claim comes before, and an empty Grant."""
        grant = await self.ask(payloads)
        while not grant.blocks:
            grant = await self.hear(messages.Grant)
        return grant

    def ask_message(self, payloads: int, request: int = 1) -> messages.Ask:
        return messages.Ask(request=request, payloads=payloads, languages=["javascript"], kinds=["cli"])

    async def deliver(self, task: str, indexes: list[int], batch: str = "b1", value: bytes = b"") -> None:
        await self.say(deliver_message(task, indexes, batch, value))
        assert (await self.hear(messages.Committed)).batch == batch

    def close(self) -> None:
        self.socket.close(linger=0)


def deliver_message(task: str, indexes: list[int], batch: str = "b1", value: bytes = b"") -> messages.Deliver:
    columns = messages.ResultColumns(
        task=task,
        indexes=indexes,
        values=[value or b"%d" % (index * index) for index in indexes],
        seconds=[0.5] * len(indexes),
        clients=["c1"],
        by=[0] * len(indexes),
    )
    return messages.Deliver(batch=batch, results=[columns])


@asynccontextmanager
async def serve(data_dir: Path, **settings: Any) -> AsyncIterator[Served]:
    """Run a manager in this process until the block ends."""
    fields: dict[str, Any] = {"port": 0, "zmq_port": 0, "zeroconf": False, "data_dir": str(data_dir)} | settings
    app = ManagerApp(ManagerSettings(**fields))
    url = await app.start()
    token = (data_dir / "admin.token").read_text().strip()
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, timeout=timeout)
    served = Served(app, http, b"")
    try:
        served.curve_key = (await served.call("GET", "/api/link"))["curve_key"].encode()
        assert url == app.url
        yield served
        assert not app.has_failed
    finally:
        for peer in served.peers:
            peer.close()
        await http.close()
        await app.stop()
