"""What every blob store must do; one suite over SQLite's directory and MongoDB."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from disio_manager.core.changes import DeleteTask
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared.errors import BlobNotFound, InvalidDocument, StoreUnavailable
from tests.contract.manager_store_rows import ME, Opener, fresh_url, put, task

PART = 300_000
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


async def parts(body: bytes = BODY, *, fails: Exception | None = None) -> AsyncIterator[bytes]:
    for at in range(0, len(body), PART):
        yield body[at : at + PART]
    if fails is not None:
        raise fails


async def whole(store: ManagerStore, sha256: str = SHA) -> bytes:
    return await store.blobs.read(sha256, 0, 1 << 30)


async def commit_task(store: ManagerStore, number: int, blob: str = SHA) -> None:
    await store.commit([put(msgspec.structs.replace(task(number), blob=blob))])


async def test_what_was_put_in_comes_out_whole_and_in_any_part(store: ManagerStore) -> None:
    assert await store.blobs.size(SHA) is None and await store.blobs.index(SHA) is None
    assert await store.blobs.put(SHA, parts()) is True
    assert await store.blobs.size(SHA) == len(BODY) and await whole(store) == BODY
    for start, size in [(0, 1), (1_048_575, 2), (1_048_576, 1_048_576), (len(BODY) - 3, 10), (len(BODY), 5), (7, 0)]:
        assert await store.blobs.read(SHA, start, size) == BODY[start : start + size]


async def test_a_second_upload_changes_nothing_and_says_so(store: ManagerStore) -> None:
    await store.blobs.put(SHA, parts())
    assert await store.blobs.put(SHA, parts()) is False
    with pytest.raises(InvalidDocument):
        await store.blobs.put(SHA, parts(b"other"))
    assert await whole(store) == BODY


async def test_two_uploads_at_a_time_leave_one_whole_blob(store: ManagerStore) -> None:
    await asyncio.gather(*(store.blobs.put(SHA, parts()) for _ in range(3)))
    assert await whole(store) == BODY
    await store.blobs.drop_orphans(time.time() + 100)
    assert await store.blobs.size(SHA) is None


@pytest.mark.parametrize("fails", [None, ConnectionResetError("the uploader went away")])
async def test_a_wrong_hash_and_a_broken_upload_leave_nothing(
    store: ManagerStore, open_again: Opener, fails: Exception | None
) -> None:
    body = BODY if fails else BODY[:-1]
    with pytest.raises(type(fails) if fails else InvalidDocument):
        await store.blobs.put(SHA, parts(body, fails=fails))
    assert await store.blobs.size(SHA) is None
    with pytest.raises(BlobNotFound):
        await whole(store)
    assert await store.blobs.put(SHA, parts()) is True and await whole(store) == BODY


async def test_an_index_stays_beside_its_blob_and_goes_with_it(store: ManagerStore, open_again: Opener) -> None:
    index = os.urandom(2_500_000)
    await store.blobs.put(SHA, parts())
    await store.blobs.put_index(SHA, index)
    assert await store.blobs.index(SHA) == index
    await store.close()
    again = await open_again()
    assert await again.blobs.index(SHA) == index and await whole(again) == BODY
    await again.blobs.drop_orphans(time.time() + 100)
    assert await again.blobs.index(SHA) is None
    await again.close()


async def test_a_blob_goes_with_the_last_task_that_names_it(store: ManagerStore) -> None:
    await store.blobs.put(SHA, parts())
    await store.blobs.put_index(SHA, b"index")
    for number in (1, 2):
        await commit_task(store, number)
    await store.commit([DeleteTask("task1")])
    assert await store.blobs.size(SHA) == len(BODY)
    await store.commit([DeleteTask("task2")])
    assert await store.blobs.size(SHA) is None and await store.blobs.index(SHA) is None
    assert await store.blobs.put(SHA, parts()) is True and await whole(store) == BODY


async def test_only_old_blobs_that_no_task_names_are_orphans(store: ManagerStore) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    await store.blobs.put(SHA, parts())
    await store.blobs.put(other, parts(b"other"))
    await commit_task(store, 1)
    await store.blobs.drop_orphans(time.time() - 3600)
    assert await store.blobs.size(other) == 5
    await store.blobs.drop_orphans(time.time() + 100)
    assert (await store.blobs.size(other), await store.blobs.size(SHA)) == (None, len(BODY))


async def test_a_reader_reads_and_writes_nothing(store: ManagerStore, url: str, tmp_path: Path) -> None:
    await store.cluster_id()
    await store.blobs.put(SHA, parts())
    await store.close()
    reader = await open_store(url, tmp_path, "")
    assert await whole(reader) == BODY
    with pytest.raises(StoreUnavailable):
        await reader.blobs.put(hashlib.sha256(b"x").hexdigest(), parts(b"x"))
    await reader.close()


UPLOAD = """
import asyncio, sys
from pathlib import Path
from disio_manager.stores.opening import open_store

async def parts():
    for _ in range(4):
        yield b"x" * (1 << 20)
    print("half", flush=True)
    await asyncio.Event().wait()

async def main():
    store = await open_store(sys.argv[1], Path(sys.argv[2]), "manager-a")
    await store.blobs.put(sys.argv[3], parts())

asyncio.run(main())
"""


def killed_in_the_middle(url: str, folder: Path, sha256: str) -> None:
    """Upload half a blob in a process of its own and kill that."""
    running = subprocess.Popen([sys.executable, "-c", UPLOAD, url, str(folder), sha256], stdout=subprocess.PIPE)
    assert running.stdout is not None and running.stdout.readline() == b"half\n"
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    running.stdout.close()


async def test_half_an_upload_of_a_killed_process_never_looks_whole_and_is_cleared_away(
    url: str, tmp_path: Path, open_again: Opener
) -> None:
    killed_in_the_middle(url, tmp_path, SHA)
    store = await open_again()
    assert await store.blobs.size(SHA) is None
    with pytest.raises(BlobNotFound):
        await whole(store)
    await store.blobs.put(SHA, parts())
    await commit_task(store, 1)
    await store.blobs.drop_orphans(time.time() + 100)
    assert await whole(store) == BODY
    if url:
        database = store._db  # type: ignore[attr-defined]  # what is left of it nobody else can see
        assert await database["blob_chunks"].count_documents({}) == -(-len(BODY) // (1 << 20))
        assert await database["uploads"].count_documents({}) == 0
    else:
        assert [path.name for path in (tmp_path / "blobs").iterdir()] == [SHA]
    await store.close()
