"""``disio fleet drain`` and the like against a real manager; a peer plays the distributor that is told."""

from pathlib import Path

from disio_shared import messages
from tests.unit.disio.commands import disio, objects, status_of
from tests.unit.manager.served import serve


async def test_what_operators_want_is_told_at_once_and_again_when_a_distributor_is_back(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        peer = served.peer()
        await peer.join(speaks=["orders"])
        assert await peer.hear(messages.Orders) == messages.Orders(version=0)
        shown = await disio("fleet", "pause", "d1", "--reason", "exams", data=tmp_path)
        assert (shown.exit_code, shown.stderr) == (0, "d1 hands out nothing more\n")
        told = await peer.hear(messages.Orders)
        assert (told.paused, told.stopped, told.reason) == (True, False, "exams")
        await disio("fleet", "cap", "d1", "--clients", "5", "--slots", "7", data=tmp_path)
        assert (await peer.hear(messages.Orders)).max_slots == 7
        await peer.join(speaks=["orders"])
        again = await peer.hear(messages.Orders)
        assert (again.paused, again.max_clients) == (True, 5) and again.version > told.version
        (row,) = objects(await disio("fleet", "resume", "d1", "--json", data=tmp_path), "fleet resume")
        assert (row["state"], row["orders"]["paused"], row["orders"]["max_clients"]) == ("online", False, 5)
        (row,) = objects(await disio("fleet", "stop", "d1", "--json", data=tmp_path), "fleet stop")
        assert row["state"] == "paused"
    async with serve(tmp_path) as served:
        peer = served.peer()
        shown = await disio("fleet", "drain", "d1", data=tmp_path)
        assert shown.stderr == "d1 is offline; when it is back, it moves its clients away and gives its work back\n"
        await peer.join(speaks=["orders"])
        told = await peer.hear(messages.Orders)
        assert (told.stopped, told.drained, told.max_slots) == (True, True, 7), "after a restart of the manager too"
        assert (await served.call("GET", "/api/distributors"))["items"][0]["state"] == "draining"


async def test_one_task_is_stopped_at_one_distributor(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        peer = served.peer()
        await peer.join(speaks=["orders"])
        task = (await served.create())["id"]
        assert status_of(await disio("fleet", "stop", "d1", "--task", "nothing", data=tmp_path)) == 3
        await disio("fleet", "stop", "d1", "--task", task, data=tmp_path)
        await peer.hear(messages.Orders)
        assert (await peer.hear(messages.Orders)).tasks == [task]
        (row,) = objects(await disio("fleet", "resume", "d1", "--task", task, "--json", data=tmp_path), "fleet resume")
        assert row["orders"]["tasks"] == []


async def test_a_client_is_blocked_listed_and_let_in_again(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        peer = served.peer()
        await peer.join(speaks=["orders"])
        await peer.hear(messages.Orders)
        (row,) = objects(
            await disio("fleet", "block", "c/1", "--reason", "liar", "--json", data=tmp_path), "fleet block"
        )
        assert (row["client"], row["reason"]) == ("c/1", "liar")
        assert (await peer.hear(messages.Orders)).blocked == ["c/1"]
        shown = await disio("fleet", "blocked", data=tmp_path)
        assert "c/1" in shown.stdout and shown.stderr == "1 blocked\n"
        await disio("fleet", "block", "c2", data=tmp_path)
        page = await served.call("GET", "/api/blocked?limit=1")
        assert ([each["client"] for each in page["items"]], page["total"]) == (["c/1"], 2)
        page = await served.call("GET", f"/api/blocked?cursor={page['next_cursor']}")
        assert ([each["client"] for each in page["items"]], page["next_cursor"]) == (["c2"], None)
        (gone,) = objects(await disio("fleet", "unblock", "c/1", "--json", data=tmp_path), "fleet unblock")
        assert gone == {"client": "c/1", "blocked": False}
        (listed,) = objects(await disio("fleet", "blocked", "--json", data=tmp_path), "fleet blocked")
        assert [each["client"] for each in listed["items"]] == ["c2"]


async def test_a_distributor_that_is_none_or_two_is_refused(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        for distributor in ("d1", "d2"):
            await served.peer(distributor).join(name="same")
        assert status_of(await disio("fleet", "drain", "none", data=tmp_path)) == 3
        assert status_of(await disio("fleet", "drain", "same", data=tmp_path)) == 2


async def test_an_older_distributor_is_told_to_drain_in_the_words_it_knows(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        peer = served.peer()
        await peer.join()
        await disio("fleet", "drain", "d1", data=tmp_path)
        assert (await peer.hear(messages.Drain)).reason == "An operator asked for it."
