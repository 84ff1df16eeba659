"""The way to the manager and back, over real HTTP."""

import asyncio
import json
import time

import aiohttp
import pytest

from disio_dashboard.app import DashboardApp
from tests.unit.dashboard.standin_manager import TOKEN, StandinManager
from tests.waiting import wait_until


async def csrf_of(member: aiohttp.ClientSession, url: str) -> dict[str, str]:
    async with member.get(f"{url}/session") as response:
        return {"X-Disio-Csrf": (await response.json())["csrf"]}


async def wait_for_streams(manager: StandinManager, number: int) -> None:
    await wait_until(lambda: manager.streams == number, 5)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_visitors_get_nothing_from_the_manager(
    visitor: aiohttp.ClientSession, url: str, manager: StandinManager, method: str
) -> None:
    async with visitor.request(method, f"{url}/api/me") as response:
        assert response.status == 401
        assert response.content_type == "application/problem+json"
    assert manager.requests == []


async def test_the_managers_token_goes_up_and_the_browsers_secrets_do_not(
    member: aiohttp.ClientSession, url: str
) -> None:
    headers = {**await csrf_of(member, url), "Authorization": "Bearer forged", "Idempotency-Key": "k", "X-Other": "x"}
    async with member.post(f"{url}/api/echo?a=%26b", data=b"body", headers=headers) as response:
        answer = await response.json()
        assert TOKEN not in str(response.headers)
    assert answer["body"] == "body"
    assert answer["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert answer["headers"]["Idempotency-Key"] == "k"
    assert not {"Cookie", "X-Disio-Csrf", "X-Other", "Origin"} & set(answer["headers"])


UP = {
    "If-Match": '"3"',
    "If-None-Match": 'W/"x"',
    "Last-Event-ID": "e-1",
    "Upload-Offset": "7",
    "Upload-Complete": "?0",
    "X-Request-Id": "mine",
}
DOWN = {
    "ETag": '"4"',
    "Link": '</api/tasks?cursor=2>; rel="next"',
    "X-Cursor": "abc",
    "X-Task-State": "done",
    "X-Request-Id": "mine",
    "Upload-Offset": "9",
    "Upload-Complete": "?1",
    "Allow": "GET,HEAD",
    "Retry-After": "2",
    "Idempotency-Replayed": "true",
}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD"])
async def test_headers_of_uploads_pages_and_versions_pass_both_ways(
    member: aiohttp.ClientSession, url: str, manager: StandinManager, method: str
) -> None:
    manager.answer_headers = {**DOWN, "Set-Cookie": "a=b", "Server": "x"}
    headers = {**await csrf_of(member, url), **UP}
    async with member.request(method, f"{url}/api/echo", headers=headers) as response:
        assert {name: response.headers.get(name) for name in DOWN} == DOWN
        assert "Set-Cookie" not in response.headers
    heard = manager.requests[-1].headers
    assert {name: heard.get(name) for name in UP} == UP


async def test_a_body_larger_than_any_buffer_passes(member: aiohttp.ClientSession, url: str) -> None:
    body = b"x" * 1_000_000
    async with member.post(f"{url}/api/echo", data=body, headers=await csrf_of(member, url)) as response:
        assert len((await response.json())["body"]) == len(body)


async def test_problems_of_the_manager_arrive_as_they_are(member: aiohttp.ClientSession, url: str) -> None:
    async with member.post(f"{url}/api/tasks", data=b"{}", headers=await csrf_of(member, url)) as response:
        assert (response.status, response.content_type) == (422, "application/problem+json")
        assert (await response.json())["errors"][0]["path"] == "workunit"


async def test_events_arrive_one_by_one(member: aiohttp.ClientSession, url: str, manager: StandinManager) -> None:
    async with member.get(f"{url}/api/events") as response:
        assert response.content_type == "text/event-stream"
        await wait_for_streams(manager, 1)
        for number in range(3):
            manager.publish("task", {"id": f"t{number}"})
            line = b""
            while not line.startswith(b'data: {"id"'):
                line = await asyncio.wait_for(response.content.readline(), 5)
            assert json.loads(line[6:]) == {"id": f"t{number}"}


async def test_a_browser_that_leaves_ends_its_stream_at_the_manager(
    member: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    async with member.get(f"{url}/api/events") as response:
        await wait_for_streams(manager, 1)
        response.close()
    await wait_for_streams(manager, 0)


async def test_a_manager_that_is_away_is_a_503_and_its_return_needs_nothing(
    member: aiohttp.ClientSession, url: str, manager: StandinManager
) -> None:
    await manager.stop()
    async with member.get(f"{url}/api/me") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "2"
        problem = await response.json()
        assert problem["code"] == "manager-unreachable"
        assert problem["detail"] == f"no manager answers at {manager.url}: Connection refused"
    async with member.get(f"{url}/readyz") as response:
        assert response.status == 503
    async with member.get(f"{url}/healthz") as response:
        assert response.status == 200
    await manager.start()
    async with member.get(f"{url}/api/me") as response:
        assert response.status == 200
    async with member.get(f"{url}/readyz") as response:
        assert response.status == 200


async def test_half_an_answer_is_never_taken_for_a_whole_one(member: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(aiohttp.ClientError):
        async with member.get(f"{url}/api/broken") as response:
            assert response.status == 200
            await response.read()


@pytest.mark.parametrize("path", ["/api/page", "/api/workunits/code"])
async def test_what_strangers_made_is_never_run_or_rendered(
    member: aiohttp.ClientSession, url: str, manager: StandinManager, path: str
) -> None:
    manager.code["code"] = b"alert(1)"
    async with member.get(url + path) as response:
        assert response.status == 200
        assert response.content_type == "application/octet-stream"


async def test_paths_cannot_climb_out_of_the_api(
    member: aiohttp.ClientSession, dashboard: DashboardApp, url: str, manager: StandinManager
) -> None:
    host, port = url.removeprefix("http://").split(":")
    cookie = "; ".join(f"{each.key}={each.value}" for each in member.cookie_jar)
    for path in ("/api/../metrics", "/api/%2e%2e/metrics", "/api/x/..%2f..%2fmetrics", "http://evil.example/api/me"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode())
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert all(request.path.startswith("/api/") for request in manager.requests)


async def test_stopping_does_not_wait_for_open_streams(
    member: aiohttp.ClientSession, dashboard: DashboardApp, url: str, manager: StandinManager
) -> None:
    async with member.get(f"{url}/api/events"):
        await wait_for_streams(manager, 1)
        started = time.monotonic()
        await dashboard.stop()
        assert time.monotonic() - started < 5
