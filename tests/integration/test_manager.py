"""A manager as a process: killed, started twice, told wrong things."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import zmq

from disio_shared import messages
from disio_shared.discovery import ManagerAddress, ManagerBrowser
from tests.unit.manager.served import Peer, document
from tests.waiting import patient

pytestmark = pytest.mark.integration
QUIET = ["--no-zeroconf", "--json"]


@contextmanager
def process(data: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run ``disio manager start`` until the block ends; yield it and its ready line."""
    command = [sys.executable, "-m", "disio_manager", "start", "--data-dir", str(data), *QUIET, *flags]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line, running.communicate(timeout=patient(10))[1]
        yield running, json.loads(line)
    finally:
        running.kill()
        running.communicate(timeout=patient(10))


def refused(*flags: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> tuple[int, str]:
    """Run a start that must not succeed; return status and stderr."""
    command = [sys.executable, "-m", "disio_manager", "start", "--no-zeroconf", *flags]
    whole = {**os.environ, **(env or {})}
    done = subprocess.run(command, capture_output=True, text=True, timeout=patient(60), check=False, env=whole, cwd=cwd)
    assert done.stdout == ""
    return done.returncode, done.stderr


@asynccontextmanager
async def client(data: Path) -> AsyncIterator[aiohttp.ClientSession]:
    facts = json.loads((data / "manager.json").read_text())
    token = Path(facts["token_file"]).read_text().strip()
    async with aiohttp.ClientSession(facts["url"], headers={"Authorization": f"Bearer {token}"}) as http:
        yield http


async def connect(http: aiohttp.ClientSession, keys: tuple[bytes, bytes]) -> Peer:
    link = await (await http.get("/api/link")).json()
    return Peer(link["zmq_port"], link["curve_key"].encode(), "d1", keys)


async def test_what_was_committed_survives_a_kill_and_what_was_not_is_taken_again(tmp_path: Path) -> None:
    keys = zmq.curve_keypair()
    with process(tmp_path, "--port", "0", "--zmq-port", "0") as (running, _):
        async with client(tmp_path) as http:
            created = await http.post("/api/tasks", json=document(payloads={"range": [0, 100]}))
            task = (await created.json())["id"]
            peer = await connect(http, keys)
            await peer.join()
            grant = await peer.ask(100)
            held = [messages.BlockRef(block=block.block, lease=block.lease) for block in grant.blocks]
            over = [ref for ref, block in zip(held, grant.blocks, strict=True) if block.stop <= 60]
            assert 0 < len(over) < len(held)
            await peer.deliver(task, list(range(60)))
        running.send_signal(signal.SIGKILL)
        await asyncio.to_thread(running.wait, 10)
        peer.close()
    assert (tmp_path / "manager.json").exists(), "a killed manager cannot remove it"

    with process(tmp_path, "--port", "0", "--zmq-port", "0"):
        async with client(tmp_path) as http:
            assert await done_of(http, task) == ("running", 60)
            peer = await connect(http, keys)
            admitted = await peer.join(held=held)
            assert admitted.revoked == over
            await peer.deliver(task, list(range(60)), batch="again", value=b"1")
            await peer.deliver(task, list(range(50, 100)), batch="rest")
            assert await done_of(http, task) == ("done", 100)
            rows = (await (await http.get(f"/api/tasks/{task}/results")).json())["items"]
            assert [row["result"] for row in rows] == [index * index for index in range(100)]
            peer.close()


async def done_of(http: aiohttp.ClientSession, task: str) -> tuple[str, int]:
    shown = await (await http.get(f"/api/tasks/{task}")).json()
    return shown["state"], shown["done"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_its_file_is_gone(tmp_path: Path, number: signal.Signals) -> None:
    with process(tmp_path, "--port", "0", "--zmq-port", "0") as (running, ready):
        facts = json.loads((tmp_path / "manager.json").read_text())
        assert (facts["pid"], facts["url"], facts["zmq_port"]) == (running.pid, ready["url"], ready["zmq_port"])
        assert ready["ready"] == "manager"
        running.send_signal(number)
        assert running.wait(10) == 0
    assert not (tmp_path / "manager.json").exists()


async def test_it_is_found_by_zeroconf_with_its_real_ports_and_key(tmp_path: Path) -> None:
    found: asyncio.Queue[ManagerAddress] = asyncio.Queue()
    browser = ManagerBrowser(["127.0.0.1"], found.put_nowait, lambda _: None)
    await browser.start()
    flags = ["--port", "0", "--zmq-port", "0", "--zeroconf", "--zeroconf-interface", "127.0.0.1"]
    try:
        with process(tmp_path, *flags) as (_, ready):
            async with asyncio.timeout(patient(30)):
                while (address := await found.get()).url != ready["url"]:
                    pass
            async with client(tmp_path) as http:
                link = await (await http.get("/api/link")).json()
    finally:
        await browser.stop()
    assert (address.zmq_port, address.curve_key) == (ready["zmq_port"], link["curve_key"])
    assert (address.cluster, address.version) == (link["cluster"], messages.PROTOCOL_VERSION)


def test_a_second_manager_on_the_same_data_is_refused_in_one_line(tmp_path: Path) -> None:
    with process(tmp_path, "--port", "0", "--zmq-port", "0"):
        status, told = refused("--data-dir", str(tmp_path), "--port", "0")
        assert status == 1 and told.count("\n") == 1 and "another manager" in told
        status, told = refused("--data-dir", str(tmp_path / "b"), "--db", f"sqlite:{tmp_path / 'manager.db'}")
        assert status == 1 and told.count("\n") == 1 and "manager.db" in told
    with process(tmp_path, "--port", "0", "--zmq-port", "0"):
        pass


def test_a_taken_port_leads_to_the_next_free_one(tmp_path: Path) -> None:
    with process(tmp_path / "a", "--port", "0", "--zmq-port", "0") as (_, first):
        taken = first["url"].rsplit(":", 1)[1]
        with process(tmp_path / "b", "--port", taken, "--zmq-port", str(first["zmq_port"])) as (_, second):
            assert int(second["url"].rsplit(":", 1)[1]) > int(taken)
            assert second["zmq_port"] > first["zmq_port"]


def test_a_database_that_is_not_there_is_one_line_and_status_1(tmp_path: Path) -> None:
    url = "mongodb://127.0.0.1:9/disio?serverSelectionTimeoutMS=300"
    status, told = refused("--data-dir", str(tmp_path), "--db", url)
    assert status == 1 and told.count("\n") == 1 and "Traceback" not in told


@pytest.mark.parametrize(
    ("flags", "env", "told"),
    [
        (["--prot", "1"], {}, "--prot"),
        (["--port", "70000"], {}, "--port"),
        (["--db", "oracle://x"], {}, "oracle"),
        ([], {"DISIO_MANAGER_PROT": "1"}, "DISIO_MANAGER_PORT"),
        ([], {"DISIO_LOG_LEVEL": "loud"}, "loud"),
        (["--host", "203.0.113.1"], {}, "203.0.113.1"),
    ],
)
def test_a_wrong_setting_is_named_with_status_2(
    tmp_path: Path, flags: list[str], env: dict[str, str], told: str
) -> None:
    status, text = refused("--data-dir", str(tmp_path), *flags, env=env)
    assert (status, told in text, "Traceback" in text) == (2, True, False)
    assert list(tmp_path.glob("manager.json")) == []
