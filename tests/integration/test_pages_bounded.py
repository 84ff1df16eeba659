"""What each call of a page costs the database does not grow with the results, and no list is cut without saying so.

Rule: work is counted, not timed: SQLite tells of every statement how it finds its rows and how many steps that took.
The same calls are made against a store and against one with ten times the results, votes and failures.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from disio_manager.api.failure_groups import FailureGroups
from disio_manager.identity import load_identity
from disio_manager.stores.opening import open_store
from disio_shared.datadir import DataDir
from tests.filled import TASK, Sizes, fill
from tests.page_calls import Call, page_calls
from tests.unit.manager.served import Served, serve

SMALL = Sizes(tasks=150, results=3_000, votes=3_000, audit=300, sites=3, people=5, tokens=5)
LARGE = SMALL._replace(results=30_000, votes=30_000)
GROW_WITH_RESULTS = (
    "results",
    "votes",
    "failures",
    "arrivals",
    "matches",
    "segments",
    "history",
    "blocks",
    "site_days",
)
"""Tables that no call may look through as a whole. Tasks and audit rows it may count: they are few, or bounded."""
SLACK = 3_000
"""Steps that a call may take more in the larger store: what differs is some digits, and votes that differ."""
MOST_STATEMENTS = 60
OF_PUBLIC_PAGE = 400
"""The page of a task reads its latest results run by run, and here a run is nine results long. It is kept for 2 s."""
MOST_BYTES = 1 << 20
SOURCES = Path(__file__).parents[2] / "dashboard" / "web" / "src"
NOT_READ = {
    "/api/events": "the live stream, see benchmarks/viewers.py",
    "/api/blobs/*": "an upload",
    "/api/bulk/*": "of a bulk action in memory",
    "/api/clients/*/block": "changes something",
    "/api/clients/*/unblock": "changes something",
    "/api/distributors/*/*": "changes something",
    "/api/sessions/*": "changes something",
    "/api/tokens/*": "changes something",
    "/api/users/*": "changes something",
}
"""What the pages call besides, and why it is not in `tests.page_calls`."""


class Statement(NamedTuple):
    """One statement of a call."""

    sql: str
    steps: int


class Traced:
    """Statements that SQLite ran, of whatever connection."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def watch(self, connection: apsw.Connection) -> None:
        """Note every statement of a connection."""
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, self._note)

    def _note(self, event: dict[str, Any]) -> None:
        steps = event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]
        self.statements.append(Statement(event["sql"], int(steps)))


@contextmanager
def traced() -> Iterator[Traced]:
    """Yield what every connection does that is made meanwhile."""
    found = Traced()
    apsw.connection_hooks.append(found.watch)
    try:
        yield found
    finally:
        apsw.connection_hooks.remove(found.watch)


@asynccontextmanager
async def filled(folder: Path, sizes: Sizes) -> AsyncIterator[tuple[Served, list[Call]]]:
    """Yield a manager on a filled store, and the calls of the pages."""
    manager = load_identity(DataDir(folder)).curve_public.decode()
    store = await open_store("", folder, manager)
    await fill(store, sizes, manager)
    calls = await page_calls(store, sizes)
    await store.close()
    async with serve(folder, public_status=True) as served:
        yield served, calls


async def answer_of(served: Served, call: Call) -> tuple[bytes, Any]:
    """Make a call; return its body and headers."""
    method = "GET" if call.body is None else "POST"
    async with served.http.request(method, served.url + call.path, json=call.body) as answer:
        body = await answer.read()
        assert answer.status == 200, f"{call}: {answer.status} {body[:300]!r}"
        return body, answer.headers


def shape_of(call: Call) -> str:
    """Return what two sizes of a store have in common of a call."""
    return re.sub(r"[0-9]{3,}(\.[0-9]+)?|cursor=[A-Za-z0-9_-]*", "*", f"{call.page} {call.path} {call.body}")


async def test_no_call_of_a_page_costs_more_with_ten_times_the_results(tmp_path: Path) -> None:
    seen: list[dict[str, list[Statement]]] = []
    plans: dict[str, str] = {}
    for name, sizes in (("small", SMALL), ("large", LARGE)):
        found: dict[str, list[Statement]] = {}
        with traced() as trace:
            (tmp_path / name).mkdir()
            async with filled(tmp_path / name, sizes) as (served, calls):
                # Counted in the background, which is no work of a call.
                await grouped(served, sizes)
                await binned(served, sizes)
                for nth, call in enumerate(calls):
                    trace.statements.clear()
                    body, _ = await answer_of(served, call)
                    found[f"{nth} {shape_of(call)}"] = list(trace.statements)
                    assert len(body) <= MOST_BYTES, call
        seen.append(found)
    small, large = seen
    assert small.keys() == large.keys()
    connection = apsw.Connection(str(tmp_path / "large" / "manager.db"), flags=apsw.SQLITE_OPEN_READONLY)
    for call_name, statements in large.items():
        most = OF_PUBLIC_PAGE if " /tasks/" in call_name else MOST_STATEMENTS
        assert len(statements) <= most, (call_name, len(statements))
        more = sum(each.steps for each in statements) - 2 * sum(each.steps for each in small[call_name])
        assert more <= SLACK, (call_name, more, statements)
        for each in statements:
            if each.sql not in plans:
                plans[each.sql] = plan_of(connection, each.sql)
            looked_through = [table for table in GROW_WITH_RESULTS if re.search(rf"SCAN {table}\b", plans[each.sql])]
            assert not looked_through, (call_name, each.sql, plans[each.sql])
    connection.close()
    assert any("votes_differing" in plan for plan in plans.values()), "the index of votes is not used"
    assert any("tasks_by_end" in plan for plan in plans.values()), "the index of the order of ending is not used"


async def grouped(served: Served, sizes: Sizes) -> None:
    """Return when all failures are in groups."""
    while True:
        body, _ = await answer_of(served, Call("task", f"/api/tasks/{TASK}/failures/groups"))
        told = json.loads(body)
        assert set(told) == set(FailureGroups.__struct_fields__)
        if told["counted"] == told["failed"]:
            assert told["failed"] == sizes.results // 10
            assert told["others"] + sum(group["count"] for group in told["items"]) == told["counted"]
            return


async def binned(served: Served, sizes: Sizes) -> None:
    """Return when the times of all results are in bins."""
    while True:
        body, _ = await answer_of(served, Call("task", f"/api/tasks/{TASK}/durations"))
        told = json.loads(body)
        if told["counted"] == told["done"]:
            assert told["done"] == sizes.results - sizes.results // 10
            return


def plan_of(connection: apsw.Connection, sql: str) -> str:
    """Return how SQLite finds the rows of a statement."""
    if not sql.lstrip().upper().startswith(("SELECT", "WITH")):
        return ""
    numbered = set(re.findall(r"\?[0-9]+", sql))
    values = [None] * (len(numbered) or sql.count("?"))
    return "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))


LISTS = (
    "/api/tasks?limit=40",
    "/api/tasks?limit=40&sort=ended",
    "/api/tasks?limit=40&sort=progress",
    "/api/tasks?limit=7&state=queued,running,paused&sort=progress",
    "/api/tasks?limit=3&failures=true",
    "/api/tasks?limit=7&q=7&sort=ended",
    "/api/audit?limit=100",
    "/api/audit?limit=9&who=user7",
    "/api/sites?days=90&limit=2",
    "/api/clients?limit=100",
    "/api/blocked?limit=100",
    "/api/users",
    "/api/tokens?all=true",
    "/api/attention",
)


async def test_every_list_that_is_cut_says_so_and_goes_on_to_its_end(tmp_path: Path) -> None:
    async with filled(tmp_path, SMALL) as (served, _):
        lengths = {path: await whole_length(served, path) for path in LISTS}
        assert lengths["/api/tasks?limit=40"] == SMALL.tasks
        assert lengths["/api/audit?limit=100"] >= SMALL.audit
        body, _ = await answer_of(served, Call("events", "/api/audit?format=ndjson"))
        assert len(body.splitlines()) >= SMALL.audit
        assert await finished_length(served) == SMALL.results - SMALL.results // 10


async def whole_length(served: Served, path: str) -> int:
    """Return how many rows the pages of a list have, having seen that each tells how many there are."""
    rows: list[str] = []
    cursor: str | None = ""
    total = 0
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        body, headers = await answer_of(served, Call("list", path + more))
        told = json.loads(body)
        rows += [json.dumps(item, sort_keys=True) for item in told["items"]]
        total, cursor = told["total"], told.get("next_cursor")
        if "cursor" in told:
            assert ("Link" in headers) == (cursor is not None), path
    assert len(rows) == total == len(set(rows)), (path, len(rows), total)
    return total


async def finished_length(served: Served) -> int:
    """Return how many results come as they finished, page by page as the pages of the dashboard read them."""
    indexes: list[int] = []
    cursor = ""
    while True:
        path = f"/api/tasks/{TASK}/results?order=finished&format=ndjson&limit=200&cursor={cursor}"
        body, headers = await answer_of(served, Call("task", path))
        if not body:
            return len(set(indexes))
        indexes += [json.loads(line)["i"] for line in body.splitlines()]
        assert headers["X-Cursor"] != cursor
        cursor = headers["X-Cursor"]


@pytest.fixture(scope="module")
def asked() -> set[str]:
    """Return the paths of the interface that the sources of the pages name, with * for what is put in."""
    texts = [path.read_text() for path in sorted(SOURCES.rglob("*.ts*"))]
    found = {path for text in texts for path in re.findall(r"[`\"](/api(?:\$\{[^}]*\}|[^`\"?$\s])*)", text)}
    return {re.sub(r"\$\{[^}]*\}", "*", path).rstrip("/") for path in found} - {"/api"}


async def test_every_call_of_a_page_is_among_those_that_are_counted(asked: set[str], tmp_path: Path) -> None:
    assert len(asked) > 20
    async with filled(tmp_path, SMALL._replace(results=100, votes=100, audit=20, sites=1)) as (_, calls):
        paths = {call.path.partition("?")[0] for call in calls}
    unknown = sorted(
        path for path in asked - NOT_READ.keys() if not any(re.fullmatch(_pattern(path), each) for each in paths)
    )
    assert not unknown, f"add these to tests/page_calls.py, or to NOT_READ with the reason: {unknown}"


def _pattern(path: str) -> str:
    return re.escape(path).replace(r"/api\*", "/api.+").replace(r"\*", "[^/]+")
