"""Manager stores over databases that are not there, not ours, full, older, or in use."""

import time
from pathlib import Path

import apsw
import pytest

from disio_manager.stores.opening import open_store
from disio_shared.errors import ConfigError, StoreUnavailable
from tests.contract.manager_store_rows import ME, all_results, begin, block, opener, results, task
from tests.services.process import ServerProcess


async def test_a_mongodb_that_is_not_there_is_reported_within_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"MongoDB at 127\.0\.0\.1:1: .*refused") as problem:
        await open_store("mongodb://user:secret@127.0.0.1:1/x", tmp_path, ME)
    assert time.monotonic() - began < 8
    assert "secret" not in str(problem.value) and problem.value.remedy


async def test_a_mongodb_that_goes_away_is_reported_and_used_again_when_it_is_back(
    mongodb_server: ServerProcess, tmp_path: Path
) -> None:
    store = await opener("mongodb", tmp_path, mongodb_server.url)()
    await begin(store, task(), 10)
    await store.commit([block(0, 10), results([1])])
    mongodb_server.stop()
    for act in (store.commit([results([2])]), store.load(), store.ping(), store.next_number()):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await act
        assert time.monotonic() - began < 8
    mongodb_server.start()
    await store.commit([results([3])])
    assert [row.index for row in await all_results(store)] == [1, 3]
    await store.close()


@pytest.mark.parametrize("url", ["postgres://x", "mongodb://", "mongodb://host:notaport/x"])
async def test_a_wrong_url_is_a_wrong_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--db"):
        await open_store(url, tmp_path, ME)


async def test_a_place_that_cannot_be_written_is_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailable) as problem:
        await open_store("", tmp_path / "file", ME)
    assert "--data-dir" in problem.value.remedy


async def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to have a header of 100 bytes" * 9)
    with pytest.raises(StoreUnavailable, match=r"text\.db"):
        await open_store(f"sqlite:{tmp_path / 'text.db'}", tmp_path, ME)
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreUnavailable, match="another program"):
        await open_store(f"sqlite:{tmp_path / 'other.db'}", tmp_path, ME)


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    await (await open_store("", tmp_path, ME)).close()
    newer = apsw.Connection(str(tmp_path / "manager.db"))
    newer.pragma("user_version", 99)
    newer.close()
    with pytest.raises(StoreUnavailable, match="version 99"):
        await open_store("", tmp_path, ME)


async def test_two_managers_never_share_one_file(tmp_path: Path) -> None:
    first = await open_store("", tmp_path, ME)
    with pytest.raises(StoreUnavailable, match="another manager"):
        await open_store("", tmp_path, ME)
    await first.close()
    await (await open_store("", tmp_path, ME)).close()


async def test_a_full_disk_is_reported_and_nothing_of_the_group_stays(tmp_path: Path) -> None:
    store = await open_store("", tmp_path, ME)
    await begin(store, task(), 10)
    await store.commit([block(0, 10), results([1])])
    pages = store._write.pragma("page_count")  # type: ignore[attr-defined]
    store._write.pragma("max_page_count", pages)  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable, match="full") as problem:
        await store.commit([results([2]), results([3], value=b"x" * 100_000)])
    assert problem.value.remedy
    assert [row.index for row in await all_results(store)] == [1]
    store._write.pragma("max_page_count", 2**30)  # type: ignore[attr-defined]
    await store.commit([results([2])])
    assert [row.index for row in await all_results(store)] == [1, 2]
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await open_store("", tmp_path, ME)
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.ping()
