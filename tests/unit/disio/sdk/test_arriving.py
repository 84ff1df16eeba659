"""Results in the order in which they came, against a real manager."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

import disio
from disio.patience import Patience
from disio.rest import ManagerClient
from disio.sdk import arriving
from disio.sdk.reading import Link, Reader
from disio.sdk.shapes import Failure, Result
from disio_shared import messages
from tests.unit.manager.served import JAVASCRIPT, Peer, Served, serve
from tests.waiting import wait_until

UNIT = disio.WorkUnit.from_source(JAVASCRIPT, "javascript")


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[tuple[Served, Peer, disio.AsyncClient]]:
    """Yield a manager, a distributor that has joined it, and a client."""
    async with serve(folder) as served:
        peer = served.peer()
        await peer.join()
        async with disio.AsyncClient(served.url, token_file=folder / "admin.token") as client:
            yield served, peer, client


async def read(results: Any, most: int) -> list[int]:
    """Return the indexes of the next results."""
    return [(await anext(results)).index for _ in range(most)]


@pytest.mark.parametrize("rows", [1, 3, arriving.PAGE])
async def test_results_come_in_the_order_in_which_they_were_computed_each_once(
    tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "PAGE", rows)
    async with place(tmp_path) as (_, peer, client):
        task = await client.submit(UNIT, range(6))
        await peer.leased(6)
        results = task.results()
        for number, indexes in enumerate(([5], [0, 1], [4])):
            await peer.deliver(task.id, indexes, batch=f"b{number}")
            assert await read(results, len(indexes)) == indexes
        rest = asyncio.ensure_future(read(results, 2))
        await peer.deliver(task.id, [2, 3], batch="b9")
        assert await rest == [2, 3]
        with pytest.raises(StopAsyncIteration):
            await anext(results)
        assert task.info.state == "done"
        assert [each.index async for each in task.results()] == [5, 0, 1, 4, 2, 3]
        assert [each.index async for each in task.results(start=3)] == [5, 4, 3]


async def test_another_process_goes_on_at_a_cursor(tmp_path: Path) -> None:
    async with place(tmp_path) as (served, peer, client):
        task = await client.submit(UNIT, range(4))
        await peer.leased(4)
        await peer.deliver(task.id, [3, 1])
        results = task.results("none")
        assert await read(results, 2) == [1, 3]
        waiting = asyncio.ensure_future(anext(results))  # by that the first page counts as taken
        await wait_until(lambda: bool(task.cursor))
        waiting.cancel()
        await peer.deliver(task.id, [0, 2], batch="b2")
        async with disio.AsyncClient(served.url, token_file=tmp_path / "admin.token") as other:
            again = await other.task(1)
            assert [each.index async for each in again.results(cursor=task.cursor)] == [0, 2]
            with pytest.raises(disio.BadArgument, match="with 'index' there is start"):
                await anext(again.results("index", cursor=task.cursor))
            with pytest.raises(disio.InvalidRequest, match="cursor"):
                await anext(again.results(cursor="nonsense"))
            with pytest.raises(disio.NotFound, match="no task 7"):
                await other.task(7)


async def test_answers_are_results_and_failures_and_a_retry_adds_its_results(tmp_path: Path) -> None:
    async with place(tmp_path) as (_, peer, client):
        task = await client.submit(UNIT, range(3), max_failures=1)
        await peer.leased(3)
        failed = messages.FailureColumns(task=task.id, indexes=[1], errors=[["boom"]])
        await peer.say(messages.Deliver(batch="f", failures=[failed]))
        await peer.hear(messages.Committed)
        link = Link(client._manager, 10)
        answers = Reader(link, task.info, "completed").answers()
        (told,) = await anext(answers)
        assert told == Failure(index=1, payload=1, errors=["boom"])
        await task.retry()
        await peer.deliver(task.id, [1, 0, 2])
        found: list[Any] = [each async for batch in answers for each in batch]
        assert all(isinstance(each, Result) for each in found) and {each.index for each in found} == {0, 1, 2}


async def test_a_file_is_uploaded_once_and_becomes_payloads(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    await asyncio.to_thread(file.write_bytes, b"one\ntwo\n")
    async with place(tmp_path / "data") as (served, _, client):
        name = await client.upload(file)
        assert await client.upload(str(file)) == name
        preview = await client.preview({"blob": name, "format": "lines"})
        assert preview.first == ["one", "two"]
        async with served.http.head(f"{served.url}/api/blobs/{name}") as answer:
            assert answer.status == 200
        with pytest.raises(disio.BadArgument, match="none cannot be read: No such file"):
            await client.upload(tmp_path / "none")


async def test_an_upload_that_was_broken_off_goes_on(tmp_path: Path) -> None:
    file, body = tmp_path / "many.txt", b"line\n" * 1000
    await asyncio.to_thread(file.write_bytes, body)
    async with place(tmp_path / "data") as (served, _, client):
        name = hashlib.sha256(body).hexdigest()
        begun = {"Upload-Offset": "0", "Upload-Complete": "?0"}
        await served.call("PUT", f"/api/blobs/{name}", 202, data=body[:2000], headers=begun)
        assert await client._manager.blob_offset(name) == 2000
        assert await client.upload(file) == name
        assert (await client.preview({"blob": name, "format": "lines"})).count == 1000


async def test_what_is_told_again_or_broken_off_is_given_once_and_cursors_pass_whole_pages(tmp_path: Path) -> None:
    pages: list[tuple[list[int], str]] = [([0, 1, 1], "c1"), ([2, -1], ""), ([2, 3, 0], "c2"), ([], "c2")]
    asked: list[str] = []

    async def serve_page(request: web.Request) -> web.StreamResponse:
        asked.append(request.query["cursor"])
        rows, cursor = pages.pop(0)
        response = web.StreamResponse(headers={"X-Cursor": cursor, "X-Task-State": "done"})
        await response.prepare(request)
        for row in rows:
            if row < 0:
                await wait_until(lambda: bool(given and given[-1] == 1))
                assert request.transport is not None
                request.transport.abort()
                return response
            line = {"i": row, "payload": row, "result": row, "client": "c", "seconds": 0.1}
            await response.write(msgspec.json.encode(line) + b"\n")
        return response

    given: list[int] = []
    app = web.Application()
    app.router.add_get("/api/tasks/{id}/results", serve_page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with ManagerClient(f"http://127.0.0.1:{runner.addresses[0][1]}", "token") as manager:
            arrivals = arriving.Arrivals(manager, "t", Patience(10))
            marks = []
            for _ in range(3):
                async for batch in arrivals.page():
                    given += [each.index for each in batch]
                marks.append((arrivals.cursor, arrivals.rows))
    finally:
        await runner.cleanup()
    assert given == [0, 1, 2, 3]
    assert marks == [("c1", 3), ("c2", 3), ("c2", 0)] and asked == ["", "c1", "c1", "c2"]
