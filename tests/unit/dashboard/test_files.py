"""Files that are answered: closed in every case."""

import asyncio
import threading
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
import pytest
from aiohttp import web

from disio_dashboard.files import FileAnswer
from disio_shared.ports import listen, port_of
from tests.waiting import wait_until

PATIENCE_S = 20.0


class Slow:
    """Opens files when it may, and remembers them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opening, self.may_open = threading.Event(), threading.Event()
        self.opened: list[BinaryIO] = []
        real = Path.open

        def open_slowly(path: Path, *rest: Any) -> Any:
            self.opening.set()
            assert self.may_open.wait(PATIENCE_S)
            self.opened.append(real(path, *rest))
            return self.opened[-1]

        monkeypatch.setattr(Path, "open", open_slowly)


async def test_a_file_is_closed_when_the_browser_left_while_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def show(_request: web.Request) -> web.StreamResponse:
        return FileAnswer(file)

    file, app = tmp_path / "file.js", web.Application()
    file.write_text("run()")
    app.router.add_get("/file.js", show)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    listening = listen("127.0.0.1", 0)
    await web.SockSite(runner, listening).start()
    slow = Slow(monkeypatch)
    try:
        await _come_and_go(port_of(listening), slow, runner)
        await wait_until(lambda: slow.opened and slow.opened[0].closed)
    finally:
        await runner.cleanup()


async def _come_and_go(port: int, slow: Slow, runner: web.AppRunner) -> None:
    """Ask for the file, and leave before it is open."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /file.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await wait_until(slow.opening.is_set)
        server = runner.server
        assert server is not None and len(server.connections) == 1
        writer.transport.abort()
        await wait_until(lambda: not server.connections)
    finally:
        slow.may_open.set()


async def test_a_file_comes_whole_and_once(url: str, visitor: aiohttp.ClientSession) -> None:
    async with visitor.get(f"{url}/assets/app-1.js") as answer:
        assert await answer.text() == "run()"
        tag = answer.headers["ETag"]
    async with visitor.get(f"{url}/assets/app-1.js", headers={"If-None-Match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with visitor.get(f"{url}/assets/none.js") as answer:
        assert answer.status == 404
