"""The dashboard before a real manager: what passes through is what the manager says."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from tests.integration.env import SQUARE, Env, Started, task
from tests.waiting import patient


@dataclass
class Member:
    """Somebody signed in at the dashboard of a real manager."""

    http: aiohttp.ClientSession
    url: str
    csrf: str
    manager: Started

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Disio-Csrf": self.csrf, "Content-Type": "application/json"}
        async with self.http.request(method, self.url + path, data=data, headers=headers) as response:
            text = await response.text()
            is_json = response.content_type.endswith("json") and response.content_type != "application/x-ndjson"
            return response.status, json.loads(text) if is_json and text else text


@pytest.fixture
async def member(env: Env, tmp_path: Path) -> AsyncIterator[Member]:
    """A dashboard that was told nothing but the data directory of the manager."""
    manager = env.manager()
    app = DashboardApp(Settings(data_dir=str(tmp_path / "manager"), port=0))
    url = await app.start()
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout) as http:
        async with http.get(app.login_link()) as response:
            assert response.status == 200
        async with http.get(f"{url}/session") as response:
            csrf = (await response.json())["csrf"]
        yield Member(http, url, csrf, manager)
    await app.stop()


async def test_a_task_lives_its_life_through_the_dashboard(member: Member) -> None:
    status, created = await member.call("POST", "/api/tasks", task(SQUARE, {"range": [0, 10]}))
    assert status == 201
    path = f"/api/tasks/{created['id']}"
    status, listed = await member.call("GET", "/api/tasks?limit=50&cursor=")
    assert (status, listed["total"], [each["id"] for each in listed["items"]]) == (200, 1, [created["id"]])
    assert (await member.call("POST", f"{path}/pause"))[1]["state"] == "paused"
    assert (await member.call("POST", f"{path}/resume"))[1]["state"] in ("queued", "running")
    assert (await member.call("GET", f"/api/workunits/{created['workunit']['sha256']}"))[1] == SQUARE
    assert (await member.call("GET", f"{path}/results?from=0&limit=26&format=ndjson")) == (200, "")
    assert (await member.call("GET", f"{path}/failures?limit=25")) == (200, {"items": []})
    assert (await member.call("GET", f"{path}/explain"))[1]["sentences"]
    assert (await member.call("POST", f"{path}/cancel"))[1]["state"] == "cancelled"
    assert (await member.call("DELETE", path))[0] == 204
    assert (await member.call("GET", path))[0] == 404


async def test_errors_name_the_fields_that_the_form_has(member: Member) -> None:
    wrong = task("", {"grid": {"n": "9-1"}}, max_failures=0)
    status, problem = await member.call("POST", "/api/tasks", wrong)
    assert status == 422
    assert {error["path"] for error in problem["errors"]} == {
        "workunit.source",
        "payloads.grid.n",
        "policy.max_failures",
    }


async def test_news_of_a_task_arrive_over_the_dashboards_stream(member: Member) -> None:
    async with member.http.get(f"{member.url}/api/events") as events:
        assert events.content_type == "text/event-stream"
        _, created = await member.call("POST", "/api/tasks", task(SQUARE, {"range": [0, 10]}))
        names, event = set[str](), ""
        async with asyncio.timeout(patient(10)):
            async for line in events.content:
                text = line.decode().strip()
                event = text.removeprefix("event: ") if text.startswith("event: ") else event
                names.add(event)
                if event == "task" and text.startswith("data: "):
                    assert json.loads(text.removeprefix("data: "))["id"] == created["id"]
                    break
        assert {"fleet", "stats", "task"} <= names


async def test_a_manager_that_returns_on_another_port_is_found_again(member: Member, env: Env) -> None:
    member.manager.kill()
    status, problem = await member.call("GET", "/api/tasks")
    assert (status, problem["code"]) == (503, "manager-unreachable")
    again = env.manager()
    assert again.url != member.manager.url
    assert (await member.call("GET", "/api/tasks"))[0] == 200
