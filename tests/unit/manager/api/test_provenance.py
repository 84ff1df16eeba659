"""Provenance over REST: enough to make the same results again, and who made these."""

import asyncio
import hashlib

import pytest

from disio_manager import tracing
from disio_shared import __version__, messages
from tests.unit.manager.served import JAVASCRIPT, Served


async def test_it_has_document_code_versions_clients_distributors_votes_and_times(manager: Served) -> None:
    task = await manager.create(description="squares")
    peer = manager.peer("d1")
    await peer.join(software="disio-distributor 9")
    await peer.leased(10)
    columns = messages.ResultColumns(
        task=task["id"],
        indexes=[0, 1, 2],
        values=[b"0", b"1", b"4"],
        seconds=[0.5, 0.25, 2.0],
        clients=["c1", "c2"],
        by=[0, 1, 1],
    )
    await peer.say(messages.Deliver(batch="b1", results=[columns]))
    await peer.hear(messages.Committed)
    other = messages.VoteColumns(
        task=task["id"],
        indexes=[0, 1, 2],
        values=[b"0", b"1", b"5"],
        seconds=[0.5, 0.25, 2.0],
        clients=["c1", "c2"],
        by=[1, 0, 0],
    )
    await peer.say(messages.Deliver(batch="b2", votes=[other]))
    await peer.hear(messages.Committed)
    found = await manager.call("GET", f"/api/tasks/{task['id']}/provenance")
    document = await manager.call("GET", f"/api/tasks/{task['id']}/document")
    async with manager.http.get(f"{manager.url}/api/tasks/{task['id']}/document") as answer:
        assert found["document_sha256"] == hashlib.sha256(await answer.read()).hexdigest()
    assert found["document"] == document and found["document_sha256"] == task["document_sha256"]
    assert found["workunit_sha256"] == hashlib.sha256(JAVASCRIPT.encode()).hexdigest()
    assert found["cluster"] == (await manager.call("GET", "/api/me"))["cluster"]
    assert (found["task"]["id"], found["task"]["state"], found["done"], found["counted"]) == (
        task["id"],
        "running",
        3,
        3,
    )
    assert found["software"] == {
        "manager": __version__, "protocol": messages.PROTOCOL_VERSION, "distributors": ["disio-distributor 9"],
        "clients": [],
    }  # fmt: skip
    first, last = found["results"]["first_at"], found["results"]["last_at"]
    assert task["created_at"] - 1 <= first == last <= found["at"] + 1
    assert found["results"] == {"first_at": first, "last_at": last, "seconds": 2.75, "of_others": 0}
    assert [(each["client"], each["distributor"], each["results"], each["seconds"]) for each in found["clients"]] == [
        ("c2", "d1", 2, 2.25),
        ("c1", "d1", 1, 0.5),
    ]
    assert found["clients_total"] == 2 and {each["software"] for each in found["clients"]} == {None}
    assert found["distributors"] == [{"id": "d1", "name": "d1", "software": "disio-distributor 9", "results": 3}]
    assert found["votes"] == {"agreeing": 2, "differing": 1}


async def test_clients_that_are_connected_tell_their_software(manager: Served) -> None:
    task = await manager.create()
    peer = manager.peer("d1")
    await peer.join(speaks=["clients"])
    await peer.leased(10)
    await peer.deliver(task["id"], [0])

    async def answer() -> None:
        asked = await peer.hear(messages.ListClients)
        one = {"kinds": ["cli"], "slots": [1], "languages": [[]], "sites": [""], "ages_s": [1.0], "busy": [0]}
        rows = messages.ClientRows(request=asked.request, ids=["c1"], software=["disio-client 7"], is_end=True, **one)  # type: ignore[arg-type]
        await peer.say(rows)

    answering = asyncio.create_task(answer())
    found = await manager.call("GET", f"/api/tasks/{task['id']}/provenance")
    await answering
    assert found["clients"][0]["software"] == "disio-client 7" and found["software"]["clients"] == ["disio-client 7"]


async def test_a_task_without_results_has_provenance_and_one_that_never_was_has_none(manager: Served) -> None:
    task = await manager.create()
    found = await manager.call("GET", f"/api/tasks/{task['id']}/provenance")
    assert found["results"] == {"first_at": None, "last_at": None, "seconds": 0, "of_others": 0}
    assert (found["clients"], found["distributors"], found["counted"]) == ([], [], 0)
    await manager.call("GET", "/api/tasks/none/provenance", 404)


async def test_too_many_at_once_are_told_to_come_again(manager: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await manager.create()
    monkeypatch.setattr(tracing, "MAX_WAITING", 0)
    problem = await manager.call("GET", f"/api/tasks/{task['id']}/provenance", 503)
    assert problem["code"] == "too-many-waiting"
