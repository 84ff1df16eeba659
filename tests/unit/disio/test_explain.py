"""``disio explain`` against a real manager."""

import asyncio
import json
import re
from pathlib import Path

from click.testing import CliRunner, Result

from disio.cli import exit_status
from disio.commands.explain import explain
from disio.commands.explaining import payload_lines
from disio.showing import printable
from disio_shared import messages
from disio_shared.errors import DisioError
from tests.unit.manager.served import Served, serve


async def run(*words: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(explain, [*words]))


def status_of(result: Result) -> int:
    assert isinstance(result.exception, DisioError)
    return exit_status(result.exception)


async def at_work(served: Served) -> str:
    """Make a task with one payload done, one failed, and others handed out."""
    task: str = (await served.create())["id"]
    peer = served.peer()
    await peer.join()
    await peer.ask(5)
    failed = messages.FailureColumns(task=task, indexes=[1], errors=[["boom"]])
    await peer.say(messages.Deliver(batch="f", failures=[failed]))
    await peer.hear(messages.Committed)
    await peer.deliver(task, [0])
    return task


def unmoving(sentences: list[str]) -> list[str]:
    """Return sentences without the pace in them, which is another one a moment later."""
    pace = re.compile(r"[\d.,]+ payloads (a second|a minute|an hour)")
    return [pace.sub("some payloads", sentence) for sentence in sentences]


async def test_it_says_what_the_manager_says(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        task = await at_work(served)
        shown = await run(task, "--data-dir", str(tmp_path))
        assert shown.exit_code == 0, shown.output
        told = (await served.call("GET", f"/api/tasks/{task}/explain"))["sentences"]
        lines = [line.strip() for line in shown.stdout.splitlines()]
        assert unmoving(lines) == unmoving([f"task {task}: running", *told])
        as_json = await run(task, "--data-dir", str(tmp_path), "--json")
        assert json.loads(as_json.stdout)["state"] == "running"


async def test_of_a_payload_it_tells_the_outcome(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        task = await at_work(served)
        named = (task, "--manager", served.url, "--token-file", str(tmp_path / "admin.token"))
        done, failed, leased = [(await run(*named, "--payload", index)).stdout for index in ("0", "1", "2")]
        assert "payload 0: done" in done and "Its result is 0" in done
        assert "payload 1: failed" in failed and "Error: boom" in failed
        assert "payload 2: leased" in leased and "Distributor d1 holds it." in leased
        shown = await run(*named, "--payload", "2", "--json")
        assert json.loads(shown.stdout)["block"]["holder"] == "d1"


async def test_what_is_not_there_and_who_may_not_ask(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        task = await at_work(served)
        here = ("--data-dir", str(tmp_path))
        assert status_of(await run("none", *here)) == 3
        assert status_of(await run(task, "--payload", "99", *here)) == 3
        (tmp_path / "wrong.token").write_text("wrong")
        assert status_of(await run(task, *here, "--token-file", str(tmp_path / "wrong.token"))) == 4
        assert (await run(task, *here, "--payload", "-1")).exit_code == 2
    assert status_of(await run(task, *here)) == 5


def test_hand_outs_of_a_payload_are_told_with_their_errors_and_logs() -> None:
    told = {"i": 3, "state": "done", "payload": 9, "sentences": [], "votes": []}
    tries = [
        {"client": "c1", "distributor": "d1", "outcome": "failed", "error": "boom\x1b[2J", "log": ""},
        {"client": "c2", "distributor": "d1", "outcome": "done", "error": "", "log": "begins\nends"},
        {"client": "c3", "outcome": "has it", "error": ""},
    ]
    assert list(payload_lines({**told, "tries": tries}))[2:] == [
        "  Hand-out: failed, client c1 at distributor d1.",
        f"    Error: {printable('boom' + chr(27) + '[2J')}",
        "  Hand-out: done, client c2 at distributor d1.",
        "    Its log ends:",
        "      begins",
        "      ends",
        "  Hand-out: has it, client c3.",
    ]
    assert chr(27) not in "".join(payload_lines({**told, "tries": tries}))
