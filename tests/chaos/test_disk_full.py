"""A full disk: nothing is acknowledged that is not in a row, and work goes on by itself once there is room."""

import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.chaos.promises import kept, told_apart
from tests.chaos.sizes import limit, size
from tests.chaos.small_disk import SmallDisk, small_disk
from tests.chaos.stage import Stage, staged, status_of
from tests.chaos.volunteer import Manner
from tests.integration.env import Env
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, limit(300)]

START_S = 30
WAIT_S = 90.0
DISK_MB = 256
VOLUNTEERS = 20
PAYLOADS = 8_000
MORE_EACH = 2_500
"""Further payloads each time: a cache that grew once has room in its file, and takes in more before it is full."""
RESULT_BYTES = 900
QUIET_S = 1.5
"""Volunteers who are not answered for so long are refused."""


def manner() -> Manner:
    """Return how volunteers work here: about 1,000 results a second of 1 kB each."""
    return Manner(unit_s=0.02, gather_s=0.2, compute=told_apart(RESULT_BYTES), backoff_s=(0.3, 2.0))


class Calls:
    """Every kind of REST call, again and again, while the disk is full."""

    def __init__(self, stage: Stage, url: str, headers: dict[str, str]) -> None:
        self.stage, self.url, self.headers = stage, url, headers
        self.statuses: Counter[str] = Counter()
        self.created: list[str] = []

    async def call(self, http: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call; an answer is a success, or 503 as a problem document."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        async with http.request(method, self.url + path, data=data, headers=headers) as answer:
            text = await answer.text()
        self.statuses[f"{method} {answer.status}"] += 1
        told = f"{method} {path}: {answer.status} {text[:300]}"
        assert answer.status in (200, 201, 204, 503), told
        if answer.status == 503:
            assert answer.content_type == "application/problem+json", told
            assert "Traceback" not in text, told
        return answer.status, json.loads(text) if text else None

    async def all(self, http: aiohttp.ClientSession, task_id: str) -> int:
        """Make each call once; return the status of the one that needs most room."""
        for path in ("/api/tasks", f"/api/tasks/{task_id}", "/api/distributors", "/api/stats", "/api/link"):
            await self.call(http, "GET", path)
        for path in (f"/api/tasks/{task_id}/explain", f"/api/tasks/{task_id}/results?limit=10"):
            await self.call(http, "GET", path)
        await self.call(http, "PATCH", f"/api/tasks/{task_id}", {"tags": [f"t{time.monotonic_ns()}"]})
        # In a language that no volunteer runs: these tasks are there to take room.
        code = {"language": "python", "source": "def run(payload):\n    return payload\n"}
        document = {"name": f"n{time.monotonic_ns()}", "workunit": code, "payloads": {"list": ["x" * 1000] * 1000}}
        status, answer = await self.call(http, "POST", "/api/tasks", document)
        if status == 201:
            self.created.append(answer["id"])
        return status

    async def has_created(self) -> None:
        """What was answered with 201 is there; it is deleted then."""
        async with aiohttp.ClientSession() as http:
            for made in self.created:
                assert (await self.call(http, "GET", f"/api/tasks/{made}"))[1]["total"] == 1000
                assert (await self.call(http, "DELETE", f"/api/tasks/{made}"))[0] == 204
        self.created.clear()


async def is_healthy(url: str) -> None:
    """The process lives, and says whether it can save."""
    assert (await status_of(f"{url}/healthz"))[0] == 200
    assert (await status_of(f"{url}/readyz"))[0] in (200, 503)
    assert (await status_of(f"{url}/metrics"))[0] in (200, 503)


async def manager_is_refusing(stage: Stage, calls: Calls, task_id: str) -> None:
    """Wait until nothing can be written; all the while every answer is a fitting one."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as http:

        async def look() -> bool:
            await is_healthy(stage.manager.url)
            return await calls.all(http, task_id) == 503

        await wait_until(look, WAIT_S, on_timeout=stage.env.dump)
        for _ in range(5):
            await calls.all(http, task_id)


async def distributor_is_refusing(stage: Stage, task_id: str) -> None:
    """Wait until volunteers are not answered any more."""
    seen = (-1, time.monotonic())

    async def look() -> bool:
        nonlocal seen
        await is_healthy(stage.distributor.url)
        now, count = time.monotonic(), stage.outside.acknowledged[task_id]
        if count != seen[0]:
            seen = (count, now)
        return now - seen[1] > QUIET_S

    await wait_until(look, WAIT_S, on_timeout=lambda: stage.told(task_id))


async def fill_once(stage: Stage, disk: SmallDisk, calls: Calls, service: str, total: int) -> None:
    """Run a task that meets a full disk in its middle, and see that it ends right."""
    task_id = await stage.submit(total)
    await stage.done(task_id, PAYLOADS // 20, WAIT_S)
    disk.fill()
    freeing = free_managers if service == "manager" else free_distributors
    freed_at = await freeing(stage, disk, calls, task_id)
    seen = await stage.ended(task_id, WAIT_S)
    print(f"  done {time.monotonic() - freed_at:.1f} s after there was room again")
    assert (seen["done"], seen["failed"]) == (total, 0)
    await kept(stage.rest, stage.outside, task_id, total)
    await calls.has_created()


async def free_managers(stage: Stage, disk: SmallDisk, calls: Calls, task_id: str) -> float:
    """Make room once the manager has refused to write; return when."""
    await manager_is_refusing(stage, calls, task_id)
    waiting = await stage.outbox()
    print(f"  {waiting} results wait at the distributor, {len(calls.created)} tasks were taken in while it filled up")
    disk.free()
    return time.monotonic()


async def free_distributors(stage: Stage, disk: SmallDisk, calls: Calls, task_id: str) -> float:
    """Make room once the distributor does not answer, which takes results that nobody fetches; return when."""
    stage.manager.process.send_signal(signal.SIGSTOP)
    try:
        await distributor_is_refusing(stage, task_id)
        acknowledged, unanswered = stage.outside.acknowledged[task_id], stage.outside.computed[task_id]
        print(f"  {acknowledged} results acknowledged of {unanswered} computed")
        assert acknowledged < unanswered
        disk.free()
        freed_at = time.monotonic()
        await stage.acknowledged(task_id, unanswered, WAIT_S)
    finally:
        stage.manager.process.send_signal(signal.SIGCONT)
    return freed_at


@pytest.mark.parametrize("service", ["manager", "distributor"])
async def test_a_disk_that_fills_up_stops_acknowledgements_and_nothing_else(
    env: Env, tmp_path: Path, service: str
) -> None:
    rounds = size("disk_rounds", 2, 10)
    with small_disk(tmp_path / service, DISK_MB) as disk:
        async with staged(env, VOLUNTEERS, manner()) as stage:
            token = (tmp_path / "manager" / "admin.token").read_text().strip()
            calls = Calls(stage, stage.manager.url, {"Authorization": f"Bearer {token}"})
            for number in range(rounds):
                print(f"{service}, disk full for time {number + 1}:")
                more = number * MORE_EACH if service == "distributor" else 0
                await fill_once(stage, disk, calls, service, PAYLOADS + more)
            print(f"{service}: REST answers {dict(sorted(calls.statuses.items()))}")


async def test_the_dashboard_passes_on_that_nothing_can_be_saved(env: Env, tmp_path: Path) -> None:
    with small_disk(tmp_path / "manager", DISK_MB) as disk:
        async with staged(env, 1, manner()) as stage:
            app = DashboardApp(Settings(data_dir=str(tmp_path / "manager"), port=0))
            url = await app.start()
            try:
                async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
                    async with http.get(app.login_link()) as answer:
                        assert answer.status == 200
                    async with http.get(f"{url}/session") as answer:
                        csrf = (await answer.json())["csrf"]
                    task_id = await stage.submit(PAYLOADS)
                    disk.fill()
                    calls = Calls(stage, url, {"X-Disio-Csrf": csrf})

                    async def look() -> bool:
                        assert (await status_of(f"{url}/healthz"))[0] == 200
                        return await calls.all(http, task_id) == 503

                    await wait_until(look, WAIT_S, on_timeout=env.dump)
                    disk.free()
                    await wait_until(lambda: _is_saved(calls, http, task_id), WAIT_S, on_timeout=env.dump)
            finally:
                await app.stop()


async def _is_saved(calls: Calls, http: aiohttp.ClientSession, task_id: str) -> bool:
    return await calls.all(http, task_id) == 201


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "used before"])
@pytest.mark.parametrize("service", ["manager", "distributor"])
def test_a_disk_that_is_full_at_start_is_one_line_and_exit_1(
    env: Env, tmp_path: Path, service: str, is_new: bool
) -> None:
    options = {"manager": ["--zmq-port", "0"], "distributor": ["--manager", "http://127.0.0.1:9"]}[service]
    with small_disk(tmp_path / "disk", 8) as disk:
        data = ("--data-dir", str(disk.path / "data"), "--port", "0", "--no-zeroconf")
        if not is_new:
            assert env.start("before", f"disio_{service}", *data, *options).stop() == 0
        disk.fill()
        started = env.launch(service, f"disio_{service}", *data, *options)
        status = started.process.wait(START_S)
        disk.free()
        assert env.start("after", f"disio_{service}", *data, *options).stop() == 0
    lines = [line for line in started.tail().splitlines() if line.strip()]
    assert len(lines) == 1, started.tail()
    assert status in (1, 2)
    assert "space" in lines[0].lower() or "full" in lines[0].lower(), lines
    assert started.stdout.read_bytes() == b""
