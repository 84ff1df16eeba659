"""Callers that leave in the middle of whatever it is: no service takes it for an error, or says a word of it."""

import json
import socket
import struct
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

import msgspec
import pytest

from tests.integration.env import SQUARE, Env, Started, task

pytestmark = pytest.mark.integration

PATIENCE_S = 20.0
ROUNDS = 3
RESET = struct.pack("ii", 1, 0)
"""Closed with no time to linger, a connection is reset: what was not read is lost."""
SOCKET = "/socket.io/?EIO=4&transport=websocket"
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
PAGES = ("/", "/login", "/session", "/readyz", "/healthz")
OF_DISTRIBUTORS = ("/", "/embed.json", "/help", "/metrics", "/.well-known/disio.json", "/healthz", "/readyz")

OF_CALLERS = ("manager.api", "distributor.clients", "aiohttp.server", "engineio.server", "socketio.server")


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    body: bytes = b""
    headers: str = ""


class Leaver:
    """Says requests by hand to one service, as far as it stays."""

    def __init__(self, service: Started, headers: str = "") -> None:
        at = urlsplit(service.url)
        self._at, self._headers = (str(at.hostname), int(at.port or 0)), headers

    def leave_all(self, calls: list[Call]) -> None:
        """Make each call and be gone, in every way."""
        for call in calls * ROUNDS:
            for said, is_heard in self._ways(call):
                for is_reset in (False, True):
                    self._leave(said, is_heard, is_reset)

    def _ways(self, call: Call) -> Iterator[tuple[bytes, bool]]:
        """Yield how much is said, and whether an answer begins before the end."""
        length = f"Content-Type: application/json\r\nContent-Length: {len(call.body)}\r\n" if call.body else ""
        host = "Host: {}:{}\r\n".format(*self._at)
        head = f"{call.method} {call.path} HTTP/1.1\r\n{host}{self._headers}{call.headers}{length}\r\n".encode()
        yield head + call.body, False
        yield head + call.body, True
        yield (head + call.body)[: -max(1, len(call.body) // 2)], False

    def _leave(self, said: bytes, is_heard: bool, is_reset: bool) -> None:
        with socket.create_connection(self._at, timeout=PATIENCE_S) as connection:
            connection.sendall(said)
            if is_heard:
                assert connection.recv(1)
            if is_reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


async def test_who_leaves_in_the_middle_is_not_talked_of(env: Env) -> None:
    manager = env.manager()
    distributor = env.distributor(manager.url)
    dashboard = env.start("dashboard", "disio_dashboard", "--data-dir", str(env.folder / "manager"), "--port", "0")
    document = task(SQUARE, {"range": [0, 5_000]})
    async with env.rest(manager) as rest:
        made = await rest.create_task(document)
    env.client(distributor.url)
    sha256 = made["workunit"]["sha256"]
    token = (Path(env.folder) / "manager" / "admin.token").read_text().strip()
    calls = readable(manager, {"id": made["id"], "index": "7", "sha256": sha256})
    body = msgspec.json.encode(document)
    calls += [Call("POST", "/api/tasks", body), Call("POST", "/api/tasks/check", body)]
    calls += [Call("PUT", f"/api/blobs/{sha256}", body), Call("PATCH", f"/api/tasks/{made['id']}", b'{"tags": ["a"]}')]
    Leaver(manager, f"Authorization: Bearer {token}\r\n").leave_all(calls)
    Leaver(dashboard, signed_in(dashboard)).leave_all([*calls, *(Call("GET", path) for path in PAGES)])
    own = [Call("GET", path) for path in (*OF_DISTRIBUTORS, f"/workunits/{sha256}")]
    own += [Call("GET", SOCKET, headers=UPGRADE), Call("POST", "/embed/answer", b'{"site": "a"}')]
    Leaver(distributor).leave_all(own)
    for service in (distributor, dashboard, manager):
        assert service.stop() == 0
        assert complaints(service) == []


def readable(manager: Started, known: dict[str, str]) -> list[Call]:
    """Return a call of everything that the manager lets read; names in addresses get what is known for them."""
    with build_opener().open(f"{manager.url}/api/openapi.json", timeout=PATIENCE_S) as answer:
        paths = [path for path, calls in json.load(answer)["paths"].items() if "get" in calls]
    assert "/api/events" in paths and len(paths) > 30
    for name, value in known.items():
        paths = [path.replace(f"{{{name}}}", value) for path in paths]
    return [Call("GET", path.replace("{", "").replace("}", "")) for path in paths]


def signed_in(dashboard: Started) -> str:
    """Return the headers of somebody who signed in at the dashboard."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    browser.open(str(dashboard.ready["login_url"]), timeout=PATIENCE_S).close()
    with browser.open(f"{dashboard.url}/session", timeout=PATIENCE_S) as answer:
        csrf = json.load(answer)["csrf"]
    cookies = "; ".join(f"{each.name}={each.value}" for each in jar)
    return f"Cookie: {cookies}\r\nX-Disio-Csrf: {csrf}\r\n"


def complaints(service: Started) -> list[str]:
    """Return the lines of a log that are errors, or more than news about callers; that a machine is busy is neither."""
    lines = service.log.read_text(errors="replace").splitlines()
    return [line for line in lines if not line.startswith("{") or _is_complaint(msgspec.json.decode(line))]


def _is_complaint(line: dict[str, str]) -> bool:
    return line["level"] == "error" or (line["level"] == "warning" and line["logger"] in OF_CALLERS)
