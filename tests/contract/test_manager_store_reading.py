"""Stores opened for nobody, as a check opens them: they read what is there and write nothing."""

import shutil
from pathlib import Path

import apsw
import pytest

from disio_manager.core.changes import DropFailures
from disio_manager.stores.base import ManagerEntry
from disio_manager.stores.opening import open_store
from disio_shared.errors import StoreUnavailable
from tests.contract.manager_store_rows import (
    ME,
    all_results,
    begin,
    block,
    failures,
    fresh_url,
    put,
    results,
    stretch,
    task,
    votes,
)

KINDS = ["sqlite", "mongodb"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_reader_reads_everything_and_writes_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = fresh_url(kind, request.getfixturevalue("mongodb_uri") if kind == "mongodb" else "")
    owner = await open_store(url, tmp_path, ME)
    await begin(owner, task(), 10)
    await owner.commit([block(0, 10), results([1]), failures([2]), votes([1])])
    await owner.put_workunit("ab" * 32, "javascript", b"code")
    cluster, whole = await owner.cluster_id(), await owner.load_task("task1")
    await owner.close()
    reader = await open_store(url, tmp_path, "")
    for act in (
        reader.commit([put(task(2))]),
        reader.commit([DropFailures("task1", [(0, 5)])]),
        reader.next_number(),
        reader.put_workunit("cd" * 32, "javascript", b"code"),
    ):
        with pytest.raises(StoreUnavailable):
            await act
    if reader.is_shared:
        for shared in (reader.claim(stretch(500, 600)), reader.take_over(ME), reader.enlist(ManagerEntry("", "", 1.0))):
            with pytest.raises(StoreUnavailable, match="reading only"):
                await shared
    assert await reader.cluster_id() == cluster
    assert [row.index for row in await all_results(reader)] == [1]
    assert [row.index for row in await reader.failures("task1", 0, 0)] == [2]
    loaded = await reader.load_task("task1")
    assert loaded is not None and whole is not None and loaded.record.total == whole.record.total
    await reader.close()
    again = await open_store(url, tmp_path, ME)
    assert await again.load_task("task1") == whole
    await again.close()


async def test_a_reader_wants_a_database_that_is_there(tmp_path: Path, mongodb_uri: str) -> None:
    with pytest.raises(StoreUnavailable, match="not there"):
        await open_store("", tmp_path, "")
    with pytest.raises(StoreUnavailable, match="nothing of disio"):
        await open_store(fresh_url("mongodb", mongodb_uri), tmp_path, "")
    assert list(tmp_path.iterdir()) == []


async def test_a_reader_reads_what_a_killed_manager_left_in_its_log(tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    owner = await open_store("", tmp_path, ME)
    await begin(owner, task(), 10)
    await owner.commit([block(0, 10), results([1])])
    for name in ("manager.db", "manager.db-wal"):
        shutil.copy(tmp_path / name, left / name)
    await owner.close()
    reader = await open_store("", left, "")
    assert [row.index for row in await all_results(reader)] == [1]
    await reader.close()


async def test_a_reader_does_not_read_beside_a_manager_nor_convert_a_file(tmp_path: Path) -> None:
    owner = await open_store("", tmp_path, ME)
    with pytest.raises(StoreUnavailable, match="in use"):
        await open_store("", tmp_path, "")
    await owner.close()
    older = apsw.Connection(str(tmp_path / "manager.db"))
    older.pragma("user_version", 1)
    older.close()
    with pytest.raises(StoreUnavailable, match="start the manager once"):
        await open_store("", tmp_path, "")
