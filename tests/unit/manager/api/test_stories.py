"""The story of a payload that a distributor holds, asked of it over the real link."""

import asyncio
from typing import Any

import pytest

from disio_manager import questions
from disio_shared import messages
from tests.unit.manager.served import Peer, Served


async def answering(peer: Peer, **story: Any) -> None:
    """Answer questions about payloads until cancelled."""
    while True:
        message = messages.TO_DISTRIBUTOR.decode(await peer.socket.recv())
        if isinstance(message, messages.FetchStory):
            await peer.say(messages.Story(request=message.request, **story))


async def held(manager: Served, **join: Any) -> tuple[str, Peer]:
    """Return a task whose payloads a distributor holds."""
    task, peer = await manager.create(), manager.peer()
    await peer.join(**join)
    await peer.leased(10)
    return f"/api/tasks/{task['id']}/payloads/3", peer


async def test_the_distributor_that_holds_it_is_asked_who_has_it(manager: Served) -> None:
    place, peer = await held(manager, speaks=["story"])
    rows = {"clients": ["c1", "c2"], "outcomes": ["failed", "has it"], "errors": ["boom", ""], "ages_s": [-1.0, 2.04]}
    running = asyncio.create_task(answering(peer, **rows, saved_bytes=9))
    told = await manager.call("GET", place)
    running.cancel()
    assert told["state"] == "leased" and told["saved_bytes"] == 9
    assert told["tries"] == [
        {"client": "c1", "outcome": "failed", "error": "boom", "age_s": None},
        {"client": "c2", "outcome": "has it", "error": "", "age_s": 2.0},
    ]


@pytest.mark.parametrize("speaks", [["story"], []])
async def test_without_an_answer_there_is_no_list_of_tries(
    manager: Served, monkeypatch: pytest.MonkeyPatch, speaks: list[str]
) -> None:
    monkeypatch.setattr(questions, "ANSWER_S", 0.05)
    place, _ = await held(manager, speaks=speaks)
    told = await manager.call("GET", place)
    assert told["state"] == "leased" and "tries" not in told


async def test_a_story_whose_columns_differ_ends_the_session(manager: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    place, peer = await held(manager, speaks=["story"])
    running = asyncio.create_task(answering(peer, clients=["c1"]))
    monkeypatch.setattr(questions, "ANSWER_S", 0.2)
    assert "tries" not in await manager.call("GET", place)
    running.cancel()
    assert (await manager.call("GET", "/api/distributors"))["items"][0]["state"] == "offline"
