"""Uploads over REST that break off and go on, against a real manager."""

import asyncio
import io
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from disio_manager.api import blobs
from tests.unit.manager.served import Served, serve
from tests.unit.manager.tars import sha256_of
from tests.waiting import wait_until

DATA = os.urandom(3_500_000)
SHA = sha256_of(DATA)
PATH = f"/api/blobs/{SHA}"


async def head(manager: Served) -> tuple[int, str | None, str | None]:
    async with manager.http.head(manager.url + PATH) as answer:
        return answer.status, answer.headers.get("Upload-Complete"), answer.headers.get("Upload-Offset")


async def cut(manager: Served, offset: int, stop: int) -> int:
    """Send some bytes of the rest, say that all of it will come, and go away; return how many are kept."""
    host, port = manager.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    lines = [
        f"PUT {PATH} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: {manager.http.headers['Authorization']}",
        f"Content-Length: {len(DATA) - offset}",
        f"Upload-Offset: {offset}",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + DATA[offset:stop])
    await writer.drain()
    await wait_until(lambda: has_come(manager, stop - blobs.PART_BYTES))
    writer.close()
    await writer.wait_closed()
    here = await wait_until(lambda: free_at(manager))
    assert here is not None and stop - blobs.PART_BYTES <= here <= stop
    return here


async def has_come(manager: Served, least: int) -> bool:
    return int((await head(manager))[2] or 0) >= least


async def free_at(manager: Served) -> int | None:
    """Return where the upload goes on, when nobody is at it any more."""
    headers = {"Upload-Offset": (await head(manager))[2] or "", "Upload-Complete": "?0"}
    async with manager.http.put(manager.url + PATH, headers=headers) as answer:
        return int(answer.headers["Upload-Offset"]) if answer.status == 202 else None


async def resume(manager: Served, offset: int, status: int = 201, method: str = "PUT") -> Any:
    return await manager.call(
        method, PATH, status, data=io.BytesIO(DATA[offset:]), headers={"Upload-Offset": str(offset)}
    )


async def test_an_upload_that_was_cut_goes_on_where_it_was(manager: Served) -> None:
    assert await head(manager) == (404, "?0", "0")
    here = 0
    for stop in (1_200_000, 2_300_000, 3_499_999):
        here = await cut(manager, here, stop)
    assert await resume(manager, here) == {"sha256": SHA, "bytes": len(DATA)}
    assert await head(manager) == (200, "?1", None)
    async with manager.http.get(manager.url + PATH) as answer:
        assert await answer.read() == DATA


async def test_an_upload_goes_on_at_a_manager_that_was_started_again(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        here = await cut(manager, 0, 2_000_000)
    async with serve(tmp_path) as manager:
        assert await head(manager) == (404, "?0", str(here))
        await resume(manager, here)
        assert (await head(manager))[0] == 200


async def test_an_upload_comes_in_several_requests(manager: Served) -> None:
    here = 0
    for stop in (500_000, 2_500_000):
        headers = {"Upload-Offset": str(here), "Upload-Complete": "?0"}
        async with manager.http.patch(manager.url + PATH, data=io.BytesIO(DATA[here:stop]), headers=headers) as answer:
            assert (answer.status, answer.headers["Upload-Offset"]) == (202, str(stop))
            assert await answer.json() == {"sha256": SHA, "offset": stop}
        here = stop
    await resume(manager, here, method="PATCH")
    assert await resume(manager, here, 200) == {"sha256": SHA, "bytes": len(DATA)}


async def test_what_nobody_goes_on_with_is_thrown_away_after_a_day(tmp_path: Path) -> None:
    old, new = (tmp_path / "blobs" / f"{sha256_of(name)}.part" for name in (b"old", b"new"))
    old.parent.mkdir()
    for path, days in ((old, 2.0), (new, 0.5)):
        path.write_bytes(b"x")
        os.utime(path, (time.time() - 86_400 * days,) * 2)
    async with serve(tmp_path):
        await wait_until(lambda: not old.exists())
        assert new.exists()


async def test_it_goes_on_nowhere_else(manager: Served) -> None:
    async with manager.http.put(manager.url + PATH, data=b"x", headers={"Upload-Offset": "5"}) as answer:
        assert (answer.status, answer.headers["Upload-Offset"]) == (409, "0")
        assert (await answer.json())["code"] == "upload-offset"
    here = await cut(manager, 0, 2_000_000)
    await resume(manager, here - 1, 409)
    assert (await head(manager))[2] == str(here)
    for name, value in (("Upload-Offset", "-1"), ("Upload-Offset", "x"), ("Upload-Complete", "1")):
        problem = await manager.call("PUT", PATH, 400, data=io.BytesIO(DATA), headers={name: value})
        assert problem["errors"][0]["path"] == name
    await manager.call("PUT", PATH, 201, data=io.BytesIO(DATA))


async def test_a_beginning_of_something_else_is_thrown_away(manager: Served) -> None:
    headers = {"Upload-Complete": "?0"}
    await manager.call("PUT", PATH, 202, data=bytes(1_000), headers=headers)
    problem = await resume(manager, 1_000, 422)
    assert problem["errors"][0]["path"] == "sha256" and (await head(manager))[2] == "0"


async def test_who_comes_second_is_asked_to_come_again(manager: Served) -> None:
    end = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield DATA[:2_000_000]
        await end.wait()
        yield DATA[2_000_000:]

    first = asyncio.create_task(manager.http.put(manager.url + PATH, data=slow()))
    await wait_until(lambda: has_come(manager, 1))
    async with manager.http.put(manager.url + PATH, data=io.BytesIO(DATA)) as answer:
        assert answer.status == 409 and "Retry-After" in answer.headers
        assert (await answer.json())["code"] == "upload-busy"
    end.set()
    assert (await first).status == 201


async def test_a_silent_upload_is_broken_off_and_kept(manager: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "SILENCE_S", 0.2)
    never = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield DATA[:2_000_000]
        await never.wait()

    problem = await manager.call("PUT", PATH, 408, data=silent())
    assert problem["code"] == "timeout" and (await head(manager))[2] == "2000000"
    await resume(manager, 2_000_000)


async def test_a_full_disk_is_told_and_what_came_is_kept(manager: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage("/")
        free = [1 << 30, 0]
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free.pop(0)))
        async with manager.http.put(manager.url + PATH, data=io.BytesIO(DATA)) as answer:
            assert answer.status == 507 and "Retry-After" in answer.headers
            assert "make room" in (await answer.json())["detail"]
    here = int((await head(manager))[2] or 0)
    assert 0 < here < len(DATA)
    await resume(manager, here)


async def test_what_is_there_is_compared_with_what_is_sent(manager: Served) -> None:
    await manager.call("PUT", PATH, 201, data=io.BytesIO(DATA))
    assert await manager.call("PUT", PATH, 200, data=io.BytesIO(DATA)) == {"sha256": SHA, "bytes": len(DATA)}
    await manager.call("PUT", PATH, 422, data=io.BytesIO(DATA[:-1]))
    await resume(manager, 17, 200)
    assert (await head(manager))[0] == 200
