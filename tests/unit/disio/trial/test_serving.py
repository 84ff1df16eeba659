"""The server of the trial page: who gets work from it, and who does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from disio.trial.serving import TrialServer
from disio.trial.trials import Trial, TrialFailed

UNIT = Trial(language="javascript", code=b"code", payload=b"7", index=3, state=b"[]")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TrialServer]:
    """A server with one file of a kit."""
    (tmp_path / "a.wasm").write_bytes(b"kit")
    async with TrialServer({"a.wasm": tmp_path / "a.wasm"}).serving() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A browser's stand-in."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        yield http


def token(server: TrialServer) -> str:
    return urlsplit(server.page_url).fragment


async def test_work_goes_out_and_the_answer_comes_back(server: TrialServer, http: aiohttp.ClientSession) -> None:
    running = asyncio.create_task(server.run(UNIT))
    async with http.get(f"{server.url}/trial/work?token={token(server)}") as response:
        spec = await response.json()
    assert server.met.is_set()
    assert (spec["indexes"], spec["payloads"], spec["states"]) == ([3], ["Nw=="], {"3": "W10="})
    async with http.get(f"{server.url}{spec['kit']['a.wasm']}") as response:
        assert await response.read() == b"kit"
    result = {"kind": "ok", "value": "OA==", "error": "", "seconds": 0.5, "logs": ["x"], "progress": [], "states": []}
    answer = {"results": [{"index": 3, **result}], "engine": "a browser"}
    async with http.post(f"{server.url}/trial/answer?token={token(server)}", json=answer) as response:
        assert response.status == 200
    outcome = await running
    assert (outcome.kind, outcome.value, outcome.logs) == ("ok", b"8", ["x"])
    assert server.engine == "a browser"


async def test_a_problem_of_the_page_is_told(server: TrialServer, http: aiohttp.ClientSession) -> None:
    running = asyncio.create_task(server.run(UNIT))
    answer = {"results": [], "engine": "a browser", "problem": "no frames here"}
    async with http.post(f"{server.url}/trial/answer?token={token(server)}", json=answer):
        pass
    with pytest.raises(TrialFailed, match="no frames here"):
        await running


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong"])
async def test_without_the_token_nobody_gets_work_or_answers(
    server: TrialServer, http: aiohttp.ClientSession, query: str
) -> None:
    async with http.get(f"{server.url}/trial/work{query}") as response:
        assert response.status == 403
    async with http.post(f"{server.url}/trial/answer{query}", json={}) as response:
        assert response.status == 403
    assert not server.met.is_set()


async def test_an_answer_that_is_none_is_refused(server: TrialServer, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{server.url}/trial/answer?token={token(server)}", data=b"{") as response:
        assert response.status == 400


async def test_pages_come_with_the_headers_of_their_manifests(server: TrialServer, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{server.url}/embed/compute") as response:
        assert "sandbox allow-scripts" in response.headers["Content-Security-Policy"]
    async with http.get(f"{server.url}/trial") as response:
        assert "frame-src 'self'" in response.headers["Content-Security-Policy"]
    async with http.get(f"{server.url}/nowhere") as response:
        assert response.status == 404
