"""Files of languages as a distributor serves them: listed ones, from here or by a mirror."""

import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import yarl
from aiohttp import web

from disio_distributor.kits import Kits

Serve = Callable[..., Awaitable[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kit = tmp_path / "kits" / "python-1"
    kit.mkdir(parents=True)
    (kit / "one.mjs").write_bytes(b"plain " * 500)
    (kit / "one.mjs.gz").write_bytes(gzip.compress(b"plain " * 500))
    (kit / "NOTICE").write_text("whose it is")
    (kit / "unlisted").write_text("not for anybody")
    (tmp_path / "secret").write_text("not for anybody")
    lists = {"python": {"name": "python-1", "files": [{"name": "one.mjs", "sha256": "0", "bytes": 1}]}}
    (tmp_path / "kits" / "kits.json").write_text(json.dumps(lists))
    return tmp_path / "kits"


@pytest.fixture
async def serve(folder: Path) -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def start(mirror: str = "", where: Path = folder) -> str:
        app = web.Application()
        Kits(where, mirror).attach(app)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[-1].addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


async def test_a_listed_file_is_served_for_ever_to_every_page(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{await serve()}/kits/python-1/one.mjs") as answer:
        assert await answer.read() == b"plain " * 500
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.headers["Vary"] == "Accept-Encoding"


async def test_who_does_not_unpack_gets_it_plain(serve: Serve, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{await serve()}/kits/python-1/one.mjs", headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert await answer.read() == b"plain " * 500


@pytest.mark.parametrize(
    "path",
    [
        "/kits/python-1/unlisted",
        "/kits/python-1/one.mjs.gz",
        "/kits/python-2/one.mjs",
        "/kits/python-1/..%2f..%2fsecret",
        "/kits/..%2f..%2f/secret",
        "/kits/./kits.json",
        "/kits/python-1/%2e%2e",
    ],
)
async def test_what_is_not_listed_is_not_there(serve: Serve, http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(yarl.URL(await serve() + path, encoded=True)) as answer:
        assert answer.status == 404
        assert b"anybody" not in await answer.read()


async def test_with_a_mirror_clients_are_sent_there_and_the_notice_stays(
    serve: Serve, http: aiohttp.ClientSession
) -> None:
    url = await serve("https://mirror.example/npm/pyodide@1/")
    async with http.get(f"{url}/kits/python-1/one.mjs", allow_redirects=False) as answer:
        assert answer.status == 307
        assert answer.headers["Location"] == "https://mirror.example/npm/pyodide@1/one.mjs"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with http.get(f"{url}/kits/python-1/unlisted", allow_redirects=False) as answer:
        assert answer.status == 404
    async with http.get(f"{url}/kits/python-1/NOTICE", allow_redirects=False) as answer:
        assert (answer.status, await answer.text()) == (200, "whose it is")


async def test_without_a_build_it_says_so(serve: Serve, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    async with http.get(f"{await serve(where=tmp_path / 'nothing')}/kits/python-1/one.mjs") as answer:
        assert answer.status == 503
        assert "make web" in await answer.text()
