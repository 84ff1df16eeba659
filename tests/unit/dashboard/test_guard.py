"""The browser-side defences: host names, origins, headers."""

import aiohttp
import pytest


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8720", "127.0.0.1.evil.example", "[bad", ""])
async def test_a_name_that_is_not_the_dashboards_is_refused(
    visitor: aiohttp.ClientSession, url: str, host: str
) -> None:
    async with visitor.get(f"{url}/login", headers={"Host": host}) as response:
        assert response.status in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9999", "[::1]:8720"])
async def test_every_name_of_loopback_is_served(visitor: aiohttp.ClientSession, url: str, host: str) -> None:
    async with visitor.get(f"{url}/login", headers={"Host": host}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Origin": "own"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "own"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({}, 200),
    ],
)
async def test_unsafe_requests_must_come_from_an_own_page(
    member: aiohttp.ClientSession, url: str, headers: dict[str, str], status: int
) -> None:
    async with member.get(f"{url}/session") as response:
        csrf = (await response.json())["csrf"]
    sent = {name: url if value == "own" else value for name, value in headers.items()}
    async with member.post(f"{url}/api/echo", headers={**sent, "X-Disio-Csrf": csrf}) as response:
        assert response.status == status


@pytest.mark.parametrize("csrf", [None, "", "wrong", "ünlikely"])
async def test_an_unsafe_request_without_the_sessions_token_is_refused(
    member: aiohttp.ClientSession, url: str, csrf: str | None
) -> None:
    headers = {} if csrf is None else {"X-Disio-Csrf": csrf}
    async with member.post(f"{url}/api/echo", headers=headers) as response:
        assert response.status == 403
        assert (await response.json())["code"] == "csrf"


@pytest.mark.parametrize("path", ["/login", "/", "/api/me", "/api/nothing", "/assets/app-1.js", "/healthz"])
async def test_every_answer_carries_the_defensive_headers(member: aiohttp.ClientSession, url: str, path: str) -> None:
    async with member.get(url + path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
