"""A distributor of a hundred lines: the client link over real sockets, work from one list, results in a dict.

Rule: it keeps what it stored and what it saw across ``stop`` and ``start``, as a real one does on disk.
"""

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import socketio  # type: ignore[import-untyped]
from aiohttp import web

from disio_shared.messages import (
    FROM_CLIENT,
    TO_CLIENT,
    Assign,
    Checkpoint,
    Failed,
    FromClient,
    Hello,
    Idle,
    Progress,
    Ready,
    Release,
    Results,
    Stored,
    ToClient,
    Welcome,
)
from tests.waiting import patient


@dataclass
class SmallDistributor:
    """Hands out ``payloads`` of one task in batches."""

    code: bytes
    payloads: list[bytes]
    batch: int = 20
    unit_timeout_s: float = 10.0
    heartbeat_s: float = 5.0
    max_result_bytes: int = 8 << 20
    ping_s: float = 25.0
    """Between two pings, and for the answer to one."""
    language: str = "javascript"
    states: dict[int, bytes] = field(default_factory=dict)
    greeting: Callable[[Hello], ToClient | None] = lambda hello: None

    def __post_init__(self) -> None:
        self.code_served = self.code
        self.open = deque(range(len(self.payloads)))
        self.values: dict[int, bytes] = {}
        self.failures: dict[int, tuple[str, str]] = {}
        self.saved: dict[int, bytes] = {}
        self.released: list[int] = []
        self.repeats = 0
        self.hellos: list[Hello] = []
        self.progress: list[Progress] = []
        self.messages: list[FromClient] = []
        self.port = 0
        self._held: dict[str, tuple[int, ...]] = {}
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self._sio: socketio.AsyncServer | None = None
        self._sids: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def workunit(self) -> str:
        return hashlib.sha256(self.code).hexdigest()

    async def start(self) -> None:
        """Serve; on the same port as before after a ``stop``."""
        self._sio = socketio.AsyncServer(
            async_mode="aiohttp",
            serializer="msgpack",
            transports=["websocket"],
            max_http_buffer_size=17 << 20,
            ping_interval=self.ping_s,
            ping_timeout=self.ping_s,
        )
        self._sio.on("m", self._on_message)
        app = web.Application()
        self._sio.attach(app)
        app.router.add_get("/workunits/{sha256}", self._on_code)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection."""
        if self._sio is not None:
            for sid in list(self._sids):
                with contextlib.suppress(Exception):
                    await self._sio.disconnect(sid)
            await self._sio.shutdown()
        if self._runner is not None:
            await self._runner.cleanup()
        self._sids.clear()
        self._sio = self._runner = None

    async def push(self, message: ToClient) -> None:
        """Send a message to every client."""
        assert self._sio is not None
        for sid in list(self._sids):
            await self._sio.emit("m", TO_CLIENT.encode(message), to=sid)

    async def until(self, fact: Callable[[], bool], what: str, within_s: float = 30.0) -> None:
        """Wait for a fact; fail with what was seen when it does not come."""
        try:
            async with asyncio.timeout(patient(within_s)), self._changed:
                await self._changed.wait_for(fact)
        except TimeoutError:
            kinds = [type(message).__name__ for message in self.messages[-20:]]
            raise AssertionError(f"not {what}: {len(self.values)} values, {self.failures}, last {kinds}") from None

    @property
    def is_complete(self) -> bool:
        return len(self.values) + len(self.failures) == len(self.payloads)

    async def _on_code(self, request: web.Request) -> web.Response:
        if request.match_info["sha256"] != self.workunit:
            raise web.HTTPNotFound()
        return web.Response(body=self.code_served)

    async def _on_message(self, sid: str, data: bytes) -> bytes | None:
        message = FROM_CLIENT.decode(data)
        self.messages.append(message)
        answer = await self._answer(sid, message)
        async with self._changed:
            self._changed.notify_all()
        return None if answer is None else TO_CLIENT.encode(answer)

    async def _answer(self, sid: str, message: FromClient) -> ToClient | None:
        match message:
            case Hello():
                return self._greet(sid, message)
            case Ready():
                await self._assign(sid)
                return None
            case Progress():
                self.progress.append(message)
                return None
            case Checkpoint():
                self.saved[message.index] = message.state
                return Stored(accepted=1)
            case Release():
                for token, indexes in zip(message.tokens, message.indexes, strict=True):
                    self.released += indexes or self._held[token]
                return Stored(accepted=len(message.tokens))
            case _:
                return self._store(message)

    def _greet(self, sid: str, hello: Hello) -> ToClient:
        self.hellos.append(hello)
        answer = self.greeting(hello)
        if answer is not None:
            return answer
        self._sids.add(sid)
        return Welcome(
            version=1,
            client_id=hello.client_id or f"c{len(self.hellos)}",
            secret=hello.secret or "s",
            distributor="small",
            heartbeat_s=self.heartbeat_s,
            max_result_bytes=self.max_result_bytes,
            max_state_bytes=1 << 20,
        )

    async def _assign(self, sid: str) -> None:
        assert self._sio is not None
        indexes = [self.open.popleft() for _ in range(min(self.batch, len(self.open)))]
        if not indexes:
            await self._sio.emit("m", TO_CLIENT.encode(Idle(reason="all handed out")), to=sid)
            return
        token = f"t{len(self._held)}"
        self._held[token] = tuple(indexes)
        assign = Assign(
            token=token,
            task="task",
            task_name="a task",
            workunit=self.workunit,
            language=self.language,
            indexes=indexes,
            payloads=[self.payloads[index] for index in indexes],
            states={index: self.states[index] for index in indexes if index in self.states},
            unit_timeout_s=self.unit_timeout_s,
        )
        await self._sio.emit("m", TO_CLIENT.encode(assign), to=sid)

    def _store(self, message: FromClient) -> ToClient:
        assert isinstance(message, Results | Failed)
        known = [index for index in message.indexes if index in self.values or index in self.failures]
        self.repeats += len(known)
        if isinstance(message, Results):
            self.values.update(zip(message.indexes, message.values, strict=True))
        else:
            facts = zip(message.kinds, message.errors, strict=True)
            self.failures.update(zip(message.indexes, facts, strict=True))
        return Stored(accepted=len(message.indexes) - len(known))
