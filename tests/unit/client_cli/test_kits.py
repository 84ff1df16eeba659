"""Kits of the CLI client: had once, kept by hash, and nothing but what the client's own list says."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from disio_client.kits import Kit, KitFile, KitMissing, Kits

FILES = {"one.mjs": b"first file" * 100, "two.wasm": b"\0asm" * 1000}
LISTS = {
    "python": Kit(
        "python-1", [KitFile(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in FILES.items()]
    )
}


class Server:
    """Serves the files of FILES, or whatever a test puts in their place."""

    def __init__(self) -> None:
        self.files = dict(FILES)
        self.asked: list[str] = []
        self.url = ""

    async def file(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        data = self.files.get(request.match_info["file"])
        if data is None:
            raise web.HTTPServiceUnavailable
        if request.match_info["kit"] == "python-1":
            return web.Response(status=307, headers={"Location": f"/kits/mirror/{request.match_info['file']}"})
        return web.Response(body=data)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_get("/kits/{kit}/{file}", server.file)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


async def test_a_kit_is_fetched_through_a_redirect_once_and_kept_for_the_next_start(
    server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    kits = Kits(http, tmp_path / "kits", LISTS)
    assert kits.files("python") == {}
    await kits.fetch(server.url, "python")
    await kits.fetch(server.url, "python")
    assert kits.files("python") == FILES
    assert len(server.asked) == 4
    again = Kits(http, tmp_path / "kits", LISTS)
    await again.fetch("http://127.0.0.1:1", "python")
    assert again.files("python") == FILES


async def test_languages_without_a_kit_need_nothing(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    kits = Kits(http, tmp_path, LISTS)
    await kits.fetch("http://127.0.0.1:1", "javascript")
    assert kits.files("javascript") == {}


async def test_a_kept_file_that_changed_on_disk_is_fetched_again(
    server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    await Kits(http, tmp_path, LISTS).fetch(server.url, "python")
    (tmp_path / LISTS["python"].files[0].sha256).write_bytes(b"rotten")
    server.asked.clear()
    kits = Kits(http, tmp_path, LISTS)
    await kits.fetch(server.url, "python")
    assert kits.files("python") == FILES
    assert server.asked == ["/kits/python-1/one.mjs", "/kits/mirror/one.mjs"]


@pytest.mark.parametrize("served", [b"other bytes", FILES["two.wasm"] + b"more", b""])
async def test_other_bytes_are_refused_for_good_and_not_asked_for_again_at_once(
    server: Server, http: aiohttp.ClientSession, tmp_path: Path, served: bytes
) -> None:
    server.files["two.wasm"] = served
    kits = Kits(http, tmp_path, LISTS)
    with pytest.raises(KitMissing, match=r"files of python: two\.wasm .* is not the file this client knows") as missing:
        await kits.fetch(server.url, "python")
    assert missing.value.is_final
    server.asked.clear()
    with pytest.raises(KitMissing, match="is not the file"):
        await kits.fetch(server.url, "python")
    assert server.asked == []
    assert kits.files("python") == {}


async def test_a_server_that_fails_may_be_asked_again_and_what_came_is_kept(
    server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    del server.files["two.wasm"]
    kits = Kits(http, tmp_path, LISTS)
    with pytest.raises(KitMissing, match=r"two\.wasm: 127\.0\.0\.1 answered 503") as missing:
        await kits.fetch(server.url, "python")
    assert not missing.value.is_final
    server.files, server.asked = dict(FILES), []
    await kits.fetch(server.url, "python")
    assert kits.files("python") == FILES
    assert {path.rsplit("/", 1)[1] for path in server.asked} == {"two.wasm"}


async def test_a_folder_that_cannot_be_written_costs_only_the_next_start(
    server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "kits").write_bytes(b"a file where the folder should be")
    kits = Kits(http, tmp_path / "kits", LISTS)
    await kits.fetch(server.url, "python")
    assert kits.files("python") == FILES
