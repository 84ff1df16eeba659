"""The command line as people use it: pipes, Ctrl-C, kill -9, with real services and the commands as processes."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from disio.results.state import places_of
from tests.integration.env import Env, Started
from tests.waiting import patient, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
SLOW = """export default async (n) => {
    await new Promise((done) => setTimeout(done, 20));
    return Number(n) * Number(n);
}"""
SQUARE = "export default (n) => n * n"
ENDS_S = 90.0


class Desk:
    """Where somebody types commands."""

    def __init__(self, env: Env, manager: Started) -> None:
        self.env, self.manager = env, manager
        keep = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
        self.environment = {**keep, "DISIO_DATA_DIR": str(env.folder / manager.name)}

    def write(self, name: str, text: str) -> str:
        """Write a file; return its name."""
        (self.env.folder / name).write_text(text)
        return name

    async def begin(self, *words: str) -> asyncio.subprocess.Process:
        """Start ``disio``."""
        return await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "disio", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.env.folder,
            env=self.environment,
            start_new_session=True,
        )

    async def shell(self, command: str) -> tuple[int, str, str]:
        """Run a line of a shell in which ``disio`` is a command; return status, stdout and stderr."""
        line = f'disio() {{ "{sys.executable}" -m disio "$@"; }}; {command}'
        process = await asyncio.create_subprocess_exec(
            *["bash", "-o", "pipefail", "-c", line],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.env.folder,
            env=self.environment,
        )
        return await ended(process)

    async def run(self, *words: str) -> tuple[int, str, str]:
        """Run ``disio``; return status, stdout and stderr."""
        return await ended(await self.begin(*words))

    async def newest(self) -> dict[str, Any] | None:
        """Return the newest task."""
        async with self.env.rest(self.manager) as rest:
            items = (await rest.tasks(limit=1))["items"]
            return items[0] if items else None


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """Return status, stdout and stderr of a process when it has ended."""
    async with asyncio.timeout(patient(ENDS_S)):
        out, err = await process.communicate()
    assert process.returncode is not None
    assert "Traceback" not in err.decode(), err.decode()
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def desk(env: Env) -> Desk:
    """Start a manager, a distributor and a client."""
    manager = env.manager()
    env.client(env.distributor(manager.url).url)
    return Desk(env, manager)


async def test_a_pipe_goes_in_and_a_pipe_comes_out(desk: Desk) -> None:
    desk.write("square.js", SQUARE)
    status, out, err = await desk.shell("seq 1000 | disio submit square.js --lines - --wait --ordered | sort -n")
    assert (status, out) == (0, "".join(f"{n * n}\n" for n in range(1, 1001))), err
    assert "1000 written" in err and "% done" in err
    status, out, err = await desk.shell("seq 50 | disio submit square.js --ndjson - --wait --ordered --json")
    assert status == 0, err
    assert [(row["payload"], row["result"]) for row in map(json.loads, out.splitlines())] == [
        (n, n * n) for n in range(1, 51)
    ]
    status, _, err = await desk.shell("disio submit square.js --lines - --wait < /dev/null")
    assert status == 2 and "there is nothing in it" in err


async def test_ctrl_c_leaves_the_task_running_and_its_last_words_lead_back(desk: Desk) -> None:
    desk.write("slow.js", SLOW)
    process = await desk.begin("submit", "slow.js", "--range", "0:200", "--wait", "--ordered")
    assert process.stdout is not None
    first = await asyncio.wait_for(process.stdout.readline(), ENDS_S)
    process.send_signal(signal.SIGINT)
    status, _, err = await ended(process)
    assert (status, first) == (130, b"0\n")
    words = err.splitlines()[-1].partition("come back with: disio ")[2].split()
    assert words[0] == "results" and words[2:] == ["--follow", "--ordered"]
    status, out, err = await desk.run(*words, "--format", "values")
    assert status == 0, err
    assert out.split() == [str(n * n) for n in range(200)]


async def test_a_download_that_is_killed_goes_on_where_it_was(desk: Desk) -> None:
    desk.write("slow.js", SLOW)
    assert (await desk.run("submit", "slow.js", "--range", "0:1500", "--name", "long"))[0] == 0
    out = desk.env.folder / "out.ndjson"
    words = ("results", "last", "--follow", "--out", "out.ndjson", "--resume")
    state, seen = places_of(out).state, 0
    for _ in range(2):
        process = await desk.begin(*words)
        await wait_until(lambda: rows_of(state) > seen, ENDS_S, on_timeout=desk.env.dump)  # noqa: B023
        seen = rows_of(state)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        assert not out.exists()
    status, _, err = await desk.run(*words)
    assert status == 0 and "going on after" in err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(row["i"] for row in rows) == list(range(1500))
    assert all(row["result"] == row["i"] ** 2 for row in rows)
    facts = json.loads(places_of(out).provenance.read_text())
    assert sum(facts["file"]["clients"].values()) == 1500


def rows_of(state: Path) -> int:
    """Return how many results a download has noted."""
    return int(json.loads(state.read_bytes())["rows"]) if state.exists() else 0


async def test_watching_is_left_with_ctrl_c_and_waiting_has_an_end(desk: Desk) -> None:
    desk.write("slow.js", SLOW)
    status, out, err = await desk.run("submit", "slow.js", "--range", "0:100000")
    assert status == 0, err
    process = await desk.begin("task", "watch", "last")
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), ENDS_S)
    process.send_signal(signal.SIGINT)
    status, _, err = await ended(process)
    assert status == 130 and err.splitlines()[-1] == "stopped watching; come back with: disio task watch 1"
    status, _, err = await desk.run("task", "wait", "last", "--timeout", "0.5")
    assert status == 5 and "disio task explain tells why" in err
    status, _, err = await desk.run("task", "cancel", out.strip())
    assert status == 0 and err == 'task 1 "slow" is cancelled\n'
    assert (await desk.run("task", "wait", "1"))[0] == 1
    status, out, err = await desk.run("top", "--once")
    assert status == 0 and "2 slots at 1 distributor" in out
    newest = await desk.newest()
    assert newest is not None and newest["state"] == "cancelled"


async def test_on_a_terminal_top_is_live_and_its_keys_are_heard(desk: Desk) -> None:
    desk.write("slow.js", SLOW)
    assert (await desk.run("submit", "slow.js", "--range", "0:100000", "--name", "endless"))[0] == 0
    for words, key, expected in ((("top", "--interval", "0.2"), b"q", 0), (("task", "watch", "last"), b"\x03", 130)):
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (30, 120))
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-c", f"import os, sys; os.setsid(); {CONTROLLING}", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=desk.env.folder,
            env={**desk.environment, "TERM": "xterm"},
        )
        os.close(theirs)
        screen = Screen(ours)
        await wait_until(lambda: b"endless" in screen.read(), ENDS_S, on_timeout=lambda: screen.seen[-2000:])  # noqa: B023
        if key == b"q":
            os.write(ours, b"p")
            await wait_until(lambda: b"p goes on" in screen.read(), ENDS_S, on_timeout=lambda: screen.seen[-2000:])  # noqa: B023
        os.write(ours, key)
        await wait_until(lambda: screen.read() and process.returncode is not None, ENDS_S)  # noqa: B023
        assert process.returncode == expected and b"Traceback" not in screen.read()
        assert key == b"q" or b"come back with: disio task watch 1" in screen.read()
        os.close(ours)


CONTROLLING = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); sys.argv[0] = 'disio'; "
    "from disio.__main__ import main; main()"
)


class Screen:
    """What a process has written on a terminal."""

    def __init__(self, terminal: int) -> None:
        self._terminal, self.seen = terminal, b""
        os.set_blocking(terminal, False)

    def read(self) -> bytes:
        """Return all of it."""
        with contextlib.suppress(BlockingIOError, OSError):
            while piece := os.read(self._terminal, 1 << 16):
                self.seen += piece
        return self.seen
