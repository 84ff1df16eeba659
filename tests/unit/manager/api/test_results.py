"""Results and failures over REST."""

import csv
import io
import json
import tracemalloc

from disio_shared import messages
from tests.unit.manager.served import Served, deliver_message


async def finished(manager: Served, total: int, value: bytes = b"", **changes: object) -> str:
    task = await manager.create(payloads={"range": [0, total]}, **changes)
    peer = manager.peer()
    await peer.join()
    for start in range(0, total, 5_000):
        await peer.ask(5_000, request=start + 1)
        indexes = list(range(start, min(total, start + 5_000)))
        await peer.deliver(task["id"], indexes, f"b{start}", value)
    return str(task["id"])


async def test_results_come_in_index_order_in_every_format(manager: Served) -> None:
    task = await finished(manager, 25)
    path = f"/api/tasks/{task}/results"
    expected = [{"i": i, "payload": i, "result": i * i, "client": "c1", "seconds": 0.5} for i in range(25)]
    assert (await manager.call("GET", path)) == {"items": expected}
    async with manager.http.get(f"{manager.url}{path}?format=ndjson&from=3&limit=4") as answer:
        assert answer.content_type == "application/x-ndjson"
        assert [json.loads(line) for line in (await answer.text()).splitlines()] == expected[3:7]
    async with manager.http.get(f"{manager.url}{path}?format=csv&limit=2") as answer:
        rows = list(csv.DictReader(io.StringIO(await answer.text())))
        assert rows[1] == {"i": "1", "payload": "1", "result": "1", "client": "c1", "seconds": "0.5"}
    assert (await manager.call("GET", f"{path}?from=25")) == {"items": []}
    await manager.call("GET", f"{path}?format=xml", 400)
    await manager.call("GET", f"{path}?from=-1", 400)
    await manager.call("GET", "/api/tasks/none/results", 404)


async def test_a_search_ends_at_what_it_finds_and_shows_that_alone_when_asked(manager: Served) -> None:
    stop = {"result": [{"path": "", "at_least": 16.0}], "count": 2}
    task = await manager.create(payloads={"range": [0, 10**9]}, policy={"stop_when": stop})
    path = f"/api/tasks/{task['id']}"
    assert (task["policy"]["stop_when"], task["matched"], task["ended_by"]) == (stop, 0, "")
    peer = manager.peer()
    await peer.join()
    await peer.ask(100)
    await peer.deliver(task["id"], [2, 3, 4], "b1")
    assert (await manager.call("GET", path))["matched"] == 1
    told = (await manager.call("GET", f"{path}/explain"))["sentences"]
    assert "It is done as soon as 2 results satisfy stop_when: 1 of 3 do so far." in told
    await peer.say(deliver_message(task["id"], [0, 7], "b2"))
    assert await peer.hear(messages.TaskState) == messages.TaskState(task=task["id"], state="done")
    await peer.hear(messages.Committed)
    ended = await manager.call("GET", path)
    assert (ended["state"], ended["ended_by"], ended["matched"], ended["done"]) == ("done", "stop_when", 2, 5)
    assert [item["ended_by"] for item in (await manager.call("GET", "/api/tasks"))["items"]] == ["stop_when"]
    rows = (await manager.call("GET", f"{path}/results?matched=true"))["items"]
    assert [(row["i"], row["result"]) for row in rows] == [(4, 16), (7, 49)]
    rows = (await manager.call("GET", f"{path}/results?matched=true&from=5&limit=9"))["items"]
    assert [row["i"] for row in rows] == [7]
    assert len((await manager.call("GET", f"{path}/results?matched=false"))["items"]) == 5
    [_, told] = (await manager.call("GET", f"{path}/explain"))["sentences"]
    assert told.startswith("2 results satisfy stop_when")
    await manager.call("GET", f"{path}/results?matched=maybe", 400)
    copy = await manager.call("POST", f"{path}/clone", 201)
    assert (copy["state"], copy["matched"], copy["ended_by"], copy["done"]) == ("queued", 0, "", 0)


async def test_raw_bytes_are_shown_as_base64(manager: Served) -> None:
    task = await finished(manager, 1, value=b"\x00\xff\x00")
    rows = (await manager.call("GET", f"/api/tasks/{task}/results"))["items"]
    assert rows[0]["result"] == {"$base64": "/wA="}


async def test_fifty_thousand_results_stream_with_flat_memory(manager: Served) -> None:
    total, value = 50_000, b'"' + b"v" * 200 + b'"'
    task = await finished(manager, total, value)
    lines = size = 0
    tracemalloc.start()
    try:
        async with manager.http.get(f"{manager.url}/api/tasks/{task}/results?format=ndjson") as answer:
            async for chunk in answer.content.iter_any():
                lines, size = lines + chunk.count(b"\n"), size + len(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert lines == total
    assert peak < size / 2, f"{peak} bytes held at once of {size} streamed"


async def test_failures_are_shown_with_their_texts_and_can_be_retried(manager: Served) -> None:
    task = await manager.create()
    peer = manager.peer()
    await peer.join()
    await peer.ask(10)
    failed = messages.FailureColumns(task=task["id"], indexes=[2, 5], errors=[["boom"], ["a", "b"]])
    good = deliver_message(task["id"], [0, 1, 3, 4, 6, 7, 8, 9]).results
    await peer.say(messages.Deliver(batch="b", results=good, failures=[failed]))
    await peer.hear(messages.Committed)
    path = f"/api/tasks/{task['id']}"
    assert (await manager.call("GET", f"{path}/failures"))["items"] == [
        {"i": 2, "payload": 2, "errors": ["boom"]},
        {"i": 5, "payload": 5, "errors": ["a", "b"]},
    ]
    assert [row["i"] for row in (await manager.call("GET", f"{path}/failures?from=3"))["items"]] == [5]
    assert [row["i"] for row in (await manager.call("GET", f"{path}/failures?limit=1"))["items"]] == [2]
    assert (await manager.call("POST", f"{path}/retry"))["failed"] == 0
    assert (await manager.call("GET", f"{path}/failures"))["items"] == []
