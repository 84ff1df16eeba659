"""Answers that break off."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from disio_manager.api.guard import add_headers
from disio_manager.api.problems import translate_errors
from tests.waiting import wait_until


class Streams:
    """A server whose answers begin, and go on when their reader is gone."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.error: Exception | None = None
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"the first part")
        await self.goes_on.wait()
        if self.error:
            raise self.error
        await wait_until(lambda: request.transport is None or request.transport.is_closing())
        await response.write_eof()
        return response


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    streams = Streams()
    app = web.Application(middlewares=[translate_errors])
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/", streams.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=10)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    streams.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield streams
    await runner.cleanup()


async def test_that_a_reader_goes_away_is_no_error(streams: Streams, caplog: pytest.LogCaptureFixture) -> None:
    async with aiohttp.ClientSession() as http, http.get(streams.url) as answer:
        assert await answer.content.readany() == b"the first part"
        answer.close()
        streams.goes_on.set()
        # The server answers others, and by then has ended that one.
        await wait_until(lambda: not handlers())
    assert not [record.getMessage() for record in caplog.records if record.name.startswith("aiohttp")]


async def test_an_error_in_the_middle_breaks_the_answer_off_and_is_told_once(
    streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    streams.error = RuntimeError("a mistake")
    async with aiohttp.ClientSession() as http, http.get(streams.url) as answer:
        assert await answer.content.readany() == b"the first part"
        streams.goes_on.set()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
        await wait_until(lambda: not handlers())
    assert not [record.getMessage() for record in caplog.records if record.name.startswith("aiohttp")]


def handlers() -> list[asyncio.Task[object]]:
    """Return the server's tasks that are in an answer."""
    return [task for task in asyncio.all_tasks() if "_handle_request" in repr(task.get_coro())]
