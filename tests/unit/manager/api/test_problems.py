"""Answers that break off."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import aiohttp
import pytest
from aiohttp import web

from disio_manager.api import problem_page
from disio_manager.api.guard import add_headers
from disio_manager.api.problems import translate_errors
from disio_manager.stores.sqlite_finding import SqliteFinding
from disio_shared.errors import DisioError
from tests.unit.manager.served import serve
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


async def test_a_problem_has_the_id_of_its_request_which_the_log_has_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve(tmp_path) as served:

        async def ask(path: str, name: str | None = None) -> tuple[str, dict[str, Any]]:
            headers = {} if name is None else {"X-Request-Id": name}
            async with served.http.get(served.url + path, headers=headers) as answer:
                return answer.headers["X-Request-Id"], await answer.json(content_type=None)

        name, problem = await ask("/api/tasks/none")
        assert len(name) == 12 and problem["request_id"] == name
        assert await ask("/api/nothing/here", "mine-1.2_3") == ("mine-1.2_3", ANY)
        for odd in ("a b", "x" * 65, "ü", '"'):
            given, problem = await ask("/api/tasks/none", odd)
            assert given != odd and problem["request_id"] == given
        assert (await ask("/api/stats"))[0] != (await ask("/api/stats"))[0]

        async def break_(*_: object) -> None:
            raise RuntimeError("a mistake")

        capsys.readouterr()
        monkeypatch.setattr(SqliteFinding, "page", break_)
        name, problem = await ask("/api/tasks")
        assert (problem["code"], problem["request_id"]) == ("internal", name)
        assert name in capsys.readouterr().out


async def test_the_type_of_a_problem_leads_to_what_its_code_means(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        problem = await served.call("GET", "/api/tasks/none", 404)
        path, _, anchor = problem["type"].partition("#")
        async with aiohttp.ClientSession() as visitor, visitor.get(served.url + path) as answer:
            page = await answer.text()
            assert (answer.status, answer.content_type) == (200, "text/html")
        assert anchor == problem["code"] == "not-found" and f'id="{anchor}"' in page


def test_every_code_that_the_manager_tells_has_its_meaning() -> None:
    sources = [path.read_text() for path in Path(problem_page.__file__).parent.glob("*.py")]
    told = {code for text in sources for code in re.findall(r'\b(?:BadRequest|problem)\(\s*\d+,\s*"([a-z-]+)"', text)}
    assert {"not-failed", "bad-request", "internal", "version"} <= told
    pending, classes = [DisioError], set()
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind.__module__.startswith(("disio_manager", "disio_shared")):
            classes.add(kind.code)
    assert (told | classes) - problem_page.MEANINGS.keys() == set()
    assert list(problem_page.MEANINGS) == sorted(problem_page.MEANINGS)
