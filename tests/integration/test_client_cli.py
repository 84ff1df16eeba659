"""The real client process against a small distributor on loopback."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from disio_shared.messages import Cancel, Redirect, Refused, Release
from tests.unit.client_cli.small_distributor import SmallDistributor
from tests.waiting import patient

pytestmark = pytest.mark.integration

DOUBLE = b"export default (payload) => payload * 2"
BUSY_20_MS = b"""export default (p) => {
    const end = performance.now() + 20;
    while (performance.now() < end);
    return p * 2;
}"""
LOOP = b"export default (p, unit) => { unit.progress(0.5); for (;;) {} }"


@dataclass
class ClientProcess:
    """A running ``python -m disio_client``."""

    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    def engines(self) -> list[psutil.Process]:
        """Return its child processes."""
        return psutil.Process(self.pid).children(recursive=True)

    async def ready_line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(patient(20)):
            return (await self.process.stdout.readline()).decode().strip()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def ended(self, within_s: float = 20.0) -> tuple[int, str, str]:
        """Return exit status and what is left of stdout and stderr."""
        async with asyncio.timeout(patient(within_s)):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), err.decode()


StartClient = Callable[..., Awaitable[ClientProcess]]
Serve = Callable[..., Awaitable[SmallDistributor]]


@pytest.fixture
async def start_client(tmp_path: Path) -> AsyncIterator[StartClient]:
    started: list[ClientProcess] = []

    async def start(url: str, *flags: str, cores: int = 2) -> ClientProcess:
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "disio_client", "--distributor", url, "--cores", str(cores)],
            *["--data-dir", str(tmp_path / "data"), *flags],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(ClientProcess(process))
        return started[-1]

    yield start
    for client in started:
        if client.process.returncode is None:
            client.process.kill()
            await client.ended()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    started: list[SmallDistributor] = []

    async def serve(code: bytes, count: int, **options: object) -> SmallDistributor:
        payloads = [b"%d" % number for number in range(count)]
        distributor = SmallDistributor(code, payloads, **options)  # type: ignore[arg-type]
        started.append(distributor)
        await distributor.start()
        return distributor

    yield serve
    for distributor in started:
        await distributor.stop()


async def until_gone(processes: list[psutil.Process], within_s: float = 10.0) -> None:
    """Wait until none of the processes is there."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, within_s)
    assert not alive, f"left behind: {alive}"


async def test_a_whole_batch_list_is_computed_and_each_result_is_stored_once(
    serve: Serve, start_client: StartClient
) -> None:
    distributor = await serve(DOUBLE, 2000, batch=150)
    client = await start_client(distributor.url)
    assert await client.ready_line() == f"ready client {distributor.url}"
    await distributor.until(lambda: distributor.is_complete, "complete")
    assert distributor.values == {index: b"%d" % (2 * index) for index in range(2000)}
    assert distributor.repeats == 0
    client.signal(signal.SIGINT)
    status, out, _ = await client.ended()
    assert status == 130
    assert out == ""


async def test_with_json_stdout_is_one_object(serve: Serve, start_client: StartClient) -> None:
    distributor = await serve(DOUBLE, 1)
    client = await start_client(distributor.url, "--json")
    assert json.loads(await client.ready_line()) == {"ready": "client", "url": distributor.url}
    client.signal(signal.SIGTERM)
    status, out, _ = await client.ended()
    assert (status, out) == (0, "")


async def test_a_distributor_that_restarts_gets_every_result_once_more_or_not_at_all(
    serve: Serve,
    start_client: StartClient,
) -> None:
    distributor = await serve(BUSY_20_MS, 150, batch=40)
    client = await start_client(distributor.url)
    await distributor.until(lambda: len(distributor.values) >= 20, "begun")
    await distributor.stop()
    await distributor.start()
    await distributor.until(lambda: distributor.is_complete, "complete")
    assert distributor.values == {index: b"%d" % (2 * index) for index in range(150)}
    assert len(distributor.hellos) >= 2
    assert distributor.hellos[-1].client_id == "c1"
    assert distributor.hellos[1].holding, "the tokens at hand are named after a reconnect"
    client.signal(signal.SIGTERM)
    await client.ended()


async def test_an_interrupt_gives_every_unfinished_unit_back_and_leaves_no_process(
    serve: Serve, start_client: StartClient
) -> None:
    distributor = await serve(LOOP, 30, batch=10, unit_timeout_s=600)
    client = await start_client(distributor.url)
    await distributor.until(lambda: len(distributor.messages) >= 3, "assigned")
    assigned = set(range(30)) - set(distributor.open)
    engines = client.engines()
    assert len(engines) == 2
    client.signal(signal.SIGINT)
    status, _, _ = await client.ended()
    assert status == 130
    assert sorted(distributor.released) == sorted(assigned)
    assert not distributor.values
    assert not distributor.failures
    await until_gone(engines)


async def test_a_second_interrupt_quits_at_once(serve: Serve, start_client: StartClient) -> None:
    distributor = await serve(LOOP, 4, batch=4, unit_timeout_s=600, heartbeat_s=0.5)
    client = await start_client(distributor.url)
    await distributor.until(lambda: bool(distributor.progress), "running")
    engines = client.engines()
    client.signal(signal.SIGINT)
    await distributor.until(lambda: any(isinstance(m, Release) for m in distributor.messages), "leaving")
    client.signal(signal.SIGINT)
    status, _, _ = await client.ended(within_s=3.0)
    assert status == 130
    await until_gone(engines)


async def test_a_killed_client_leaves_no_engine_behind_even_a_busy_one(serve: Serve, start_client: StartClient) -> None:
    distributor = await serve(LOOP, 4, batch=4, unit_timeout_s=600, heartbeat_s=0.5)
    client = await start_client(distributor.url)
    await distributor.until(lambda: bool(distributor.progress), "running")
    engines = client.engines()
    assert len(engines) == 2
    os.kill(client.pid, signal.SIGKILL)
    await client.ended()
    await until_gone(engines)


async def test_cancel_frees_the_slots_for_other_work(serve: Serve, start_client: StartClient) -> None:
    code = b"export default (p, unit) => { if (p < 2) { unit.progress(0.5); for (;;) {} } return p }"
    distributor = await serve(code, 12, batch=2, unit_timeout_s=600, heartbeat_s=0.5)
    client = await start_client(distributor.url)
    await distributor.until(lambda: bool(distributor.progress), "running")
    await distributor.push(Cancel(task="task", tokens=["t0"]))
    await distributor.until(lambda: len(distributor.values) >= 8, "other units done")
    assert not {0, 1} & distributor.values.keys()
    client.signal(signal.SIGTERM)
    await client.ended()


async def test_saved_states_reach_the_distributor_before_the_unit_ends(serve: Serve, start_client: StartClient) -> None:
    code = b"export default (p, unit) => { unit.saveState({at: p}); for (;;) {} }"
    distributor = await serve(code, 1, unit_timeout_s=600)
    client = await start_client(distributor.url, cores=1)
    await distributor.until(lambda: bool(distributor.saved), "saved")
    assert distributor.saved == {0: b'{"at":0}'}
    client.signal(signal.SIGTERM)
    await client.ended()
    assert distributor.released == [0]


async def test_a_client_waits_for_its_distributor(serve: Serve, start_client: StartClient) -> None:
    distributor = await serve(DOUBLE, 10)
    await distributor.stop()
    client = await start_client(distributor.url)
    assert client.process.stderr is not None
    async with asyncio.timeout(patient(20)):
        line = (await client.process.stderr.readline()).decode()
    assert "no distributor answers" in line
    assert "Traceback" not in line
    await distributor.start()
    await distributor.until(lambda: distributor.is_complete, "complete")
    client.signal(signal.SIGTERM)
    await client.ended()


async def test_a_refusal_for_good_is_one_line_and_status_1(serve: Serve, start_client: StartClient) -> None:
    refusal = Refused(code="version", reason="protocol version 1 is too old")
    distributor = await serve(DOUBLE, 1, greeting=lambda hello: refusal)
    client = await start_client(distributor.url)
    status, out, err = await client.ended()
    assert status == 1
    assert out == ""
    assert "protocol version 1 is too old" in err
    assert "Traceback" not in err


async def test_a_refusal_for_now_is_tried_again(serve: Serve, start_client: StartClient) -> None:
    answers = [Refused(code="full", reason="no room", retry_after_s=0.2)]
    distributor = await serve(DOUBLE, 5, greeting=lambda hello: answers.pop() if answers else None)
    client = await start_client(distributor.url)
    await distributor.until(lambda: distributor.is_complete, "complete")
    client.signal(signal.SIGTERM)
    await client.ended()


async def test_a_redirect_is_followed(serve: Serve, start_client: StartClient) -> None:
    target = await serve(DOUBLE, 20)
    first = await serve(DOUBLE, 1, greeting=lambda hello: Redirect(url=target.url, reason="nearer"))
    client = await start_client(first.url)
    assert await client.ready_line() == f"ready client {target.url}"
    await target.until(lambda: target.is_complete, "complete")
    assert not first.values
    client.signal(signal.SIGTERM)
    await client.ended()


async def test_the_identity_is_kept_for_the_next_start_and_for_its_owner_alone(
    serve: Serve, start_client: StartClient, tmp_path: Path
) -> None:
    distributor = await serve(DOUBLE, 1)
    for _ in range(2):
        client = await start_client(distributor.url)
        await client.ready_line()
        client.signal(signal.SIGTERM)
        await client.ended()
    assert [hello.client_id for hello in distributor.hellos] == ["", "c1"]
    (identity,) = (tmp_path / "data" / "client").glob("identity-*.json")
    assert stat.S_IMODE(identity.stat().st_mode) == 0o600


async def test_code_with_another_hash_is_never_run(serve: Serve, start_client: StartClient) -> None:
    distributor = await serve(DOUBLE, 5)
    distributor.code_served = b"export default () => 'evil'"
    client = await start_client(distributor.url)
    await distributor.until(lambda: bool(distributor.released), "given back")
    assert not distributor.values
    assert not distributor.failures
    client.signal(signal.SIGTERM)
    await client.ended()


@pytest.mark.parametrize("url", ["localhost:8710", "ftp://x", "http://", "http://127.0.0.1:99999", "nonsense"])
async def test_a_bad_url_is_a_usage_error(start_client: StartClient, url: str) -> None:
    client = await start_client(url)
    status, out, err = await client.ended()
    assert status == 2
    assert out == ""
    assert "write http://HOST:PORT" in err


async def test_a_data_directory_that_cannot_be_made_is_one_line_and_status_2(
    start_client: StartClient, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("a file")
    client = await start_client("http://127.0.0.1:9")
    status, _, err = await client.ended()
    assert status == 2
    assert "--data-dir" in err
    assert "Traceback" not in err
