"""Tasks whose payloads are lines of an upload, over REST, against a real manager."""

import json
from pathlib import Path
from typing import Any

import pytest

from disio_manager.api import inputs
from disio_shared import messages
from tests.unit.manager.served import Served, serve
from tests.unit.manager.tars import sha256_of
from tests.waiting import wait_until

NDJSON = b"".join(b'{"n": %d}\n\n' % at for at in range(3_000))
CSV = b"name,size\n" + b"".join(b'"n, %d",%d\r\n' % (at, at) for at in range(40))
TEXT = 'första\r\n\nthird, "quoted"\nlast'.encode()


async def upload(manager: Served, data: bytes, form: str, **more: Any) -> dict[str, Any]:
    """Upload a text and return the payload spec that names it."""
    told = await manager.call("PUT", f"/api/blobs/{sha256_of(data)}", 201, data=data)
    return {"blob": told["sha256"], "format": form, **more}


async def granted(manager: Served, number: int) -> dict[int, Any]:
    """Return what a distributor gets of the only task: payloads by index."""
    peer = manager.peer()
    await peer.join()
    grant = await peer.leased(number)
    assert not grant.tasks[0].payloads
    return {block.start + at: json.loads(value) for block in grant.blocks for at, value in enumerate(block.payloads)}


async def test_previews_tell_what_lines_are(manager: Served) -> None:
    async def previewed(spec: dict[str, Any]) -> Any:
        return await manager.call("POST", "/api/payloads/preview", json=spec)

    found = await previewed(await upload(manager, TEXT, "lines"))
    lines = ["första", "", 'third, "quoted"', "last"]
    assert found == {"count": 4, "first": lines, "last": lines[1:]}
    found = await previewed(await upload(manager, CSV, "csv", numbers=["size"]))
    rows = [{"name": f"n, {at}", "size": at} for at in range(40)]
    assert found == {"count": 40, "first": rows[:20], "last": rows[-3:]}
    found = await previewed(await upload(manager, NDJSON, "ndjson"))
    assert (found["count"], found["first"][19], found["last"][0]) == (3_000, {"n": 19}, {"n": 2_997})


async def test_a_preview_shows_no_more_than_fits(manager: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_SHOWN_BYTES", 250_000)
    spec = await upload(manager, b"".join(b"%d" % at * 100_000 + b"\n" for at in range(5)), "lines")
    found = await manager.call("POST", "/api/payloads/preview", json=spec)
    assert found["count"] == 5
    assert [line[0] for line in found["first"]] == ["0", "1"] and [line[0] for line in found["last"]] == ["3", "4"]


async def test_lines_are_handed_out_and_shown_beside_results(manager: Served) -> None:
    task = await manager.create(payloads=await upload(manager, NDJSON, "ndjson"))
    assert task["total"] == 3_000
    assert await granted(manager, 2_500) == {at: {"n": at} for at in range(2_500)}
    peer = manager.peers[0]
    await peer.deliver(task["id"], [0, 3, 2_499], value=b"1")
    failed = messages.FailureColumns(task=task["id"], indexes=[5], errors=[["boom"]])
    await peer.say(messages.Deliver(batch="b2", failures=[failed]))
    await peer.hear(messages.Committed)
    path = f"/api/tasks/{task['id']}"
    items = (await manager.call("GET", f"{path}/results"))["items"]
    assert [(item["i"], item["payload"]) for item in items] == [(at, {"n": at}) for at in (0, 3, 2_499)]
    assert (await manager.call("GET", f"{path}/failures"))["items"] == [
        {"i": 5, "payload": {"n": 5}, "errors": ["boom"]}
    ]
    assert (await manager.call("GET", f"{path}/payloads/2998"))["payload"] == {"n": 2_998}


async def test_pages_of_large_payloads_are_read_some_at_a_time(
    manager: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await manager.create(payloads=await upload(manager, NDJSON, "ndjson"))
    await granted(manager, 100)
    await manager.peers[0].deliver(task["id"], list(range(90)), value=b"1")
    sizes = []
    monkeypatch.setattr(inputs, "MAX_SHOWN_BYTES", 100)
    shown = inputs.Inputs.shown

    async def noted(self: inputs.Inputs, indexes: Any) -> Any:
        sizes.append(len(indexes))
        return await shown(self, indexes)

    monkeypatch.setattr(inputs.Inputs, "shown", noted)
    for form in ("json", "ndjson", "csv"):
        path = f"{manager.url}/api/tasks/{task['id']}/results?format={form}"
        async with manager.http.get(path) as answer:
            text = await answer.text()
        assert text.count('""n""' if form == "csv" else '"n"') == 90
        if form == "json":
            assert [item["payload"]["n"] for item in json.loads(text)["items"]] == list(range(90))
    assert max(sizes) < 15 and sum(sizes) == 270


async def test_a_restarted_manager_goes_on_with_lines(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager:
        spec = await upload(manager, CSV, "csv", numbers=["size"])
        await manager.create(payloads=spec)
    async with serve(tmp_path) as manager:
        assert await granted(manager, 40) == {at: {"name": f"n, {at}", "size": at} for at in range(40)}


async def test_a_clone_has_the_same_lines_and_the_last_task_takes_them_along(manager: Served) -> None:
    spec = await upload(manager, TEXT, "lines")
    task = await manager.create(payloads=spec)
    copy = await manager.call("POST", f"/api/tasks/{task['id']}/clone", 201)
    assert (copy["total"], copy["payloads"]) == (4, spec)
    for one in (task, copy):
        await manager.call("DELETE", f"/api/tasks/{one['id']}", 204)
    await manager.call("POST", "/api/payloads/preview", 422, json=spec)
    folder = Path(manager.app.settings.data_dir) / "blobs"
    await wait_until(lambda: not list(folder.iterdir()))


async def test_wrong_lines_are_refused_by_number_at_the_field(manager: Served) -> None:
    spec = await upload(manager, b'{"n": 1}\n{"n": 2\n3\n[4,]\n', "ndjson")
    body = {"name": "x", "workunit": {"language": "javascript", "source": "export default 1"}, "payloads": spec}
    problem = await manager.call("POST", "/api/tasks", 422, json=body)
    assert [error["path"] for error in problem["errors"]] == ["payloads.blob"] * 2
    assert [error["message"][:7] for error in problem["errors"]] == ["line 2:", "line 4:"]
    body["payloads"] = await upload(manager, CSV, "csv", numbers=["size", "weight"])
    problem = await manager.call("POST", "/api/tasks", 422, json=body)
    assert problem["errors"] == [{"path": "payloads.numbers.1", "message": "the header has no column 'weight'"}]
    assert (await manager.call("GET", "/api/tasks"))["total"] == 0
