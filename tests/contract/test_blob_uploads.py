"""Uploads that break off and go on, one suite over both blob stores: what came is kept, nothing half is seen."""

import asyncio
import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gridfs
import pymongo
import pytest
import pytest_asyncio

from disio_manager.stores import blob_part, mongo_parts
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_manager.stores.uploads import NoSpace, UploadBusy, UploadConflict
from disio_shared.errors import BlobNotFound, InvalidDocument
from tests.contract.manager_store_rows import ME, Opener, fresh_url
from tests.contract.test_blobs import BODY, SHA, commit_task, whole
from tests.uploading import PIECE, pieces, upload
from tests.waiting import wait_until

GONE = ConnectionResetError("the uploader went away")
LOST = 1 << 20
"""Bytes at the end of what came that may not be here."""


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


async def broken_off(store: ManagerStore, offset: int, stop: int) -> int:
    """Send bytes until the connection breaks; return how many are here."""
    with pytest.raises(ConnectionResetError):
        await store.blobs.append(SHA, offset, pieces(BODY[offset:stop], fails=GONE), is_last=True)
    here = await store.blobs.offset(SHA)
    assert max(offset, stop - LOST) <= here <= stop
    return here


async def complete(store: ManagerStore, offset: int) -> None:
    """Send the rest and see that the blob is whole, and nothing else is here."""
    assert await store.blobs.append(SHA, offset, pieces(BODY[offset:]), is_last=True) == len(BODY)
    assert await store.blobs.finish(SHA) is True and await whole(store) == BODY
    await assert_nothing_else(store)


async def assert_nothing_else(store: ManagerStore) -> None:
    """See what nobody else can see: the store holds the one whole blob, and nothing of uploads that broke off."""
    inside: Any = store
    if store.is_shared:
        assert await inside._db["blobs.chunks"].count_documents({}) == -(-len(BODY) // (1 << 20))
        assert await inside._db["uploads"].count_documents({}) == 0
    else:
        assert [path.name for path in inside.blobs._folder.iterdir()] == [SHA]


async def test_an_upload_goes_on_wherever_it_is_cut(store: ManagerStore) -> None:
    here = 0
    for stop in range(PIECE, len(BODY), 2 * PIECE):
        here = await broken_off(store, here, stop)
        assert await store.blobs.size(SHA) is None
        with pytest.raises(BlobNotFound):
            await whole(store)
    assert here >= len(BODY) - 2 * PIECE - LOST
    await complete(store, here)


async def test_an_upload_goes_on_after_a_restart(store: ManagerStore, open_again: Opener) -> None:
    here = await broken_off(store, 0, 2_500_000)
    assert here >= 2_000_000
    await store.close()
    again = await open_again()
    assert await again.blobs.offset(SHA) == here
    await complete(again, here)
    await again.close()


async def test_an_upload_comes_in_requests_that_say_that_more_is_to_come(store: ManagerStore) -> None:
    here = 0
    while here + 1_500_000 < len(BODY):
        part = pieces(BODY[here : here + 1_500_000])
        here = await store.blobs.append(SHA, here, part, is_last=False)
        assert here == await store.blobs.offset(SHA)
    await complete(store, here)


async def test_an_end_that_came_is_finished_after_a_restart(store: ManagerStore, open_again: Opener) -> None:
    assert await store.blobs.append(SHA, 0, pieces(BODY), is_last=True) == len(BODY)
    await store.close()
    again = await open_again()
    here = await again.blobs.offset(SHA)
    assert len(BODY) - LOST < here <= len(BODY)
    await complete(again, here)
    await again.close()


async def test_it_goes_on_nowhere_else_and_from_nought_begins_anew(store: ManagerStore) -> None:
    with pytest.raises(UploadConflict) as refused:
        await store.blobs.append(SHA, 7, pieces(b""), is_last=True)
    assert refused.value.expected == 0
    here = await broken_off(store, 0, 2_500_000)
    for offset in (here - 1, here + 1, len(BODY)):
        with pytest.raises(UploadConflict) as refused:
            await store.blobs.append(SHA, offset, pieces(BODY), is_last=True)
        assert refused.value.expected == here == await store.blobs.offset(SHA)
    await complete(store, 0)


async def test_another_beginning_is_brought_to_light_by_the_hash_and_thrown_away(
    store: ManagerStore, open_again: Opener
) -> None:
    with pytest.raises(ConnectionResetError):
        await store.blobs.append(SHA, 0, pieces(bytes(2_500_000), fails=GONE), is_last=True)
    here = await store.blobs.offset(SHA)
    await store.blobs.append(SHA, here, pieces(BODY[here:]), is_last=True)
    with pytest.raises(InvalidDocument, match="hash is"):
        await store.blobs.finish(SHA)
    assert await store.blobs.offset(SHA) == 0 and await store.blobs.size(SHA) is None
    await complete(store, 0)


async def test_one_goes_on_with_an_upload_at_a_time(store: ManagerStore) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield BODY[:1_500_000]
        begun.set()
        await end.wait()
        yield BODY[1_500_000:]

    first = asyncio.create_task(store.blobs.append(SHA, 0, slow(), is_last=True))
    await begun.wait()
    for refused in (
        store.blobs.append(SHA, 0, pieces(BODY), is_last=True),
        store.blobs.finish(SHA),
        store.blobs.drop_part(SHA),
    ):
        with pytest.raises(UploadBusy):
            await refused
    assert await upload(store.blobs, b"another blob") is True
    await store.blobs.drop_old_parts(time.time() + 100)
    end.set()
    assert await first == len(BODY)
    assert await store.blobs.finish(SHA) is True and await whole(store) == BODY


async def test_what_is_given_up_is_forgotten(store: ManagerStore) -> None:
    await store.blobs.drop_part(SHA)
    await broken_off(store, 0, 2_500_000)
    await store.blobs.drop_part(SHA)
    assert await store.blobs.offset(SHA) == 0
    await complete(store, 0)


async def test_a_day_later_nothing_is_left_of_an_upload(store: ManagerStore) -> None:
    await upload(store.blobs, b"a whole one")
    here = await broken_off(store, 0, 2_500_000)
    await store.blobs.drop_old_parts(time.time() - 3600)
    await store.blobs.drop_orphans(time.time() + 100)
    assert await store.blobs.offset(SHA) == here and await store.blobs.size(_hash(b"a whole one")) is None
    await upload(store.blobs, b"a whole one")
    await store.blobs.drop_old_parts(time.time() + 100)
    assert await store.blobs.offset(SHA) == 0 and await store.blobs.size(_hash(b"a whole one")) == 11
    await store.blobs.drop_orphans(time.time() + 100)
    await complete(store, 0)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


KILLED = """
import asyncio, sys
from pathlib import Path
from disio_manager.stores.opening import open_store

async def parts(body):
    for at in range(0, 2_500_000, 100_000):
        yield body[at : at + 100_000]
    print("half", flush=True)
    await asyncio.Event().wait()

async def main():
    store = await open_store(sys.argv[1], Path(sys.argv[2]), sys.argv[4])
    await store.blobs.append(sys.argv[3], 0, parts(bytes(range(256)) * 12_000), is_last=True)

asyncio.run(main())
"""


def killed_in_the_middle(url: str, folder: Path, manager: str = ME) -> None:
    """Upload a part of the blob in a process of its own and kill that."""
    command = [sys.executable, "-c", KILLED, url, str(folder), SHA, manager]
    running = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert running.stdout is not None and running.stdout.readline() == b"half\n"
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    running.stdout.close()


async def test_what_a_killed_process_took_in_is_gone_on_with(url: str, tmp_path: Path, open_again: Opener) -> None:
    killed_in_the_middle(url, tmp_path)
    store = await open_again()
    assert await store.blobs.size(SHA) is None
    here = await store.blobs.offset(SHA)
    assert 2_500_000 - LOST <= here <= 2_500_000
    await complete(store, here)
    await commit_task(store, 1)
    await store.blobs.drop_orphans(time.time() + 100)
    await assert_nothing_else(store)
    await store.close()


async def test_a_manager_takes_over_what_another_one_left_when_that_has_been_silent(
    mongodb_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    killed_in_the_middle(url, tmp_path, "another manager")
    store = await open_store(url, tmp_path, ME)
    here = await store.blobs.offset(SHA)
    assert here == 2 << 20
    with pytest.raises(UploadBusy):
        await store.blobs.append(SHA, here, pieces(BODY[here:]), is_last=True)
    monkeypatch.setattr(mongo_parts, "STALE_S", 0.0)
    await complete(store, here)
    await store.close()


async def test_two_managers_that_write_one_upload_spoil_nothing(
    mongodb_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    mine, theirs = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, "another manager")
    monkeypatch.setattr(mongo_parts, "STALE_S", 0.0)
    begun, end = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield BODY[:1_500_000]
        begun.set()
        await end.wait()
        yield bytes(len(BODY) - 1_500_000)

    first = asyncio.create_task(mine.blobs.append(SHA, 0, slow(), is_last=True))
    await begun.wait()
    here = await theirs.blobs.offset(SHA)
    assert await theirs.blobs.append(SHA, here, pieces(BODY[here:]), is_last=True) == len(BODY)
    end.set()
    with pytest.raises(UploadBusy):
        await first
    assert await theirs.blobs.finish(SHA) is True and await whole(mine) == BODY
    for one in (mine, theirs):
        await one.close()


async def test_an_upload_that_was_to_begin_anew_and_did_not_is_kept(mongodb_uri: str, tmp_path: Path) -> None:
    store = await open_store(fresh_url("mongodb", mongodb_uri), tmp_path, ME)
    here = await broken_off(store, 0, 2_500_000)
    inside: Any = store
    upload_id = (await inside._db["uploads"].find_one({"_id": SHA}))["upload"]
    left = {"_id": upload_id, "upload": upload_id, "token": "", "owner": "", "at": 0.0}
    await inside._db["uploads"].insert_one(left)
    await store.blobs.drop_old_parts(time.time() - 3600)
    assert await store.blobs.append(SHA, here, pieces(BODY[here:]), is_last=True) == len(BODY)
    assert await store.blobs.finish(SHA) is True
    await store.blobs.drop_old_parts(time.time() - 3600)
    assert await whole(store) == BODY
    await assert_nothing_else(store)
    await store.close()


async def test_gridfs_reads_what_is_kept(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    store = await open_store(url, tmp_path, ME)
    await upload(store.blobs, BODY)

    def read() -> bytes:
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            bucket = gridfs.GridFSBucket(client.get_default_database(), bucket_name="blobs")
            return bucket.open_download_stream_by_name(SHA).read()

    assert await asyncio.to_thread(read) == BODY
    await store.close()


# What only a directory knows


async def test_a_full_disk_keeps_what_came_and_room_for_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store("", tmp_path, ME)
    usage = shutil.disk_usage(tmp_path)
    free = [200 << 20, 200 << 20, 20 << 20]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free.pop(0)))
    with pytest.raises(NoSpace, match="disk is full"):
        await store.blobs.append(SHA, 0, pieces(BODY), is_last=True)
    monkeypatch.undo()
    assert await store.blobs.offset(SHA) == 2 * PIECE
    await complete(store, 2 * PIECE)
    await store.close()


async def test_a_write_that_comes_half_way_is_gone_on_with_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store("", tmp_path, ME)
    write = blob_part.Part._write

    def half(self: blob_part.Part, data: memoryview) -> None:
        if self.digest.size:
            write(self, data[:1_000])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, data)

    monkeypatch.setattr(blob_part.Part, "_write", half)
    with pytest.raises(NoSpace):
        await store.blobs.append(SHA, 0, pieces(BODY), is_last=True)
    monkeypatch.undo()
    assert await store.blobs.offset(SHA) == PIECE + 1_000
    await complete(store, PIECE + 1_000)
    await store.close()


async def test_an_end_that_a_power_cut_spoilt_is_brought_to_light(tmp_path: Path) -> None:
    store = await open_store("", tmp_path, ME)
    here = await broken_off(store, 0, 2_500_000)
    await store.close()
    part = tmp_path / "blobs" / f"{SHA}.part"
    part.write_bytes(part.read_bytes()[: here - 4_096] + bytes(4_096))
    again = await open_store("", tmp_path, ME)
    await again.blobs.append(SHA, here, pieces(BODY[here:]), is_last=True)
    with pytest.raises(InvalidDocument, match="hash is"):
        await again.blobs.finish(SHA)
    await complete(again, 0)
    await again.close()


async def test_half_an_index_is_cleared_away_at_the_next_start(tmp_path: Path) -> None:
    store = await open_store("", tmp_path, ME)
    await upload(store.blobs, BODY)
    await store.close()
    left = tmp_path / "blobs" / f"{SHA}.lines.index.abc.draft"
    left.write_bytes(b"half")
    again = await open_store("", tmp_path, ME)
    await wait_until(lambda: not left.exists())
    assert await again.blobs.index(SHA, "lines") is None
    await again.close()
