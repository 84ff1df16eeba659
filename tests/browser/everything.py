"""One platform that has something to show on every page, for tests that look at all of them.

Rule: the managers and the dashboards are real; what a distributor would say is said by hand, over the real link.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from disio_shared import messages
from tests.unit.manager.people.signed import add_user, cheap
from tests.unit.manager.served import Peer, Served, serve

CLIENTS = ("c-north", "c-south")
SITE = "https://a.example"
NORTH: dict[str, Any] = {"name": "north", "region": "eu", "software": "disio/other", "speaks": ["clients", "orders"]}
STATUS = messages.Status(clients=3, slots=8, kinds={"web": 2, "cli": 1}, rate=1.0, space=0.1)
EVERY_MS = 2_000
"""So often a distributor says that it is there."""
NOBODY = "http://127.0.0.1:9"
"""Where no manager is."""


@dataclass
class Everything:
    """The dashboards, by what their manager is, and the tasks by name."""

    busy: DashboardApp
    empty: DashboardApp
    away: DashboardApp
    manager: Served
    tasks: dict[str, str]

    def url(self, which: str = "busy") -> str:
        app: DashboardApp = getattr(self, which)
        return app.login_link().partition("/login")[0]


@asynccontextmanager
async def everything(folder: Path) -> AsyncIterator[Everything]:
    """Run it until the block ends."""
    async with (
        serve(folder / "busy", public_status=True) as busy,
        serve(folder / "empty") as empty,
        dashboard(folder / "busy", busy.url) as for_busy,
        dashboard(folder / "empty", empty.url) as for_empty,
        dashboard(folder / "busy", NOBODY) as for_away,
    ):
        cheap(busy)
        tasks = await _tasks(busy)
        answering = await _fleet(busy, tasks)
        await add_user(busy, "vera", "viewer")
        await add_user(busy, "rosa", "researcher")
        await busy.call("POST", "/api/tokens", 201, json={"label": "nightly", "role": "viewer", "days": 9})
        await busy.call("POST", "/api/clients/c-bad/block?reason=lies")
        await busy.app.watching.recording.note()
        try:
            yield Everything(for_busy, for_empty, for_away, busy, tasks)
        finally:
            answering.cancel()


@asynccontextmanager
async def dashboard(data_dir: Path, manager: str) -> AsyncIterator[DashboardApp]:
    """Run a dashboard before a manager."""
    app = DashboardApp(Settings(data_dir=str(data_dir), manager=manager, port=0))
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


async def _tasks(manager: Served) -> dict[str, str]:
    made = {}
    for name in ("squares", "picture", "broken"):
        task = await manager.create(name=name, payloads={"range": [0, 40]}, public=True)
        made[name] = str(task["id"])
    for nth in range(60):
        await manager.create(name=f"job {nth}", policy={"priority": -1})
    for name, verb in (("job 1", "pause"), ("job 2", "cancel")):
        found = (await manager.call("GET", f"/api/tasks?q={name}&limit=100"))["items"]
        task_id = next(task["id"] for task in found if task["name"] == name)
        await manager.call("POST", f"/api/tasks/{task_id}/{verb}")
    return made


async def _fleet(manager: Served, tasks: dict[str, str]) -> asyncio.Task[None]:
    """Let a distributor with clients and a site join, and deliver; return what answers for it from then on."""
    late, peer = manager.peer("d2"), manager.peer("d1")
    await late.join(name="late", software="disio/0.0.9")
    await late.say(messages.Status(clients=0, slots=0, outbox=9, space=0.9, turned_away=3))
    late.close()
    await peer.join(**NORTH)
    await peer.say(STATUS)
    day = messages.SiteDay(site=SITE, day=int(time.time() // 86_400), version=1, name="a", opened=9, granted=4, units=7)
    await peer.say(messages.Sites(rows=[day], active={SITE: 2}, loader="/client-0.js", integrity="sha384-x"))
    await peer.leased(150)
    await peer.deliver(tasks["squares"], list(range(20)), "b-1")
    await peer.deliver(tasks["picture"], [0], "b-2", _tile())
    texts = [["Error: row 1 is bad"], ["Error: row 2 is bad"], ["timed out"]]
    columns = messages.FailureColumns(task=tasks["broken"], indexes=[0, 1, 2], errors=texts)
    await peer.say(messages.Deliver(batch="b-3", failures=[columns]))
    await peer.hear(messages.Committed)
    await manager.call("POST", "/api/distributors/d1/pause?reason=maintenance")
    return asyncio.create_task(_answer(peer))


def _tile() -> bytes:
    pixels = base64.b64encode(bytes((200, 30, 30)) * 4).decode()
    return json.dumps({"x": 0, "y": 0, "w": 2, "h": 2, "width": 4, "height": 2, "pixels": pixels}).encode()


async def _answer(peer: Peer) -> None:
    """Tell of the clients whenever somebody asks, and stay online: other tests may hold this loop up for too long."""
    while True:
        if not await peer.socket.poll(EVERY_MS):
            await peer.say(STATUS)
            continue
        message = messages.TO_DISTRIBUTOR.decode(await peer.socket.recv())
        if isinstance(message, messages.ListClients):
            await peer.say(_rows(message))
        elif isinstance(message, messages.Error):
            await peer.say(peer.join_message(**NORTH))


def _rows(asked: messages.ListClients) -> messages.ClientRows:
    ids = [each for each in CLIENTS if each > asked.after][: asked.limit]
    many = len(ids)
    rows: dict[str, Any] = {"kinds": ["web"] * many, "slots": [2] * many, "languages": [["javascript"]] * many}
    rows |= {"sites": [SITE] * many, "software": ["disio"] * many, "ages_s": [90.0] * many, "busy": [3] * many}
    return messages.ClientRows(request=asked.request, ids=ids, total=len(CLIENTS), **rows)
