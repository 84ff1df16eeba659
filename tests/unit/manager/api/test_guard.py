"""Who may call what."""

from pathlib import Path

import aiohttp
import pytest

from tests.unit.manager.served import Served, serve

CLOSED = ["/api/tasks", "/api/me", "/api/stats", "/api/distributors", "/api/events", "/api/nothing"]


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}])
async def test_without_the_token_there_is_nothing(manager: Served, path: str, header: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as http, http.get(manager.url + path, headers=header) as answer:
        assert answer.status == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await answer.json(content_type="application/problem+json"))["code"] == "not-authorized"


@pytest.mark.parametrize("path", ["/api/link", "/healthz", "/readyz", "/metrics"])
async def test_what_must_be_readable_before_having_a_token_is(manager: Served, path: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(manager.url + path) as answer:
        assert answer.status == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_foreign_name_is_refused_on_loopback(manager: Served) -> None:
    for host, status in [("evil.example", 421), ("localhost", 200), ("[::1]:8700", 200), ("127.0.0.1:1", 200)]:
        async with manager.http.get(f"{manager.url}/api/me", headers={"Host": host}) as answer:
            assert answer.status == status, host


async def test_a_manager_on_all_addresses_takes_any_name(tmp_path: Path) -> None:
    async with (
        serve(tmp_path, host="0.0.0.0") as served,
        served.http.get(f"{served.url}/api/me", headers={"Host": "manager.example"}) as answer,
    ):
        facts = await answer.json()
        assert facts.pop("cluster") == served.app.cluster
        assert facts == {"name": "machine", "role": "admin", "how": "machine", "session": ""}
