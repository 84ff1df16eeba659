"""Points of the past: what every manager store must do with them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from disio_manager.core.changes import DeleteTask
from disio_manager.history import Point, Row
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from tests.contract.manager_store_rows import ME, Opener, begin, fresh_url, opener, task


@pytest.fixture(params=["sqlite", "mongodb"])
def open_again(tmp_path: Path, request: pytest.FixtureRequest) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    yield opened
    await opened.close()


def rows(task: str, ats: list[int], span: int = 10, ok: int = 1) -> list[Row]:
    return [Row(task, span, at, Point(ok=ok, seconds=10.0, kinds={"web": 2.0})) for at in ats]


async def read(store: Any, task: str, start: int = 0, stop: int = 1_000, span: int = 10) -> list[tuple[int, int]]:
    return sorted((each.row.at, each.row.point.ok) for each in await store.history.read(task, span, start, stop))


async def test_points_are_there_after_a_reopening_each_once(open_again: Opener) -> None:
    first = await open_again()
    await begin(first, task())
    await first.history.put([*rows("", [10, 20, 30]), *rows("task1", [20], ok=5), *rows("never", [20])])
    await first.history.put(rows("", [20], ok=7))
    await first.history.put([])
    await first.close()
    second = await open_again()
    assert await read(second, "") == [(10, 1), (20, 7), (30, 1)]
    assert await read(second, "", 20, 30) == [(20, 7)]
    assert await read(second, "task1") == [(20, 5)] and await read(second, "never") == []
    assert await read(second, "", span=60) == []
    (kept,) = await second.history.read("", 10, 30, 31)
    assert kept == (ME, Row("", 10, 30, Point(ok=1, seconds=10.0, kinds={"web": 2.0})))
    own = await second.history.own(10, 20)
    assert sorted((row.task, row.point.ok) for row in own) == [("", 7), ("task1", 5)]
    await second.close()


async def test_old_ones_go_by_their_span_and_those_of_a_task_with_it(store: Any) -> None:
    await begin(store, task())
    await store.history.put([*rows("", [10, 20]), *rows("", [0], span=60), *rows("task1", [10, 20])])
    await store.history.drop(10, 20)
    assert await read(store, "") == [(20, 1)] and await read(store, "", span=60) == [(0, 1)]
    assert await read(store, "task1") == [(20, 1)]
    await store.commit([DeleteTask("task1")])
    await store.history.put(rows("task1", [30]))
    await begin(store, task())  # under the same number, as none ever is: what were left of it would be found
    assert await read(store, "task1") == []


async def test_managers_of_one_database_write_beside_each_other(tmp_path: Path, mongodb_uri: str) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    one, two = await open_store(url, tmp_path, "a"), await open_store(url, tmp_path, "b")
    await one.history.put(rows("", [10], ok=3))
    await two.history.put(rows("", [10], ok=4))
    assert sorted((each.manager, each.row.point.ok) for each in await one.history.read("", 10, 0, 100)) == [
        ("a", 3),
        ("b", 4),
    ]
    assert [row.point.ok for row in await two.history.own(10, 10)] == [4]
    await one.close()
    await two.close()
