"""Idempotency keys: what every manager store must do with them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from disio_manager.stores.base import ManagerStore
from disio_manager.stores.keys import StoredKey
from tests.contract.manager_store_rows import Opener, opener


@pytest.fixture(params=["sqlite", "mongodb"])
def open_again(tmp_path: Path, request: pytest.FixtureRequest) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    yield opened
    await opened.close()


async def test_the_first_one_takes_a_key_and_the_others_find_it(store: ManagerStore) -> None:
    assert await store.keys.remember("k1", "doc", "t1", 100.0) == StoredKey("doc", "t1")
    assert await store.keys.remember("k1", "other", "t2", 101.0) == StoredKey("doc", "t1")
    assert await store.keys.remember("k2", "other", "t2", 101.0) == StoredKey("other", "t2")


async def test_of_many_at_once_one_takes_it(store: ManagerStore) -> None:
    found = await asyncio.gather(*(store.keys.remember("k1", "doc", f"t{at}", 100.0) for at in range(8)))
    assert len(set(found)) == 1 and found[0].task in {f"t{at}" for at in range(8)}


async def test_keys_survive_a_reopening_and_the_task_s_delete(open_again: Opener) -> None:
    first = await open_again()
    await first.keys.remember("k1", "doc", "t1", 100.0)
    await first.keys.remember("k2", "doc", "t2", 100.0)
    await first.keys.void("t1")
    await first.keys.void("unknown")
    await first.close()
    second = await open_again()
    assert await second.keys.remember("k1", "doc", "t3", 100.0) == StoredKey("doc", "t1", is_void=True)
    assert await second.keys.remember("k2", "doc", "t3", 100.0) == StoredKey("doc", "t2")
    await second.close()


async def test_a_key_that_made_nothing_can_be_freed(store: ManagerStore) -> None:
    for key in ("k1", "k2"):
        await store.keys.remember(key, "doc", f"t-{key}", 100.0)
    await store.keys.free("k1")
    await store.keys.free("unknown")
    found = [await store.keys.remember(key, "doc", "fresh", 100.0) for key in ("k1", "k2")]
    assert [each.task for each in found] == ["fresh", "t-k2"]


async def test_a_key_is_kept_from_its_last_use_on(store: ManagerStore) -> None:
    for key, at in (("old", 100.0), ("used", 100.0), ("young", 300.0), ("used", 290.0)):
        await store.keys.remember(key, "doc", f"t-{key}", at)
    await store.keys.drop_keys(250.0)
    found = [await store.keys.remember(key, "doc", "fresh", 400.0) for key in ("old", "used", "young")]
    assert [each.task for each in found] == ["fresh", "t-used", "t-young"]
