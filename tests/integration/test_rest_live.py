"""What REST tells of running processes: clients of real distributors, and webhooks of a manager that is killed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.integration.env import SQUARE, Env, Started, task
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


def signed_in(env: Env, manager: Started) -> dict[str, str]:
    token = Path(env.folder / manager.name / "admin.token").read_text().strip()
    return {"Authorization": f"Bearer {token}"}


async def test_clients_of_all_distributors_are_listed(env: Env, http: aiohttp.ClientSession) -> None:
    manager = env.manager()
    near, far = (env.distributor(manager.url, name=name) for name in ("near", "far"))
    for name, distributor in (("one", near), ("two", near), ("three", far)):
        env.client(distributor.url, name=name)

    async def listed() -> list[dict[str, Any]]:
        async with http.get(f"{manager.url}/api/clients", headers=signed_in(env, manager)) as answer:
            told = await answer.json()
            assert answer.status == 200, told
            return list(told["items"]) if len(told["items"]) == 3 and told["total"] == 3 else []

    items = await wait_until(listed, 60.0, env.dump)
    assert len({each["id"] for each in items}) == 3 and len({each["distributor"] for each in items}) == 2
    assert {(each["kind"], each["slots"]) for each in items} == {("cli", 2)}
    assert all("javascript" in each["languages"] and each["age_s"] >= 0 for each in items)


async def test_a_webhook_is_told_after_the_manager_was_killed(env: Env, http: aiohttp.ClientSession) -> None:
    heard: list[tuple[str, str]] = []
    statuses = [503]

    async def hear(request: web.Request) -> web.Response:
        told = await request.json()
        heard.append((told["type"], request.headers["webhook-id"]))
        return web.Response(status=statuses.pop() if statuses else 204)

    app = web.Application()
    app.router.add_post("/", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        manager = env.manager()
        document = task(SQUARE, {"range": [0, 5]}) | {
            "webhooks": [{"url": f"http://127.0.0.1:{runner.addresses[0][1]}/", "events": ["cancelled"]}]
        }
        headers = signed_in(env, manager)
        async with http.post(f"{manager.url}/api/tasks", json=document, headers=headers) as answer:
            made = await answer.json()
            assert answer.status == 201, made
        async with http.post(f"{manager.url}/api/tasks/{made['id']}/cancel", headers=headers) as answer:
            assert answer.status == 200
        await wait_until(lambda: heard, on_timeout=env.dump)
        manager.kill()
        env.manager_again(manager)
        await wait_until(lambda: len(heard) == 2, 30.0, env.dump)
        assert heard[0] == heard[1] and heard[0][0] == "task.cancelled"
    finally:
        await runner.cleanup()
