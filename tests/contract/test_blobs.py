"""What every blob store must do; one suite over SQLite's directory and MongoDB. Uploads: ``test_blob_uploads``."""

import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from disio_manager.core.changes import DeleteTask
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared.errors import InvalidDocument, StoreUnavailable
from tests.contract.manager_store_rows import ME, Opener, fresh_url, put, task
from tests.uploading import upload

BODY = bytes(range(256)) * 12_000
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(params=["sqlite", "mongodb"])
def url(request: pytest.FixtureRequest) -> str:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return fresh_url(str(request.param), uri)


@pytest.fixture
def open_again(url: str, tmp_path: Path) -> Opener:
    return lambda: open_store(url, tmp_path, ME)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    yield opened
    await opened.close()


async def whole(store: ManagerStore, sha256: str = SHA) -> bytes:
    return await store.blobs.read(sha256, 0, 1 << 30)


async def commit_task(store: ManagerStore, number: int, blob: str = SHA) -> None:
    await store.commit([put(msgspec.structs.replace(task(number), blob=blob))])


async def test_what_was_put_in_comes_out_whole_and_in_any_part(store: ManagerStore) -> None:
    assert await store.blobs.size(SHA) is None and await store.blobs.index(SHA, "files") is None
    assert await upload(store.blobs, BODY) is True
    assert await store.blobs.size(SHA) == len(BODY) and await whole(store) == BODY
    for start, size in [(0, 1), (1_048_575, 2), (1_048_576, 1_048_576), (len(BODY) - 3, 10), (len(BODY), 5), (7, 0)]:
        assert await store.blobs.read(SHA, start, size) == BODY[start : start + size]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, 2 << 20])
async def test_blobs_of_any_size_are_kept(store: ManagerStore, size: int) -> None:
    data = os.urandom(size)
    sha256 = hashlib.sha256(data).hexdigest()
    assert await upload(store.blobs, data) is True
    assert await store.blobs.size(sha256) == size and await whole(store, sha256) == data


async def test_a_second_upload_changes_nothing_and_says_so(store: ManagerStore) -> None:
    await upload(store.blobs, BODY)
    assert await upload(store.blobs, BODY) is False
    assert await upload(store.blobs, b"other", SHA) is False, "what is there is right: whoever sends it is told"
    assert await whole(store) == BODY


async def test_indexes_stay_beside_their_blob_and_go_with_it(store: ManagerStore, open_again: Opener) -> None:
    index = os.urandom(2_500_000)
    await upload(store.blobs, BODY)
    for kind, data in (("files", index), ("csv-0123456789abcdef", b"csv"), ("csv", b"")):
        await store.blobs.put_index(SHA, kind, data)
        await store.blobs.put_index(SHA, kind, data)
    await store.close()
    again = await open_again()
    assert await again.blobs.index(SHA, "files") == index and await whole(again) == BODY
    assert await again.blobs.index(SHA, "csv-0123456789abcdef") == b"csv"
    assert await again.blobs.index(SHA, "csv") == b"" and await again.blobs.index(SHA, "lines") is None
    await again.blobs.drop_orphans(time.time() + 100)
    assert await again.blobs.index(SHA, "files") is None
    assert await upload(again.blobs, BODY) is True
    assert await again.blobs.index(SHA, "files") is None
    await again.close()


async def test_a_blob_goes_with_the_last_task_that_names_it(store: ManagerStore) -> None:
    await upload(store.blobs, BODY)
    await store.blobs.put_index(SHA, "files", b"index")
    for number in (1, 2):
        await commit_task(store, number)
    await store.commit([DeleteTask("task1")])
    assert await store.blobs.size(SHA) == len(BODY)
    await store.commit([DeleteTask("task2")])
    assert await store.blobs.size(SHA) is None and await store.blobs.index(SHA, "files") is None
    assert await upload(store.blobs, BODY) is True and await whole(store) == BODY


async def test_only_old_blobs_that_no_task_names_are_orphans(store: ManagerStore) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    await upload(store.blobs, BODY)
    await upload(store.blobs, b"other")
    await commit_task(store, 1)
    await store.blobs.drop_orphans(time.time() - 3600)
    assert await store.blobs.size(other) == 5
    await store.blobs.drop_orphans(time.time() + 100)
    assert (await store.blobs.size(other), await store.blobs.size(SHA)) == (None, len(BODY))


async def test_a_reader_reads_and_writes_nothing(store: ManagerStore, url: str, tmp_path: Path) -> None:
    await store.cluster_id()
    await upload(store.blobs, BODY)
    await store.close()
    reader = await open_store(url, tmp_path, "")
    assert await whole(reader) == BODY and await reader.blobs.offset("0" * 64) == 0
    for refused in (upload(reader.blobs, b"x"), reader.blobs.finish(SHA), reader.blobs.drop_part(SHA)):
        with pytest.raises(StoreUnavailable):
            await refused
    await reader.close()


async def test_a_wrong_hash_leaves_nothing(store: ManagerStore) -> None:
    with pytest.raises(InvalidDocument, match="hash is"):
        await upload(store.blobs, BODY[:-1], SHA)
    assert await store.blobs.size(SHA) is None and await store.blobs.offset(SHA) == 0
    assert await upload(store.blobs, BODY) is True and await whole(store) == BODY
