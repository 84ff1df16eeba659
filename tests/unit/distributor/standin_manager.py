"""A manager for tests: a real ROUTER with CURVE and a real ``/api/link``, and whatever work the test gives it.

Rule: it speaks the protocol of docs/protocol.md and decides nothing that the test did not ask for.
"""

import asyncio
import contextlib
import hashlib
import zlib
from collections.abc import AsyncIterator

import zmq
import zmq.asyncio
from aiohttp import web

from disio_shared import messages

CODE = b"export default (n) => n * n"
CODE_HASH = hashlib.sha256(CODE).hexdigest()


def manifest(task: str = "t1") -> messages.TaskManifest:
    """Return a task whose payloads are the numbers from 0 on."""
    return messages.TaskManifest(
        task=task,
        name="squares",
        workunit=CODE_HASH,
        language="javascript",
        payloads=b'{"range":[0,1000000000]}',
        kinds=["web", "cli"],
    )


class StandInManager:
    """One manager. Its attributes may be changed while it runs."""

    def __init__(self, cluster: str = "c1", name: str = "m1") -> None:
        self.cluster, self.name = cluster, name
        self.managers: list[str] = []
        """REST URLs of others that it names when it admits."""
        self.packed = 0
        """Compressed messages so far."""
        self.port = self.zmq_port = 0
        self.blocks: list[messages.BlockGrant] = []
        """Granted to the first Ask."""
        self.join_token = ""
        self.status_s = 1.0
        self.commits = True
        self.is_silent = False
        self.siblings: list[str] = []
        self.joins: list[messages.Join] = []
        self.said: list[messages.FromDistributor] = []
        self.results: dict[int, bytes] = {}
        self.peers: list[bytes] = []
        self.public, self._secret = zmq.curve_keypair()

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Serve; after a stop, on the same ports."""
        self._context = zmq.asyncio.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.curve_server = True
        self._router.curve_publickey, self._router.curve_secretkey = self.public, self._secret
        self._router.linger = 0
        self._router.bind(f"tcp://127.0.0.1:{self.zmq_port or '*'}")
        endpoint = self._router.getsockopt_string(zmq.LAST_ENDPOINT)
        self.zmq_port = int(endpoint.rsplit(":", 1)[1])
        app = web.Application()
        app.router.add_get("/api/link", self._link)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._serving = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """Go away without a word."""
        self._serving.cancel()
        await asyncio.wait([self._serving])
        self._router.close(0)
        self._context.term()
        await self._runner.cleanup()

    async def say(self, message: messages.ToDistributor, peer: bytes | None = None) -> None:
        """Send something unasked to the peer that joined last."""
        await self.say_bytes(messages.TO_DISTRIBUTOR.encode(message), peer)

    async def say_bytes(self, data: bytes, peer: bytes | None = None) -> None:
        """Send any bytes."""
        await self._router.send_multipart([peer or self.peers[-1], data])

    async def _link(self, _request: web.Request) -> web.Response:
        link = {"zmq_port": self.zmq_port, "curve_key": self.public.decode(), "cluster": self.cluster, "version": 1}
        return web.json_response(link)

    async def _serve(self) -> None:
        while True:
            peer, data = await self._router.recv_multipart()
            message = messages.FROM_DISTRIBUTOR.decode(data)
            if isinstance(message, messages.Packed):
                data = zlib.decompress(message.data)
                assert len(data) == message.size
                self.packed += 1
                message = messages.FROM_DISTRIBUTOR.decode(data)
            self.said.append(message)
            answer = self._answer(peer, message)
            if answer is not None and not self.is_silent:
                await self.say(answer, peer)

    def _answer(self, peer: bytes, message: messages.FromDistributor) -> messages.ToDistributor | None:
        match message:
            case messages.Join():
                return self._admit(peer, message)
            case messages.Ask():
                return self._grant(message)
            case messages.Deliver() if self.commits:
                for part in message.results:
                    self.results.update(zip(part.indexes, part.values, strict=True))
                return messages.Committed(batch=message.batch)
            case messages.FetchWorkunit():
                return messages.WorkunitCode(workunit=message.workunit, language="javascript", code=CODE)
        return None

    def _admit(self, peer: bytes, join: messages.Join) -> messages.ToDistributor:
        self.joins.append(join)
        self.peers.append(peer)
        if join.join_token != self.join_token:
            return messages.Refused(code="token", reason="wrong join token", retry_after_s=0.1)
        return messages.Admitted(
            version=1,
            cluster=self.cluster,
            manager=self.name,
            managers=self.managers,
            status_s=self.status_s,
            lease_s=60.0,
            siblings=self.siblings,
        )

    def _grant(self, ask: messages.Ask) -> messages.Grant:
        blocks, self.blocks = self.blocks, []
        tasks = [manifest(task) for task in {block.task for block in blocks} - set(ask.tasks)]
        return messages.Grant(request=ask.request, tasks=tasks, blocks=blocks, waiting="" if blocks else "no task")


def block(start: int, stop: int, name: str = "b1", task: str = "t1") -> messages.BlockGrant:
    """Return a block of the task of ``manifest``."""
    return messages.BlockGrant(block=name, lease=1, task=task, start=start, stop=stop)


@contextlib.asynccontextmanager
async def running_manager(manager: StandInManager | None = None) -> AsyncIterator[StandInManager]:
    """Run a stand-in manager."""
    manager = manager or StandInManager()
    await manager.start()
    try:
        yield manager
    finally:
        await manager.stop()
