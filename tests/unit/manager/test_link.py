"""The link, with real DEALER sockets and CURVE, against a real manager."""

import hashlib
import io
import zlib
from pathlib import Path
from typing import Any

import pytest
import zmq

from disio_shared import messages
from tests.unit.manager.served import DEADLINE_S, Served, deliver_message, serve
from tests.waiting import wait_until


async def fleet_row(served: Served, distributor: str) -> dict[str, Any]:
    rows = (await served.call("GET", "/api/distributors"))["items"]
    return next((row for row in rows if row["id"] == distributor), {})


async def fleet_state(served: Served, distributor: str) -> str | None:
    return (await fleet_row(served, distributor)).get("state")


async def wait_for_state(served: Served, distributor: str, state: str) -> None:

    async def is_so() -> bool:
        return await fleet_state(served, distributor) == state

    await wait_until(is_so, DEADLINE_S)


async def test_join_ask_deliver_commit_and_the_results_are_there(manager: Served) -> None:
    task = await manager.create()
    peer = manager.peer()
    admitted = await peer.join()
    assert admitted.version == messages.PROTOCOL_VERSION and admitted.revoked == []
    assert await fleet_state(manager, "d1") == "online"
    grant = await peer.ask(100)
    assert [manifest.task for manifest in grant.tasks] == [task["id"]]
    assert sum(block.stop - block.start for block in grant.blocks) == 10
    await peer.say(messages.FetchWorkunit(workunit=grant.tasks[0].workunit))
    code = await peer.hear(messages.WorkunitCode)
    assert code.language == "javascript" and len(code.code) == task["workunit"]["bytes"]
    await peer.deliver(task["id"], list(range(10)))
    assert (await manager.call("GET", f"/api/tasks/{task['id']}"))["state"] == "done"
    rows = (await manager.call("GET", f"/api/tasks/{task['id']}/results"))["items"]
    assert [row["result"] for row in rows] == [index * index for index in range(10)]
    await peer.deliver(task["id"], [0], batch="late", value=b"777")
    assert (await manager.call("GET", f"/api/tasks/{task['id']}/results?limit=1"))["items"][0]["result"] == 0


async def test_work_that_appears_later_is_granted_by_itself(manager: Served) -> None:
    peer = manager.peer()
    await peer.join()
    empty = await peer.ask(100)
    assert empty.blocks == [] and empty.waiting
    await manager.create()
    assert (await peer.hear(messages.Grant)).blocks


async def test_code_that_is_not_there_is_answered_empty(manager: Served) -> None:
    peer = manager.peer()
    await peer.join()
    await peer.say(messages.FetchWorkunit(workunit="0" * 64))
    assert await peer.hear(messages.WorkunitCode) == messages.WorkunitCode(workunit="0" * 64, language="", code=b"")


BROKEN = [
    b"\xc1",
    b"",
    b"\x81\xa4type\xa4nope",
    messages.FROM_DISTRIBUTOR.encode(messages.FetchWorkunit(workunit="x"))[:-1],
    messages.FROM_DISTRIBUTOR.encode(deliver_message("t", [-1], value=b"1")),
    messages.FROM_DISTRIBUTOR.encode(deliver_message("t", [1], value=b"{not json")),
    messages.FROM_DISTRIBUTOR.encode(
        messages.Deliver(
            batch="b",
            results=[messages.ResultColumns(task="t", indexes=[1, 2], values=[b"1"], seconds=[], clients=[], by=[])],
        )
    ),
]


@pytest.mark.parametrize("data", BROKEN)
async def test_a_message_that_makes_no_sense_drops_that_peer_alone(manager: Served, data: bytes) -> None:
    good, bad = manager.peer("good"), manager.peer("bad")
    await good.join()
    await bad.join()
    await bad.socket.send(data)
    assert (await bad.hear(messages.Error)).code == "malformed"
    await wait_for_state(manager, "bad", "offline")
    await bad.say(bad.ask_message(5))
    assert await bad.hears_nothing()
    task = await manager.create()
    assert (await good.ask(100)).blocks
    await good.deliver(task["id"], [0])
    await bad.join()
    assert await fleet_state(manager, "bad") == "online"


async def test_several_frames_are_refused(manager: Served) -> None:
    peer = manager.peer()
    await peer.socket.send_multipart([b"a", b"b"])
    assert "frames" in (await peer.hear(messages.Error)).reason


async def test_a_stranger_is_told_to_join_first(manager: Served) -> None:
    peer = manager.peer()
    await peer.say(peer.ask_message(1))
    assert (await peer.hear(messages.Error)).code == "unjoined"


async def test_another_version_is_refused_for_good(manager: Served) -> None:
    peer = manager.peer()
    await peer.say(peer.join_message(version=99))
    refused = await peer.hear(messages.Refused)
    assert (refused.code, refused.retry_after_s) == ("version", -1.0) and "99" in refused.reason


async def test_off_loopback_a_join_needs_the_token(tmp_path: Path) -> None:
    async with serve(tmp_path, host="0.0.0.0") as served:
        peer = served.peer()
        for token in ("", "wrong", "\udc80"):
            with_token = peer.join_message(join_token=token) if token.isprintable() else peer.join_message()
            await peer.say(with_token)
            assert (await peer.hear(messages.Refused)).code == "token"
        assert await fleet_state(served, "d1") == "refused"
        await peer.join(join_token=(tmp_path / "join.token").read_text().strip())
        assert await fleet_state(served, "d1") == "online"


async def test_an_online_id_with_another_key_is_refused_and_the_first_stays(manager: Served) -> None:
    first, second = manager.peer("same"), manager.peer("same")
    await first.join()
    await second.say(second.join_message())
    assert (await second.hear(messages.Refused)).code == "identity"
    await manager.create()
    assert (await first.ask(1)).blocks


async def test_a_second_join_of_the_same_key_takes_the_session_over(manager: Served) -> None:
    keys = zmq.curve_keypair()
    first, second = manager.peer("d1", keys), manager.peer("d1", keys)
    await first.join()
    await second.join()
    await manager.create()
    assert (await second.ask(1)).blocks
    await first.say(first.ask_message(1))
    assert (await first.hear(messages.Error)).code == "unjoined"


async def test_the_fleet_may_be_limited_and_who_found_no_place_is_shown_until_there_is_one(tmp_path: Path) -> None:
    async with serve(tmp_path, distributors_max=1) as served:
        one, two = served.peer("one"), served.peer("two")
        await one.join()
        await two.say(two.join_message(name="second", region="north"))
        assert (await two.hear(messages.Refused)).code == "full"
        row = await fleet_row(served, "two")
        assert (row["name"], row["region"], row["state"]) == ("second", "north", "refused")
        assert row["trouble"].startswith("full: ")
        await one.socket.send(b"\xc1")  # loses its session
        await one.hear(messages.Error)
        await two.join()
        row = await fleet_row(served, "two")
        assert (row["state"], row["trouble"]) == ("online", "")


async def test_a_refused_version_is_shown_with_what_to_do(manager: Served) -> None:
    peer = manager.peer()
    await peer.say(peer.join_message(version=99))
    await peer.hear(messages.Refused)
    row = await fleet_row(manager, "d1")
    assert row["state"] == "refused" and "99" in row["trouble"] and "upgrade" in row["trouble"]


def packed(message: messages.FromDistributor) -> messages.Packed:
    data = messages.FROM_DISTRIBUTOR.encode(message)
    return messages.Packed(size=len(data), data=zlib.compress(data, 1))


async def test_a_packed_message_counts_like_the_one_in_it(manager: Served) -> None:
    task = await manager.create(payloads={"range": [0, 5_000]})
    peer = manager.peer()
    await peer.join()
    await peer.ask(5_000)
    await peer.say(packed(deliver_message(task["id"], list(range(5_000)))))
    assert (await peer.hear(messages.Committed)).batch == "b1"
    assert (await manager.call("GET", f"/api/tasks/{task['id']}"))["state"] == "done"


@pytest.mark.parametrize(
    "message",
    [
        messages.Packed(size=100, data=b"nonsense"),
        packed(packed(deliver_message("t", [0]))),
        packed(deliver_message("t", [-1], value=b"1")),
    ],
)
async def test_a_packed_message_that_makes_no_sense_drops_that_peer_alone(
    manager: Served, message: messages.Packed
) -> None:
    good, bad = manager.peer("good"), manager.peer("bad")
    await good.join()
    await bad.join()
    await bad.say(message)
    assert (await bad.hear(messages.Error)).code == "malformed"
    await wait_for_state(manager, "bad", "offline")
    assert await fleet_state(manager, "good") == "online"


async def test_nothing_is_unpacked_for_a_stranger(manager: Served) -> None:
    peer = manager.peer()
    await peer.say(messages.Packed(size=100, data=b"nonsense"))
    assert (await peer.hear(messages.Error)).code == "unjoined"


async def test_a_silent_distributor_loses_its_session(tmp_path: Path) -> None:
    async with serve(tmp_path, status_s=0.1) as served:
        peer = served.peer()
        await peer.join()
        await wait_for_state(served, "d1", "offline")
        await peer.say(peer.ask_message(1))
        assert (await peer.hear(messages.Error)).code == "unjoined"


async def test_an_operator_drains_a_distributor(manager: Served) -> None:
    peer = manager.peer()
    await peer.join()
    assert (await manager.call("POST", "/api/distributors/d1/drain"))["state"] == "draining"
    await peer.hear(messages.Drain)
    await manager.call("POST", "/api/distributors/none/drain", 404)


async def test_a_peer_that_does_not_read_costs_the_others_nothing(manager: Served) -> None:
    lazy, good = manager.peer("lazy"), manager.peer("good")
    await lazy.join()
    await good.join()
    code = b"export default p => p //" + b"x" * (4 << 20)
    sha256 = hashlib.sha256(code).hexdigest()
    await manager.call("PUT", f"/api/workunits/{sha256}", 201, data=io.BytesIO(code))
    for _ in range(90):
        await lazy.say(messages.FetchWorkunit(workunit=sha256))
    await wait_for_state(manager, "lazy", "offline")
    await manager.create()
    assert (await good.ask(1)).blocks
