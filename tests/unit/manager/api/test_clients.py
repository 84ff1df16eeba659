"""Lists of clients, asked of distributors over the real link."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from disio_shared import messages
from tests.unit.manager.served import Peer, Served
from tests.waiting import wait_until

Answers = Callable[[messages.ListClients], messages.ClientRows | None]


def rows(asked: messages.ListClients, names: list[str]) -> messages.ClientRows:
    """Return what an honest distributor with such clients tells."""
    left = sorted(name for name in names if name > asked.after)
    ids = left[: asked.limit]
    return messages.ClientRows(
        request=asked.request,
        ids=ids,
        kinds=["web"] * len(ids),
        slots=[2] * len(ids),
        languages=[["javascript"]] * len(ids),
        sites=[""] * len(ids),
        software=["disio"] * len(ids),
        ages_s=[1.25] * len(ids),
        busy=[7] * len(ids),
        is_end=len(left) == len(ids),
    )


async def answering(peer: Peer, answers: Answers) -> None:
    """Answer questions until cancelled."""
    while True:
        message = messages.TO_DISTRIBUTOR.decode(await peer.socket.recv())
        if isinstance(message, messages.ListClients) and (answer := answers(message)) is not None:
            await peer.say(answer)


@pytest.fixture
async def tell(manager: Served) -> Any:
    """Let a distributor join that tells of clients by what it is given."""
    running: list[asyncio.Task[None]] = []

    async def start(name: str, answers: Answers, **join: Any) -> None:
        peer = manager.peer(name)
        await peer.join(**{"speaks": ["clients"], **join})
        running.append(asyncio.create_task(answering(peer, answers)))

    yield start
    for task in running:
        task.cancel()


async def test_pages_go_through_all_distributors(manager: Served, tell: Any) -> None:
    fleet = {"d1": ["a1", "a2", "a3"], "d2": [], "d3": ["c1"], "d4": ["e1", "e2"]}
    for name, clients in fleet.items():
        await tell(name, lambda asked, clients=clients: rows(asked, clients))
    whole = await manager.call("GET", "/api/clients")
    assert [(each["distributor"], each["id"]) for each in whole["items"]] == [
        (name, client) for name, clients in fleet.items() for client in clients
    ]
    assert whole["missing"] == [] and whole["next_cursor"] is None
    expected = {"id": "a1", "distributor": "d1", "kind": "web", "slots": 2, "languages": ["javascript"]}
    more = {"site": "", "software": "disio", "age_s": 1.2, "busy": 7, "units": 0, "failures": 0, "rate": 0.0}
    assert whole["items"][0] == {**expected, **more, "platform": ""}, "an older distributor tells less"
    for limit in (1, 2, 3, 4, 5):
        seen, cursor = [], ""
        while True:
            page = await manager.call("GET", f"/api/clients?limit={limit}&cursor={cursor}")
            seen += page["items"]
            assert len(page["items"]) <= limit
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == whole["items"], limit
    one = await manager.call("GET", "/api/clients?distributor=d4")
    assert [each["id"] for each in one["items"]] == ["e1", "e2"]
    await manager.call("GET", "/api/clients?distributor=none", 404)


async def test_who_cannot_be_asked_is_named(manager: Served, tell: Any) -> None:
    await tell("d1", lambda asked: rows(asked, ["a"]))
    await tell("d2", lambda asked: None)
    await tell("d3", lambda asked: rows(asked, ["c"]), speaks=[])
    page = await manager.call("GET", "/api/clients")
    assert [each["id"] for each in page["items"]] == ["a"] and page["missing"] == ["d2", "d3"]


async def test_a_distributor_that_tells_nonsense_loses_its_session_alone(manager: Served, tell: Any) -> None:
    nonsense = messages.ClientRows(request=1, ids=["a"], kinds=[])
    await tell("d1", lambda asked: nonsense)
    await tell("d2", lambda asked: rows(asked, ["b"]))
    page = await manager.call("GET", "/api/clients")
    assert page["missing"] == ["d1"] and [each["id"] for each in page["items"]] == ["b"]

    async def is_offline() -> bool:
        found = (await manager.call("GET", "/api/distributors"))["items"]
        return {each["id"]: each["state"] for each in found} == {"d1": "offline", "d2": "online"}

    await wait_until(is_offline)


async def test_answers_nobody_asked_for_change_nothing(manager: Served) -> None:
    peer = manager.peer()
    await peer.join(speaks=["clients"])
    await peer.say(messages.ClientRows(request=99))
    assert (await manager.call("GET", "/api/distributors"))["items"][0]["state"] == "online"
    assert await peer.hears_nothing()


@pytest.mark.parametrize("cursor", ["x", "%21", "gaR", "wA"])
async def test_cursors_that_are_none_are_refused(manager: Served, cursor: str) -> None:
    problem = await manager.call("GET", f"/api/clients?cursor={cursor}", 400)
    assert problem["errors"][0]["path"] == "cursor"
