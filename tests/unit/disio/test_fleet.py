"""``disio fleet`` and ``disio top`` against a real manager; a peer plays the distributor."""

import asyncio
import io
from pathlib import Path

import pytest
from rich.console import Console

from disio.commands.topping import Look, drawn
from disio_shared import messages
from tests.unit.disio.commands import disio, objects, status_of
from tests.unit.manager.api.test_clients import answering, rows
from tests.unit.manager.served import Peer, Served, serve
from tests.waiting import wait_until


async def joined(served: Served, clients: int) -> Peer:
    """Have a distributor join and tell of its clients."""
    peer = served.peer()
    await peer.join(software="0.1.0", region="eu")
    await peer.say(messages.Status(clients=clients, slots=2 * clients, kinds={"web": clients}, rate=12.5))

    async def is_known() -> bool:
        return bool((await served.call("GET", "/api/stats"))["clients"] == clients)

    await wait_until(is_known)
    return peer


async def test_an_empty_fleet_says_what_to_start(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        shown = await disio("fleet", data=tmp_path)
        assert (shown.exit_code, shown.stdout) == (0, "")
        assert shown.stderr == "no distributor has ever joined; start one: disio distributor start --manager URL\n"
        await joined(served, 0)
        shown = await disio("fleet", data=tmp_path)
        assert "disio client start --distributor http://127.0.0.1:8710" in shown.stderr
        shown = await disio("top", data=tmp_path)
        assert shown.exit_code == 0 and "tasks: none yet; make one: disio submit" in shown.stdout


async def test_distributors_kinds_and_versions_are_shown(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await joined(served, 3)
        shown = await disio("fleet", data=tmp_path)
        head, line = shown.stdout.splitlines()
        assert head.split()[:4] == ["NAME", "STATE", "CLIENTS", "SLOTS"]
        assert line.split()[:6] == ["d1", "online", "3", "6", "12.5/s", "0"]
        assert shown.stderr.startswith("3 clients with 6 slots at 1 distributor, 1 manager, ")
        shown = await disio("fleet", "--by", "kind", data=tmp_path)
        assert [line.split() for line in shown.stdout.splitlines()] == [["KIND", "CLIENTS"], ["web", "3"]]
        shown = await disio("fleet", "--by", "version", data=tmp_path)
        assert shown.stdout.splitlines()[1].split() == ["0.1.0", "1", "3"]
        (found,) = objects(await disio("fleet", "--json", data=tmp_path), "fleet")
        assert (found["clients"], found["kinds"], found["distributors"][0]["region"]) == (3, {"web": 3}, "eu")


async def test_top_shows_one_look_where_no_terminal_is(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await joined(served, 1)
        await served.create(name="one")
        await served.create(name="two")
        shown = await disio("top", data=tmp_path)
        assert "tasks: 2 queued" in shown.stdout and "one" in shown.stdout and "0/10" in shown.stdout
        (found,) = objects(await disio("top", "--json", data=tmp_path), "top")
        assert {task["name"] for task in found["tasks"]} == {"one", "two"} and found["others"] == 0
    for words in (("top",), ("fleet",)):
        assert status_of(await disio(*words, data=tmp_path)) == 5


@pytest.mark.parametrize("height", [10, 24, 60])
def test_what_has_no_room_on_the_screen_is_counted(height: int) -> None:
    task = {"number": 1, "name": "t\x1b[2J", "state": "running", "total": 10, "done": 5, "failed": 1, "leased": 2}
    tasks = [{**task, "number": at, "rate": 1.5, "eta_s": 90} for at in range(40)]
    distributor = {"name": "d", "state": "online", "clients": 1, "slots": 2, "rate": 1.0, "outbox": 0, "last_seen": 0.0}
    fleet = {"clients": 1, "slots": 2, "rate": 1.0, "managers": [{"alive": True}], "distributors": [distributor] * 30}
    console = Console(width=120, height=height, record=True, file=io.StringIO())
    for part in drawn(Look(0.0, fleet, tasks, 7, {"running": 47}), "a note", height):
        console.print(part)
    text = console.export_text()
    lines = text.splitlines()
    shown = sum("running" in line and "1m30s" in line for line in lines)
    assert f"... and {47 - shown} more open tasks" in text and "more distributors" in text
    assert len(lines) <= max(height, 16) and "\x1b" not in text and "t\\x1b[2J" in text
    assert lines[-1].startswith("a note")


async def test_clients_are_shown_one_a_line_with_who_could_not_be_asked(tmp_path: Path) -> None:
    def told(asked: messages.ListClients) -> messages.ClientRows:
        return rows(asked, ["c1", "c2", "c3"])

    async with serve(tmp_path) as served:
        peer, silent = served.peer("d1"), served.peer("d2")
        await peer.join(speaks=["clients"])
        await silent.join()
        for each, clients in ((peer, 3), (silent, 2)):
            await each.say(messages.Status(clients=clients, slots=clients, kinds={}, rate=0.0))

        async def is_known() -> bool:
            return bool((await served.call("GET", "/api/stats"))["clients"] == 5)

        await wait_until(is_known)
        async with asyncio.TaskGroup() as group:
            answers = group.create_task(answering(peer, told))
            shown = await disio("fleet", "--clients", data=tmp_path)
            head, *lines = [line for line in shown.stdout.splitlines() if line[0] != "2"]  # logs are there too
            assert head.split()[:6] == ["ID", "DISTRIBUTOR", "KIND", "SLOTS", "BUSY", "AGE"]
            assert [line.split()[:6] for line in lines] == [
                [name, "d1", "web", "2", "7", "1s"] for name in ("c1", "c2", "c3")
            ]
            assert shown.stderr.splitlines() == ["3 clients of 5", "d2 could not be asked for its clients"]
            (found,) = objects(
                await disio("fleet", "--clients", "--limit", "2", "--json", data=tmp_path), "fleet --clients"
            )
            assert ([row["id"] for row in found["clients"]], found["total"]) == (["c1", "c2"], 5)
            answers.cancel()
