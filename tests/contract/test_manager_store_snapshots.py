"""Snapshots: what every manager store must do with them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from disio_manager.core.changes import DeleteTask
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.snapshots import MAX_BYTES
from tests.contract.manager_store_rows import Opener, begin, opener, task


@pytest.fixture(params=["sqlite", "mongodb"])
def open_again(tmp_path: Path, request: pytest.FixtureRequest) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    yield opened
    await opened.close()


async def test_the_last_one_under_a_name_is_there_after_a_reopening(open_again: Opener) -> None:
    first = await open_again()
    for number in (1, 2):
        await begin(first, task(number))
    await first.snapshots.put("task1", "a", b"old")
    await first.snapshots.put("task1", "a", b"\x00new")
    await first.snapshots.put("task1", "b", b"other")
    await first.close()
    second = await open_again()
    assert await second.snapshots.get("task1", "a") == b"\x00new"
    assert await second.snapshots.get("task1", "b") == b"other"
    assert await second.snapshots.get("task2", "a") is None
    await second.close()


async def test_the_largest_one_fits(store: ManagerStore) -> None:
    await begin(store, task())
    body = bytes(MAX_BYTES)
    await store.snapshots.put("task1", "a", body)
    assert await store.snapshots.get("task1", "a") == body


async def test_they_go_with_their_task_and_come_to_none_that_is_gone(store: Any) -> None:
    await begin(store, task())
    await store.snapshots.put("task1", "a", b"x")
    await store.commit([DeleteTask("task1")])
    await store.snapshots.put("task1", "a", b"y")
    await store.snapshots.put("never", "a", b"y")
    assert await store.snapshots.get("task1", "a") is None
    await begin(store, task())  # under the same number, as none ever is: what were left of it would be found
    assert await store.snapshots.get("task1", "a") is None
