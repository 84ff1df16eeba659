"""A stand-in distributor for the embed's tests: the built pages, code by hash, and the client link with scripted work.

Rule: it decides nothing by itself. A test says what to assign; the stand-in keeps every request and message it got.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import socketio  # type: ignore[import-untyped]  # it ships no types
from aiohttp import web

from disio_distributor.kits import Kits
from disio_shared import messages as m
from disio_shared.values import decode_value, encode_value

STATIC = Path(__file__).parents[2] / "distributor/src/disio_distributor/static"
ANSWER_S = 60.0
"""Long enough on a machine that others load: it ends what hangs, and measures nothing."""


class StandIn:
    """Serves on a free loopback port until ``stop``."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.messages: list[m.FromClient] = []
        self.codes: dict[str, bytes] = {}
        self.waiting: list[m.Assign] = []
        self.url = ""
        self.host_url = ""
        self._sid = ""
        self._ready = 0
        self._heard = asyncio.Condition()
        self._runners: list[web.AppRunner] = []
        self._sio = socketio.AsyncServer(async_mode="aiohttp", serializer="msgpack", cors_allowed_origins="*")
        self._sio.on("m", self._on_message)
        self._tokens = 0

    async def start(self) -> None:
        """Serve the distributor on one port and an embedding page of another origin on a second one."""
        app = web.Application(middlewares=[self._note])
        self._sio.attach(app)
        app.router.add_get("/workunits/{sha}", self._code)
        Kits().attach(app)
        app.router.add_get("/{path:.*}", self._page)
        self.url = await self._serve(app)
        host = web.Application()
        host.router.add_get("/", self._host)
        self.host_url = await self._serve(host)

    async def stop(self) -> None:
        """Close every connection and port."""
        for runner in self._runners:
            await runner.cleanup()

    async def drop(self) -> None:
        """Break the client's connection, as a lost network does."""
        await self._sio.disconnect(self._sid)

    async def assign(self, source: str, payloads: list[Any], **fields: Any) -> str:
        """Queue one batch for the next Ready; returns its token."""
        code = source.encode()
        sha = hashlib.sha256(code).hexdigest()
        self.codes[sha] = code
        self._tokens += 1
        token = f"t-{self._tokens}"
        defaults: dict[str, Any] = {
            "token": token,
            "task": f"k-{sha[:6]}",
            "task_name": "test task",
            "workunit": sha,
            "language": "javascript",
            "indexes": list(range(len(payloads))),
            "payloads": [encode_value(payload) for payload in payloads],
            "unit_timeout_s": 10.0,
        }
        self.waiting.append(m.Assign(**{**defaults, **fields}))
        await self._hand_out()
        return token

    async def send(self, message: m.ToClient) -> None:
        """Send one message to the client that said Hello last."""
        await self._sio.emit("m", m.TO_CLIENT.encode(message), to=self._sid)

    async def until(self, fact: Callable[[], Any], what: str) -> Any:
        """Wait until ``fact()`` is true, looking again at each message; fail after ``ANSWER_S``."""
        async with self._heard:
            try:
                await asyncio.wait_for(self._heard.wait_for(fact), ANSWER_S)
            except TimeoutError:
                raise AssertionError(
                    f"no {what} in {ANSWER_S} s; heard {self.messages}, asked {self.requests}"
                ) from None
        return fact()

    def results(self, token: str) -> dict[int, Any]:
        """Index to decoded result of a batch, as far as they came."""
        return {
            index: decode_value(value)
            for message in self.messages
            if isinstance(message, m.Results) and message.token == token
            for index, value in zip(message.indexes, message.values, strict=True)
        }

    def failures(self, token: str) -> dict[int, tuple[str, str]]:
        """Index to (kind, error) of a batch."""
        return {
            index: (kind, error)
            for message in self.messages
            if isinstance(message, m.Failed) and message.token == token
            for index, kind, error in zip(message.indexes, message.kinds, message.errors, strict=True)
        }

    def of_type(self, kind: type[m.Message]) -> list[Any]:
        """All messages of one type, oldest first."""
        return [message for message in self.messages if isinstance(message, kind)]

    async def _serve(self, app: web.Application) -> str:
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(request.path_qs)
        response: web.StreamResponse = await handler(request)
        return response

    async def _page(self, request: web.Request) -> web.StreamResponse:
        manifest = json.loads((STATIC / "manifest.json").read_bytes())
        route = manifest["routes"].get(request.path)
        if route is None:
            raise web.HTTPNotFound
        body = (STATIC / route["file"]).read_bytes()
        return web.Response(body=body, headers={**route["headers"], "Content-Type": route["content_type"]})

    async def _code(self, request: web.Request) -> web.StreamResponse:
        code = self.codes.get(request.match_info["sha"])
        if code is None:
            raise web.HTTPNotFound
        return web.Response(body=code, headers={"Access-Control-Allow-Origin": "*"})

    async def _host(self, _request: web.Request) -> web.StreamResponse:
        tag = f'<script async src="{self.url}/client.js" data-site="s1" data-purpose="tests"></script>'
        return web.Response(text=f"<!doctype html><title>host</title><h1>Host</h1>{tag}", content_type="text/html")

    async def _on_message(self, sid: str, data: bytes) -> bytes | None:
        message = m.FROM_CLIENT.decode(data)
        answer = self._answer(sid, message)
        async with self._heard:
            self.messages.append(message)
            self._heard.notify_all()
        await self._hand_out()
        return m.TO_CLIENT.encode(answer) if answer is not None else None

    def _answer(self, sid: str, message: m.FromClient) -> m.ToClient | None:
        if isinstance(message, m.Hello):
            self._sid, self._ready = sid, 0
            return m.Welcome(
                version=1,
                client_id="c-1",
                secret="s",
                distributor="stand-in",
                heartbeat_s=1.0,
                max_result_bytes=1 << 20,
                max_state_bytes=1 << 20,
            )
        if isinstance(message, m.Ready):
            self._ready = 1
            return None
        if isinstance(message, m.Progress):
            return None
        return m.Stored(accepted=1)

    async def _hand_out(self) -> None:
        if self._ready and self.waiting:
            self._ready = 0
            await self.send(self.waiting.pop(0))
