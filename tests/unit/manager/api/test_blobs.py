"""Archives of files over REST, and tasks whose payloads they are, against a real manager."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from disio_shared import messages
from disio_shared.ranges import RangeSet
from tests.unit.manager.served import Served, serve
from tests.unit.manager.tars import sha256_of, tar_of
from tests.waiting import wait_until

FILES = [(f"in/{at:02d}.bin", b"\0\xff%d" % at * (at + 1)) for at in range(30)]
TAR = tar_of(FILES)
SHA = sha256_of(TAR)
SPEC = {"blob": SHA, "format": "files"}


async def upload(manager: Served, data: bytes = TAR, status: int = 201) -> Any:
    return await manager.call("PUT", f"/api/blobs/{sha256_of(data)}", status, data=data)


def shown(at: int) -> dict[str, Any]:
    return {"$file": FILES[at][0], "bytes": len(FILES[at][1])}


async def head(manager: Served) -> tuple[int, int | None]:
    async with manager.http.head(f"{manager.url}/api/blobs/{SHA}") as answer:
        return answer.status, answer.content_length


async def test_a_blob_is_uploaded_once_told_of_and_fetched(manager: Served) -> None:
    assert (await head(manager))[0] == 404
    assert await upload(manager) == {"sha256": SHA, "bytes": len(TAR)}
    assert await upload(manager, status=200) == {"sha256": SHA, "bytes": len(TAR)}
    assert await head(manager) == (200, len(TAR))
    async with manager.http.get(f"{manager.url}/api/blobs/{SHA}") as answer:
        assert await answer.read() == TAR
        assert answer.headers["Content-Disposition"].startswith("attachment")
    await manager.call("GET", f"/api/blobs/{'0' * 64}", 404)


async def test_what_is_not_as_it_is_called_is_refused_and_not_kept(manager: Served) -> None:
    problem = await manager.call("PUT", f"/api/blobs/{SHA}", 422, data=TAR[:-1])
    assert problem["errors"][0]["path"] == "sha256" and (await head(manager))[0] == 404
    await manager.call("PUT", "/api/blobs/XYZ", 422, data=TAR)
    await manager.call("PUT", f"/api/blobs/{SHA}?x=1", 400, data=TAR)
    await manager.call("PUT", f"/api/blobs/{SHA}", 415, data=TAR, headers={"Content-Encoding": "gzip"})


async def test_a_body_of_many_parts_goes_through_in_parts(manager: Served) -> None:
    data = os.urandom(5_000_000)

    async def body() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 70_000):
            yield data[at : at + 70_000]

    told = await manager.call("PUT", f"/api/blobs/{sha256_of(data)}", 201, data=body())
    assert told["bytes"] == len(data)
    async with manager.http.get(f"{manager.url}/api/blobs/{told['sha256']}") as answer:
        assert await answer.read() == data


async def test_files_go_out_as_raw_bytes_and_results_name_them(manager: Served) -> None:
    await upload(manager)
    task = await manager.create(payloads=SPEC)
    assert (task["total"], task["payloads"]) == (len(FILES), SPEC)
    peer = manager.peer()
    await peer.join()
    grant = await peer.leased(20)
    got = {block.start + at: value for block in grant.blocks for at, value in enumerate(block.payloads)}
    assert got == {at: b"\0" + FILES[at][1] for at in range(20)} and not grant.tasks[0].payloads
    await peer.deliver(task["id"], [0, 3, 7], value=b"1")
    failed = messages.FailureColumns(task=task["id"], indexes=[5], errors=[["boom"]])
    await peer.say(messages.Deliver(batch="b2", failures=[failed]))
    await peer.hear(messages.Committed)
    path = f"/api/tasks/{task['id']}"
    items = (await manager.call("GET", f"{path}/results"))["items"]
    assert [(item["i"], item["name"], item["payload"]) for item in items] == [
        (at, FILES[at][0], shown(at)) for at in (0, 3, 7)
    ]
    assert (await manager.call("GET", f"{path}/failures"))["items"] == [
        {"i": 5, "name": FILES[5][0], "payload": shown(5), "errors": ["boom"]}
    ]
    story = await manager.call("GET", f"{path}/payloads/9")
    assert (story["name"], story["payload"]) == (FILES[9][0], shown(9))
    async with manager.http.get(f"{manager.url}{path}/results?format=csv") as answer:
        assert FILES[7][0] in (await answer.text()).splitlines()[3]


async def test_blocks_that_come_back_go_out_again_with_what_is_open_of_them(manager: Served) -> None:
    await upload(manager)
    task = await manager.create(payloads=SPEC)
    first, second = manager.peer("d1"), manager.peer("d2")
    await first.join()
    grant = await first.leased(30)
    await first.deliver(task["id"], [1, 2, 17], value=b"1")
    blocks = [messages.BlockRef(block=block.block, lease=block.lease) for block in grant.blocks]
    await first.say(messages.Return(blocks=blocks))
    await second.join()
    again = await second.leased(30)
    got = {block.start + at: value for block in again.blocks for at, value in enumerate(block.payloads)}
    done = RangeSet([(1, 3), (17, 18)])
    assert got == {at: b"" if at in done else b"\0" + FILES[at][1] for at in got} and {1, 2, 3} <= got.keys()


async def test_a_spec_that_names_no_archive_is_refused_with_its_place(manager: Served) -> None:
    body = {"name": "x", "workunit": {"language": "javascript", "source": "export default 1"}, "payloads": SPEC}
    problem = await manager.call("POST", "/api/tasks", 422, json=body)
    assert problem["errors"][0]["path"] == "payloads.blob" and "PUT it" in problem["errors"][0]["message"]
    told = await upload(manager, b"no archive" * 100)
    body["payloads"] = {"blob": told["sha256"], "format": "files"}
    problem = await manager.call("POST", "/api/tasks", 422, json=body)
    assert "no uncompressed tar" in problem["errors"][0]["message"]
    await manager.call("POST", "/api/payloads/preview", 422, json=SPEC)


async def test_the_preview_names_the_first_and_the_last_files(manager: Served) -> None:
    await upload(manager)
    preview = await manager.call("POST", "/api/payloads/preview", json={"payloads": SPEC})
    assert preview == {
        "count": 30,
        "first": [shown(at) for at in range(20)],
        "last": [shown(at) for at in range(27, 30)],
    }


async def test_a_blob_goes_with_the_last_of_its_tasks(manager: Served) -> None:
    await upload(manager)
    task = await manager.create(payloads=SPEC)
    copy = await manager.call("POST", f"/api/tasks/{task['id']}/clone", 201)
    assert (copy["total"], copy["payloads"]) == (30, SPEC)
    await manager.call("DELETE", f"/api/tasks/{task['id']}", 204)
    assert (await head(manager))[0] == 200
    await manager.call("DELETE", f"/api/tasks/{copy['id']}", 204)
    assert (await head(manager))[0] == 404


async def test_a_restarted_manager_goes_on_with_files(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        await upload(manager)
        task = await manager.create(payloads=SPEC)
    async with serve(tmp_path) as manager:
        peer = manager.peer()
        await peer.join()
        grant = await peer.leased(30)
        assert [value for block in grant.blocks for value in block.payloads] == [b"\0" + data for _, data in FILES]
        assert (await manager.call("GET", f"/api/tasks/{task['id']}"))["leased"] == 30


async def test_a_lost_archive_is_told_of_and_holds_up_nothing_else(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        await upload(manager)
        task = await manager.create(payloads=SPEC)
    for path in (tmp_path / "blobs").iterdir():
        path.unlink()
    async with serve(tmp_path) as manager:
        told = await manager.call("GET", f"/api/tasks/{task['id']}/explain")
        assert f"blob {SHA} is lost" in told["sentences"][0]
        peer = manager.peer()
        await peer.join()
        await peer.say(peer.ask_message(30))
        await wait_until(lambda: _leased(manager, task["id"]))
        await manager.call("DELETE", f"/api/tasks/{task['id']}", 204)
        assert (await peer.hear(messages.TaskState)).state == "cancelled"
        other = await manager.create()
        grant = await peer.ask(5, request=2)
        assert {block.task for block in grant.blocks} == {other["id"]}


async def _leased(manager: Served, task: str) -> bool:
    return bool((await manager.call("GET", f"/api/tasks/{task}"))["leased"])


async def test_uploads_that_are_too_many_are_asked_to_come_again(manager: Served) -> None:
    begun = asyncio.Event()
    end = asyncio.Event()

    async def body(data: bytes) -> AsyncIterator[bytes]:
        yield data
        begun.set()
        await end.wait()

    async def slowly(data: bytes) -> int:
        async with manager.http.put(f"{manager.url}/api/blobs/{sha256_of(data)}", data=body(data)) as answer:
            return answer.status

    slow = [asyncio.create_task(slowly(b"x%d" % at)) for at in range(16)]
    await begun.wait()

    async def is_full() -> bool:
        async with manager.http.put(f"{manager.url}/api/blobs/{SHA}", data=TAR) as answer:
            return answer.status == 503 and "Retry-After" in answer.headers

    await wait_until(is_full)
    end.set()
    assert set(await asyncio.gather(*slow)) == {201}
    await upload(manager, status=201 if (await head(manager))[0] == 404 else 200)
