"""Finding tasks: what every manager store must do."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from disio_manager.core.changes import DeleteTask
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.finding import Cursor, Sort, TaskFilter
from tests.contract.manager_store_rows import Opener, begin, front, opener, put, task

STATES = ("running", "done", "failed")


@pytest.fixture(params=["sqlite", "mongodb"])
def open_again(tmp_path: Path, request: pytest.FixtureRequest) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    """Nine tasks: every third is in the same state, created a second apart, and further the older it is."""
    opened = await open_again()
    for number in range(1, 10):
        record = task(number, total=100, state="running", name=f"Task {number}")
        record.created_at = 1_000.0 + number
        record.owner = "ann" if number % 4 == 1 else ""
        await begin(opened, record)
        failed = 1 if number % 3 == 2 else 0
        await opened.commit([front(100, number=number, total=100, done=90 - 10 * number, failed=failed)])
        state = STATES[number % 3]
        if state != "running":
            ended = msgspec.structs.replace(record, state=state, finished_at=2_000.25 + 10 * (number % 2))
            await opened.commit([put(ended, "running")])
    yield opened
    await opened.close()


async def pages(store: Any, wanted: TaskFilter, sort: Sort = "newest", limit: int = 2) -> tuple[list[int], int]:
    """Return the numbers of all tasks that fit, page by page, and their total."""
    found, cursor, totals = [], "", set()
    while True:
        page = await store.finding.page(wanted, sort, limit, Cursor.parse(cursor, sort))
        assert len(page.items) <= limit
        found += [record.number for record in page.items]
        totals.add(page.total)
        if page.next_cursor is None:
            (total,) = totals
            return found, total
        cursor = page.next_cursor


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (TaskFilter(), [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (TaskFilter(states=("done", "failed")), [8, 7, 5, 4, 2, 1]),
        (TaskFilter(states=("paused",)), []),
        (TaskFilter(q="TASK 4"), [4]),
        (TaskFilter(q="n7"), [7]),
        (TaskFilter(numbers=((2, 4), (8, 9))), [8, 3, 2]),
        (TaskFilter(ids=("task5", "task1", "never")), [5, 1]),
        (TaskFilter(created=(1_003.0, 1_006.0)), [5, 4, 3]),
        (TaskFilter(ended=(2_005.0, 3_000.0)), [7, 5, 1]),
        (TaskFilter(ended=(0.0, 3_000.0)), [8, 7, 5, 4, 2, 1]),
        (TaskFilter(owner="ann"), [9, 5, 1]),
        (TaskFilter(owner="ann", has_failures=True), [5]),
        (TaskFilter(owner="an"), []),
        (TaskFilter(has_failures=True), [8, 5, 2]),
        (TaskFilter(has_failures=True, numbers=((1, 6),), states=("failed",)), [5, 2]),
    ],
)
async def test_what_fits_is_found_in_pages_and_at_once(store: Any, wanted: TaskFilter, numbers: list[int]) -> None:
    assert await pages(store, wanted) == (numbers, len(numbers))
    assert await pages(store, wanted, limit=3) == (numbers, len(numbers))
    matches = await store.finding.ids(wanted)
    assert (matches.ids, matches.total) == ([f"task{number}" for number in reversed(numbers)], len(numbers))


async def test_orders(store: Any) -> None:
    assert await pages(store, TaskFilter(), "ended") == ([7, 5, 1, 8, 4, 2, 9, 6, 3], 9)
    assert await pages(store, TaskFilter(), "progress") == ([1, 2, 3, 4, 5, 6, 7, 8, 9], 9)
    assert await pages(store, TaskFilter(states=("running",)), "progress") == ([3, 6, 9], 3)


async def test_what_is_found_has_its_counters(store: Any) -> None:
    page = await store.finding.page(TaskFilter(numbers=((5, 6),)), "progress", 5, Cursor.parse("", "progress"))
    (record,) = page.items
    assert (record.done, record.failed, record.state, record.payloads) == (40, 1, "failed", b"")


async def test_a_deleted_one_is_not_found(store: Any) -> None:
    await store.commit([DeleteTask("task9")])
    for sort in ("newest", "ended", "progress"):
        found, total = await pages(store, TaskFilter(), sort)
        assert (9 not in found, total) == (True, 8)
    assert "task9" not in (await store.finding.ids(TaskFilter(ids=("task9",)))).ids


async def test_a_mongodb_database_of_before_is_filled(tmp_path: Path, mongodb_uri: str) -> None:
    open_again = opener("mongodb", tmp_path, mongodb_uri)
    first: Any = await open_again()
    await begin(first, msgspec.structs.replace(task(), owner="ann"))
    without = {"created": "", "ended": "", "total": "", "owner": ""}
    await first._db["tasks"].update_one({"_id": "task1"}, {"$unset": without})
    await first.close()
    second = await open_again()
    wanted = TaskFilter(created=(1_700_000_000.0, 1_700_000_001.0))
    assert (await second.finding.ids(wanted)).ids == ["task1"]
    assert (await second.finding.ids(TaskFilter(owner="ann"))).ids == ["task1"]
    await second.close()
