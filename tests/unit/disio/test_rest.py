"""What the manager's client makes of files that hold no token, and of servers that are no manager."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from disio.cli import exit_status
from disio.rest import ManagerClient, NotAManager, RestProblem
from disio_shared.errors import ManagerUnreachable, NotAuthorized
from tests.unit.manager.served import serve


@asynccontextmanager
async def answering(status: int, text: str) -> AsyncIterator[ManagerClient]:
    """Serve one answer to everything; yield a client of that."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with ManagerClient(f"http://127.0.0.1:{runner.addresses[0][1]}", "token") as client:
            yield client
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "text"), [(200, "<html>"), (200, "[1]"), (200, "\ufffd"), (404, "not here"), (405, "<html>")]
)
async def test_what_is_no_manager_is_told_by_its_address(status: int, text: str) -> None:
    async with answering(status, text) as client:
        with pytest.raises(NotAManager, match=rf"no manager at {client.url}: .*--manager") as refused:
            await client.create_task({})
        assert exit_status(refused.value) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_without_its_manager_is_a_manager_that_is_away(status: int) -> None:
    async with answering(status, "<html>") as client:
        with pytest.raises(ManagerUnreachable):
            await client.cluster()


def test_what_is_wrong_with_a_document_is_told_once() -> None:
    errors = [{"path": "a", "message": "is none"}]
    assert str(RestProblem(422, "a: is none", errors)) == "a: is none"
    assert str(RestProblem(422, "the document is wrong", errors)) == "the document is wrong (a: is none)"


async def test_a_wrong_token_is_told_with_a_remedy(tmp_path: Path) -> None:
    async with serve(tmp_path) as served, ManagerClient(served.url, "wrong") as client:
        for asked in (client.stats(), client.blob_offset("0" * 64)):
            with pytest.raises(RestProblem, match=r"copy admin\.token .*--token-file") as refused:
                await asked
            assert exit_status(refused.value) == 4


@pytest.mark.parametrize("content", [b"", b" \n", b"two\nlines", "tokön".encode(), b"\xff\xfe", b"a\0b"])
async def test_a_file_without_a_token_is_told_of(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    await asyncio.to_thread(file.write_bytes, content)
    with pytest.raises(NotAuthorized, match=r"holds no token: sign in \(disio login\), copy admin\.token") as refused:
        ManagerClient.from_files("http://m", file)
    assert exit_status(refused.value) == 4


def test_a_token_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(NotAuthorized, match=r"cannot be read: Is a directory: sign in"):
        ManagerClient.from_files("http://m", tmp_path)
