"""The calls that the pages make, against a store that `tests.filled` filled.

Rule: a page that asks for something new has its call here; `tests/integration/test_pages_bounded.py` compares this with
what the sources of the pages ask for.
"""

import time
from typing import Any, NamedTuple

from disio_manager.stores.base import ManagerStore
from disio_manager.stores.journal import Mark, Position
from tests.filled import BORN, CODE_SHA256, TASK, Sizes, audit_id

BIG = f"/api/tasks/{TASK}"
OPEN = "state=queued,running,paused"
SITE = "https%3A%2F%2Fsite1.example.org"


class Call(NamedTuple):
    """One call of a page."""

    page: str
    path: str
    body: dict[str, Any] | None = None
    """None: it is a GET."""


async def page_calls(store: ManagerStore, sizes: Sizes) -> list[Call]:
    """Return every call of every page, those for deep pages too."""
    return [
        *_overview(),
        *_tasks(sizes),
        *_task(sizes, await _halfway(store)),
        *_fleet(),
        *_events(sizes),
        *_others(),
    ]


async def _halfway(store: ManagerStore) -> str:
    """Return the cursor in the middle of the journal of the task with the results."""
    head = await store.journal.head(TASK)
    return Position({writer: Mark(mark.seq // 2, 0) for writer, mark in head.marks.items()}).text()


def _overview() -> list[Call]:
    # What to look at comes on the live stream, which makes it as that call does.
    paths = [f"/api/tasks?{OPEN}&sort=progress&limit=8", "/api/stats", "/api/me", "/api/attention"]
    return [Call("overview", path) for path in [*paths, *(f"/api/history?span={span}" for span in SPANS)]]


SPANS = ("1h", "6h", "2d", "90d")


def _tasks(sizes: Sizes) -> list[Call]:
    middle = max(1, sizes.tasks // 2)
    asked = ["", f"&{OPEN}", "&state=done", "&q=7", "&q=nothing-is-called-that", "&failures=true"]
    asked += [f"&sort=ended&cursor={BORN + middle + 60}_{middle}", f"&sort=progress&cursor=0.5_{middle}"]
    asked += [
        "&sort=ended",
        "&sort=progress",
        f"&{OPEN}&sort=progress",
        "&failures=true&sort=ended",
        "&q=7&sort=progress",
    ]
    asked += [f"&created_from={BORN + 100:.0f}", f"&ended_from={BORN + 200:.0f}", f"&cursor={middle}", "&cursor=60"]
    asked += [f"&state=done&created_from={BORN + 100:.0f}&ended_from={BORN + 200:.0f}&q=task"]
    bulk = [{"all": True}, {"state": ["done"]}, {"q": "7"}, {"failures": True}]
    return [
        *(Call("tasks", f"/api/tasks?limit=50{each}") for each in asked),
        *(Call("tasks", "/api/bulk", {"filter": each, "verb": "pause", "dry_run": True}) for each in bulk),
    ]


def _task(sizes: Sizes, halfway: str) -> list[Call]:
    deep = sizes.results // 2
    finished = f"{BIG}/results?order=finished&format=ndjson&limit=200&wait_s=20"
    paths = [
        BIG,
        f"{BIG}/explain",
        f"{BIG}/document",
        f"{BIG}/failures?limit=25",
        f"{BIG}/failures?limit=25&from={deep}",
        f"{BIG}/failures/groups",
        f"{BIG}/durations",
        *(f"{BIG}/payloads?state={state}&limit=50&cursor=" for state in ("done", "failed", "leased", "waiting")),
        f"{BIG}/payloads?state=done&limit=50&cursor={deep}",
        f"{BIG}/events?limit=50&cursor=",
        *(f"{BIG}/history?span={span}" for span in SPANS),
        *(
            f"{BIG}/results?from={start}&limit={limit}&format=ndjson"
            for start in (0, deep)
            for limit in (1, 26, 101, 1_000)
        ),
        f"{finished}&cursor=",
        f"{finished}&cursor={halfway}",
        f"/api/workunits/{CODE_SHA256}",
        "/api/tasks/task7",
        "/api/tasks/task7/explain",
        "/api/tasks/task7/results?from=0&limit=26&format=ndjson",
    ]
    payloads = [f"{BIG}/payloads/{index}" for index in (1, 10, deep + 1)]
    return [*(Call("task", path) for path in paths), *(Call("payload", path) for path in payloads)]


def _fleet() -> list[Call]:
    return [
        Call("fleet", path)
        for path in (
            "/api/distributors",
            "/api/clients?limit=100&cursor=",
            "/api/managers",
            "/api/blocked?limit=100&cursor=",
        )
    ] + [
        Call("sites", path)
        for path in (
            "/api/sites?days=30&limit=100&cursor=",
            "/api/sites?days=90&limit=100&cursor=100",
            f"/api/sites/{SITE}?days=90",
        )
    ]


def _events(sizes: Sizes) -> list[Call]:
    deep = audit_id(sizes.audit // 10)
    asked = ["", f"&cursor={deep}", "&who=user7", "&verb=login", "&kind=task", "&subject=task5", "&outcome=refused"]
    asked += [
        "&who=nobody",
        f"&since={time.time() - sizes.audit / 2:.0f}",
        f"&until={time.time() - sizes.audit / 2:.0f}",
    ]
    asked += [f"&who=user7&verb=login&outcome=ok&cursor={deep}"]
    return [Call("events", f"/api/audit?limit=50{each}") for each in asked]


def _others() -> list[Call]:
    settings = [
        "/api/about",
        "/api/users",
        "/api/tokens",
        "/api/tokens?all=true",
        "/api/sessions",
        "/api/sessions?all=true",
    ]
    return [
        *(Call("settings", path) for path in settings),
        Call("new task", "/api/payloads/preview", {"grid": {"n": {"range": [0, 1_000_000]}, "c": [1, 2, 3]}}),
        Call(
            "new task", "/api/code-checks", {"language": "javascript", "source": "export default (payload) => payload"}
        ),
        Call("status", "/status"),
        Call("public task", f"/tasks/{TASK}"),
        Call("public task", f"/tasks/{TASK}/progress.json"),
    ]
