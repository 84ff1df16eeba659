"""The distributor as a process: killed, started wrongly, found by zeroconf, several side by side."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest
import pytest_asyncio

from disio_shared import messages
from disio_shared.discovery import DISTRIBUTOR_TYPE, FoundService, ServiceBrowser
from tests.integration.env import Env
from tests.services.process import ServerProcess
from tests.unit.distributor.peer import HELLO, connected, squares
from tests.unit.distributor.standin_manager import StandInManager, block, running_manager
from tests.waiting import patient, wait_until

pytestmark = pytest.mark.integration
START = [sys.executable, "-m", "disio_distributor", "start"]
ENOUGH_S = 60


@pytest_asyncio.fixture
async def manager() -> AsyncIterator[StandInManager]:
    async with running_manager() as standin:
        yield standin


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Env]:
    env = Env(tmp_path)
    yield env
    for service in env.started:
        service.stop()


@pytest.fixture(params=["sqlite", "redis"])
def cache_flags(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "sqlite":
        return []
    server: ServerProcess = request.getfixturevalue("redis_server")
    return ["--cache", server.url]


async def test_results_acknowledged_before_kill_9_reach_the_manager_after_a_restart(
    started: Env, manager: StandInManager, cache_flags: list[str]
) -> None:
    manager.blocks = [block(0, 30)]
    manager.commits = False
    first = started.distributor(manager.url, "--no-zeroconf", *cache_flags)
    async with connected(first.url) as peer:
        welcome = await peer.hello()
        await peer.say(messages.Ready(slots=2))
        assign = await peer.hear(messages.Assign)
        assert await peer.ask(squares(assign)) == messages.Stored(accepted=len(assign.indexes))
        first.kill()
    assert manager.results == {}
    manager.commits = True
    again = started.distributor(manager.url, "--no-zeroconf", *cache_flags, port=int(first.url.rsplit(":", 1)[1]))
    assert again.url == first.url
    await wait_until(lambda: set(manager.results) == set(assign.indexes), timeout=20)
    async with connected(again.url) as peer:
        mine = messages.Hello(
            version=1, kind="cli", languages=["javascript"], cores=1, client_id=welcome.client_id, secret=welcome.secret
        )
        assert (await peer.hello(mine)).client_id == welcome.client_id
        stored = await peer.ask(squares(assign))
        assert isinstance(stored, messages.Stored) and stored.accepted == 0


def test_a_redis_that_is_not_there_gives_one_line_and_status_1(tmp_path: Path) -> None:
    flags = ["--cache", "redis://127.0.0.1:1/0", "--data-dir", str(tmp_path), "--no-zeroconf"]
    ended = subprocess.run([*START, *flags], capture_output=True, text=True, timeout=patient(ENOUGH_S), check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1 and "redis" in ended.stderr.lower()


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--cache", "mysql://x"], "--cache"),
        (["--manager", "nonsense"], "--manager"),
        (["--processes", "0"], "--processes"),
        (["--log-level", "loud"], "log level"),
        (["--host", "198.51.100.7"], "host"),
    ],
)
def test_a_wrong_setting_gives_one_line_that_names_it_and_status_2(
    tmp_path: Path, flags: list[str], named: str
) -> None:
    command = [*START, "--data-dir", str(tmp_path), "--no-zeroconf", *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=patient(ENOUGH_S), check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1 and named in ended.stderr


def test_a_second_distributor_on_one_data_directory_is_refused(started: Env, tmp_path: Path) -> None:
    first = started.distributor("http://127.0.0.1:9", "--no-zeroconf")
    command = [*START, "--data-dir", str(tmp_path / "distributor"), "--no-zeroconf"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=patient(ENOUGH_S), check=False)
    assert ended.returncode == 2 and str(first.process.pid) in ended.stderr


def test_a_stopped_distributor_ends_with_status_0_and_takes_its_file_away(started: Env, tmp_path: Path) -> None:
    service = started.distributor("http://127.0.0.1:9", "--no-zeroconf")
    file = tmp_path / "distributor" / "distributor.json"
    assert json.loads(file.read_text())["url"] == service.url
    assert service.stop() == 0
    assert not file.exists()
    assert "Traceback" not in service.log.read_text()


async def test_several_processes_serve_side_by_side_and_one_that_dies_comes_back(started: Env, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    flags = ["--processes", "2", "--port", "0", "--data-dir", str(folder), "--no-zeroconf"]
    service = started.start("many", "disio_distributor", *flags, "--manager", "http://127.0.0.1:9")

    def urls() -> list[str]:
        lines = service.stdout.read_text().splitlines()
        return [json.loads(line)["url"] for line in lines]

    await wait_until(lambda: len(set(urls())) == 2, timeout=30)
    for url in urls():
        async with connected(url) as peer:
            await peer.hello()
    victim = json.loads((folder / "process-1" / "distributor.json").read_text())
    os.kill(victim["pid"], signal.SIGKILL)
    await wait_until(lambda: urls().count(victim["url"]) == 2, timeout=30)
    async with connected(victim["url"]) as peer:
        await peer.hello()
    assert service.stop() == 0
    assert not (folder / "process-2" / "distributor.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children of a parent that was killed")
async def test_processes_end_when_their_supervisor_is_killed(started: Env, tmp_path: Path) -> None:
    flags = ["--processes", "2", "--port", "0", "--data-dir", str(tmp_path / "many"), "--no-zeroconf"]
    service = started.start("many", "disio_distributor", *flags, "--manager", "http://127.0.0.1:9")
    await wait_until(lambda: len(service.children()) == 2, timeout=30)
    children = service.children()
    service.kill()
    await wait_until(lambda: not any(psutil.pid_exists(pid) for pid in children), timeout=30)


async def test_it_announces_itself_and_finds_a_real_manager_by_zeroconf_and_a_task_is_done(started: Env) -> None:
    loopback = ["--zeroconf-interface", "127.0.0.1"]
    found: list[FoundService] = []
    browser = ServiceBrowser(DISTRIBUTOR_TYPE, found.append, lambda name: None, lambda text: None, ["127.0.0.1"])
    await browser.start()
    distributor = started.distributor("zeroconf", *loopback, "--name", f"found-{socket.gethostname()}"[:40])
    manager = started.manager(*loopback)
    token = (started.folder / "manager" / "admin.token").read_text().strip()
    document = {
        "name": "squares",
        "workunit": {"language": "javascript", "source": "export default (n) => n * n"},
        "payloads": {"range": [0, 40]},
    }
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
        connected(distributor.url) as peer,
    ):
        async with http.post(f"{manager.url}/api/tasks", json=document) as response:
            assert response.status == 201, await response.text()
            task = (await response.json())["id"]
        await peer.hello(HELLO)
        done = 0
        while done < 40:
            await peer.say(messages.Ready(slots=2))
            assign = await peer.hear(messages.Assign)
            if assign.task != task:  # another manager on this network has work too
                await peer.ask(messages.Release(tokens=[assign.token], indexes=[assign.indexes]))
                continue
            assert isinstance(await peer.ask(squares(assign)), messages.Stored)
            done += len(assign.indexes)

        async def is_done() -> bool:
            async with http.get(f"{manager.url}/api/tasks/{task}") as response:
                return bool((await response.json())["state"] == "done")

        await wait_until(is_done, timeout=30)
        async with http.get(f"{manager.url}/api/tasks/{task}/results?format=ndjson") as response:
            lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert [line["result"] for line in lines] == [number * number for number in range(40)]
    await wait_until(lambda: [service for service in found if service.properties["url"] == distributor.url])
    await browser.stop()
