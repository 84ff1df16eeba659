"""Webhooks over real connections: signed, tried again, and never lost with a manager."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from disio_manager import webhooks
from disio_manager.core.views import TaskView
from disio_manager.stalls import Stalls
from tests.unit.manager.served import Served, document, serve
from tests.waiting import wait_until

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
EVENTS = ["done", "failed", "cancelled", "stalled"]


class Receiver:
    """Somebody's server."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        """Of the next answers; 200 when there is none."""
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?a=1"
    yield receiver
    await runner.cleanup()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "WAITS", (0.01,) * 8)


async def cancelled(manager: Served, receiver: Receiver, **hook: Any) -> str:
    """Return a task that was cancelled, and names the receiver."""
    task = await manager.create(webhooks=[{"url": receiver.url, "events": EVENTS} | hook])
    await manager.call("POST", f"/api/tasks/{task['id']}/cancel")
    return str(task["id"])


async def left(manager: Served, task: str) -> int:
    """Return how much a task's webhooks are still to be told."""
    return int((await manager.call("GET", f"/api/tasks/{task}"))["untold"])


async def is_told(manager: Served, task: str) -> bool:
    return await left(manager, task) == 0


async def explains(manager: Served, task: str, text: str) -> bool:
    return text in " ".join((await manager.call("GET", f"/api/tasks/{task}/explain"))["sentences"])


def is_signed(headers: dict[str, str], body: bytes, key: bytes) -> bool:
    signed = b"%s.%s.%s" % (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return headers["webhook-signature"] == f"v1,{expected}"


async def test_what_became_of_a_task_is_told_and_signed(manager: Served, receiver: Receiver) -> None:
    task = await manager.create(payloads={"range": [0, 2]}, webhooks=[{"url": receiver.url, "secret": SECRET}])
    peer = manager.peer()
    await peer.join()
    await peer.leased(2)
    await peer.deliver(task["id"], [0, 1])
    await wait_until(lambda: receiver.heard)
    headers, body = receiver.heard[0]
    told = json.loads(body)
    assert (told["type"], told["data"]["id"], told["data"]["state"]) == ("task.done", task["id"], "done")
    assert told["data"]["done"] == 2 and told["timestamp"].endswith("Z") and SECRET not in body.decode()
    assert is_signed(headers, body, KEY) and not is_signed(headers, body + b" ", KEY)
    assert headers["content-type"] == "application/json" and "authorization" not in headers
    await wait_until(lambda: is_told(manager, task["id"]))
    copy = await manager.call("POST", f"/api/tasks/{task['id']}/clone", 201)
    assert copy["untold"] == 0 and len(receiver.heard) == 1


async def test_without_a_secret_of_its_own_it_is_signed_with_the_managers(manager: Served, receiver: Receiver) -> None:
    await cancelled(manager, receiver)
    await wait_until(lambda: receiver.heard)
    secret = (manager.app.data.path / "webhook.secret").read_text().strip()
    assert (manager.app.data.path / "webhook.secret").stat().st_mode & 0o777 == 0o600
    assert is_signed(*receiver.heard[0], base64.b64decode(secret.removeprefix("whsec_")))


@pytest.mark.usefixtures("quick")
async def test_it_is_tried_again_under_the_same_id_until_it_is_taken(manager: Served, receiver: Receiver) -> None:
    receiver.statuses = [500, 302, 404]
    task = await cancelled(manager, receiver)
    await wait_until(lambda: len(receiver.heard) == 4)
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1
    assert len({body for _, body in receiver.heard}) == 1
    await wait_until(lambda: is_told(manager, task))
    assert len(receiver.heard) == 4, "no redirect is followed, and what was taken is not told again"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("statuses", "tries"), [([410] * 20, 1), ([503] * 20, 9)])
async def test_it_ends_where_nobody_wants_it(
    manager: Served, receiver: Receiver, statuses: list[int], tries: int
) -> None:
    receiver.statuses = statuses
    task = await cancelled(manager, receiver)
    await wait_until(lambda: is_told(manager, task))
    assert len(receiver.heard) == tries


async def test_what_cannot_be_told_is_explained_and_ends_with_an_edit(manager: Served, receiver: Receiver) -> None:
    receiver.statuses = [500]
    task = await cancelled(manager, receiver)

    await wait_until(lambda: explains(manager, task, "it answered 500"))
    assert await left(manager, task) == 1
    await manager.call("PATCH", f"/api/tasks/{task}", json={"webhooks": []})
    await wait_until(lambda: is_told(manager, task), 20.0)
    assert len(receiver.heard) == 1


async def test_a_manager_that_ends_before_it_could_tell_tells_after_its_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    async with serve(tmp_path / "data") as manager:
        task = await cancelled(manager, receiver)
        await wait_until(lambda: receiver.heard)
    assert len(receiver.heard) == 1
    async with serve(tmp_path / "data") as manager:
        await wait_until(lambda: len(receiver.heard) == 2)
        await wait_until(lambda: is_told(manager, task))
    assert receiver.heard[0][0]["webhook-id"] == receiver.heard[1][0]["webhook-id"]


async def test_only_what_is_asked_for_is_told(manager: Served, receiver: Receiver) -> None:
    first = await cancelled(manager, receiver, events=["done"])
    await cancelled(manager, receiver, events=["cancelled"])
    await wait_until(lambda: receiver.heard)
    assert [told["data"]["id"] == first for told in receiver.told] == [False]
    assert await left(manager, first) == 0


async def test_an_address_that_is_there_twice_is_told_twice_each_with_its_secret(
    manager: Served, receiver: Receiver
) -> None:
    own = {"url": receiver.url, "events": ["cancelled"]}
    other = "whsec_" + base64.b64encode(bytes(24)).decode()
    task = await manager.create(
        webhooks=[{**own, "events": ["done"]}, {**own, "secret": SECRET}, {**own, "secret": other}]
    )
    await manager.call("POST", f"/api/tasks/{task['id']}/cancel")
    await wait_until(lambda: is_told(manager, task["id"]))
    assert len(receiver.heard) == 2 == len({headers["webhook-id"] for headers, _ in receiver.heard})
    assert sorted(is_signed(*heard, KEY) for heard in receiver.heard) == [False, True]
    assert sorted(is_signed(*heard, bytes(24)) for heard in receiver.heard) == [False, True]


async def test_a_stall_is_told_of_an_open_task(
    manager: Served, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalled: list[str] = []

    def look(stalls: Stalls, views: Iterable[TaskView], now: float) -> list[TaskView]:
        """Call each task stalled once, however young it is."""
        found = [view for view in views if view.record.id not in stalled]
        stalled.extend(view.record.id for view in found)
        return found

    monkeypatch.setattr(Stalls, "look", look)
    await manager.create(webhooks=[{"url": receiver.url, "events": ["done"]}])
    task = await manager.create(webhooks=[{"url": receiver.url, "events": ["stalled"]}])
    await wait_until(lambda: receiver.heard)
    await wait_until(lambda: is_told(manager, task["id"]))
    assert [(told["type"], told["data"]["id"]) for told in receiver.told] == [("task.stalled", task["id"])]
    assert receiver.told[0]["data"]["state"] == "queued"


async def test_private_networks_are_not_told(tmp_path: Path, receiver: Receiver) -> None:
    # Off loopback; nothing is served to others here, and the port is any.
    async with serve(tmp_path / "data", host="0.0.0.0") as manager:
        task = await cancelled(manager, receiver)

        await wait_until(lambda: explains(manager, task, "--webhooks-private"))
    assert receiver.heard == []
    async with serve(tmp_path / "data", host="0.0.0.0", webhooks_private=True):
        await wait_until(lambda: receiver.heard)


@pytest.mark.parametrize(
    ("hook", "path"),
    [
        ({"url": "ftp://example.org/"}, "webhooks.0.url"),
        ({"url": "http://user:pass@example.org/"}, "webhooks.0.url"),
        ({"url": "http://example.org/", "events": ["started"]}, "webhooks.0.events.0"),
        ({"url": "http://example.org/", "secret": "whsec_AAAA"}, "webhooks.0.secret"),
    ],
)
async def test_webhooks_that_are_none_are_refused(manager: Served, hook: dict[str, Any], path: str) -> None:
    hooks = {"webhooks": [hook]}
    problem = await manager.call("POST", "/api/tasks", 422, json=document(**hooks))
    assert problem["errors"][0]["path"] == path
    task = await manager.create()
    problem = await manager.call("PATCH", f"/api/tasks/{task['id']}", 422, json=hooks)
    assert problem["errors"][0]["path"] == path
