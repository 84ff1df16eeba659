"""Documents with a version: what every manager store must do with them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from disio_manager.stores.base import ManagerStore
from disio_manager.stores.documents import MAX_BYTES, Versioned
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


async def test_one_that_was_put_is_there_after_a_reopening(open_again: Opener) -> None:
    first = await open_again()
    assert await first.documents.read("a") is None
    assert await first.documents.version("a") == 0
    assert await first.documents.replace("a", Versioned(7, b"\x00one"), 0)
    assert await first.documents.replace("b", Versioned(1 << 45, bytes(MAX_BYTES)), 0)
    await first.close()
    second = await open_again()
    assert await second.documents.read("a") == Versioned(7, b"\x00one")
    assert await second.documents.version("b") == 1 << 45
    found = await second.documents.read("b")
    assert found is not None and len(found.body) == MAX_BYTES
    await second.close()


async def test_only_who_saw_the_last_version_replaces_it(store: ManagerStore) -> None:
    documents = store.documents
    assert not await documents.replace("a", Versioned(2, b"x"), 1), "there is none to replace"
    assert await documents.replace("a", Versioned(1, b"one"), 0)
    assert not await documents.replace("a", Versioned(5, b"x"), 0)
    assert await documents.replace("a", Versioned(2, b"two"), 1)
    assert not await documents.replace("a", Versioned(3, b"x"), 1)
    assert await documents.read("a") == Versioned(2, b"two")


async def test_of_many_at_once_one_wins(store: ManagerStore) -> None:
    documents = store.documents
    assert await documents.replace("a", Versioned(1, b"one"), 0)
    tries = [documents.replace("a", Versioned(2 + at, b"%d" % at), 1) for at in range(8)]
    won = await asyncio.gather(*tries)
    assert won.count(True) == 1
    assert await documents.read("a") == Versioned(2 + won.index(True), b"%d" % won.index(True))
