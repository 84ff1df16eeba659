"""The story of a payload that a distributor holds, asked of it over the real link."""

import asyncio
from typing import Any

import msgspec
import pytest

from disio_manager import questions
from disio_manager.stores import sqlite_tries
from disio_shared import messages
from tests.unit.manager.served import Peer, Served, deliver_message


async def answering(peer: Peer, **story: Any) -> None:
    """Answer questions about payloads until cancelled."""
    while True:
        message = messages.TO_DISTRIBUTOR.decode(await peer.socket.recv())
        if isinstance(message, messages.FetchStory):
            await peer.say(messages.Story(request=message.request, **story))


def told_now(peer: Peer) -> dict[str, Any]:
    return {"distributor": peer.distributor, "ended_at": None, "log": ""}


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
        {"client": "c1", "outcome": "failed", "error": "boom", "age_s": None, **told_now(peer)},
        {"client": "c2", "outcome": "has it", "error": "", "age_s": 2.0, **told_now(peer)},
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


AT = 1_700_000_000.0


def past(task: str, *rows: tuple[int, str, str, str]) -> messages.PastTries:
    """Return tries that are over: index, outcome, client, log."""
    return messages.PastTries(
        task=task,
        indexes=[index for index, *_ in rows],
        clients=[client for _, _, client, _ in rows],
        distributors=[""] * len(rows),
        outcomes=[outcome for _, outcome, *_ in rows],
        errors=["boom" if outcome == "failed" else "" for _, outcome, *_ in rows],
        logs=[log for *_, log in rows],
        ended_at=[AT + at for at in range(len(rows))],
    )


async def test_a_done_payload_tells_of_its_past_tries_and_its_log(manager: Served) -> None:
    place, peer = await held(manager)
    task = place.split("/")[3]
    rows = past(task, (3, "failed", "c9", "so far"), (3, "lost", "c8", ""), (4, "done", "c1", "a line"))
    deliver = msgspec.structs.replace(deliver_message(task, [3, 4, 5]), tries=[rows])
    for _ in range(2):
        await peer.say(deliver)
        await peer.hear(messages.Committed)
    told = await manager.call("GET", place)
    assert told["state"] == "done" and "tries_left_out" not in told and "task_tries" not in told
    seen = [(each["client"], each["outcome"], each["error"], each["log"]) for each in told["tries"]]
    assert seen == [("c9", "failed", "boom", "so far"), ("c8", "lost", "", ""), ("c1", "done", "", "")]
    assert {each["distributor"] for each in told["tries"]} == {peer.distributor}
    assert [each["ended_at"] for each in told["tries"][:2]] == [AT, AT + 1] and told["tries"][2]["ended_at"] > AT
    (only,) = (await manager.call("GET", place[:-1] + "4"))["tries"]
    assert (only["outcome"], only["log"], only["ended_at"]) == ("done", "a line", AT + 2)
    (only,) = (await manager.call("GET", place[:-1] + "5"))["tries"]
    assert (only["outcome"], only["client"], only["log"]) == ("done", "c1", "")


async def test_what_a_limit_left_out_is_told(manager: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    place, peer = await held(manager)
    task = place.split("/")[3]
    monkeypatch.setattr(sqlite_tries, "MAX_TRIES", 2)
    monkeypatch.setattr(sqlite_tries, "MAX_TASK_TRIES", 3)
    rows = past(task, *((3, "failed", f"c{at}", "") for at in range(4)), (4, "lost", "c8", ""), (5, "lost", "c8", ""))
    await peer.say(msgspec.structs.replace(deliver_message(task, [3, 4, 5]), tries=[rows]))
    await peer.hear(messages.Committed)
    told = await manager.call("GET", place)
    assert (len(told["tries"]), told["tries_left_out"], told["task_tries"]) == (3, 2, {"kept": 3, "left_out": 1})
    assert "2 of 4 past tries are kept: a payload keeps 40." in told["sentences"]


@pytest.mark.parametrize(
    "change",
    [{"logs": []}, {"outcomes": ["good"]}, {"ended_at": [float("nan")]}, {"indexes": [-1]}, {"clients": ["c" * 200]}],
)
async def test_past_tries_that_are_wrong_end_the_session(manager: Served, change: dict[str, Any]) -> None:
    place, peer = await held(manager)
    task = place.split("/")[3]
    rows = msgspec.structs.replace(past(task, (3, "lost", "c1", "")), **change)
    await peer.say(msgspec.structs.replace(deliver_message(task, [3]), tries=[rows]))
    assert (await peer.hear(messages.Error)).code == "malformed"
    assert (await manager.call("GET", place))["state"] != "done"
