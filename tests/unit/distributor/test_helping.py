"""What ``/help`` asks managers, and passes on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from disio_distributor import helping
from disio_distributor.helping import PATH, Helping
from disio_shared.clock import FakeClock
from tests.unit.manager.served import serve


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def helper(*managers: str, clock: FakeClock | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application()
    Helping(lambda: managers, clock or FakeClock()).attach(app)
    async with served(app) as url, aiohttp.ClientSession(url) as http:
        yield http


async def ask(http: aiohttp.ClientSession, task: str = "") -> dict[str, Any]:
    async with http.get(PATH, params={"task": task}) as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        told: dict[str, Any] = await answer.json()
    return told


async def test_public_tasks_alone_are_told_of(tmp_path: Path) -> None:
    async with serve(tmp_path, public_status=True) as manager, helper(manager.url) as http:
        wanted = await manager.create(name="wanted", public=True)
        other = await manager.create(name="other", public=True)
        secret = await manager.create(name="secret")
        told = await ask(http, wanted["id"])
        own = {"id": wanted["id"], "name": "wanted", "state": "queued", "total": 10, "done": 0, "eta_s": None}
        assert told["task"] == own
        assert [task["id"] for task in told["others"]] == [other["id"]] and told["is_sure"]
        told = await ask(http, secret["id"])
        assert told["task"] is None and told["is_sure"]
        assert "secret" not in str(told)


async def test_one_that_is_over_is_told_of_as_such(tmp_path: Path) -> None:
    async with serve(tmp_path) as manager, helper(manager.url) as http:
        over = await manager.create(name="over", public=True)
        await manager.call("POST", f"/api/tasks/{over['id']}/cancel")
        told = await ask(http, over["id"])
        assert told["task"]["state"] == "cancelled"
        assert told["others"] == [], "this operator wants no status page"


async def test_without_a_manager_nothing_is_sure() -> None:
    async with helper("http://127.0.0.1:9") as http:
        assert await ask(http, "k") == {"task": None, "others": [], "is_sure": False}


async def test_what_makes_no_sense_is_not_passed_on() -> None:
    async def nonsense(request: web.Request) -> web.Response:
        return web.json_response({"id": 3} if "tasks" in request.path else {"tasks": [{"id": "k"}]})

    async def endless(request: web.Request) -> web.Response:
        return web.Response(body=b'"' + b"x" * (helping.MAX_BYTES + 10) + b'"')

    for answer in (nonsense, endless):
        liar = web.Application()
        liar.router.add_get("/{path:.*}", answer)
        async with served(liar) as url, helper(url) as http:
            assert await ask(http, "k") == {"task": None, "others": [], "is_sure": False}


async def test_managers_are_asked_seldom_however_many_come() -> None:
    asked: list[str] = []

    async def note(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"tasks": []}) if request.path == "/status.json" else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", note)
    clock = FakeClock()
    async with served(app) as url, helper(url, clock=clock) as http:
        for _ in range(10):
            await ask(http, "k")
        assert sorted(asked) == ["/status.json", "/tasks/k/progress.json"]
        clock.advance(helping.KEPT_S)
        await ask(http, "../../etc")  # no id: nothing of it goes into a path
        assert asked[2:] == ["/status.json"]
        for nth in range(int(helping.ASKED_BURST) * 2):
            await ask(http, f"k{nth}")
        assert len(asked) <= 2 * helping.ASKED_BURST + 3
        assert not (await ask(http, "fresh"))["is_sure"]
