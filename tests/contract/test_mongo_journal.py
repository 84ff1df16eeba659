"""Journals that several managers write: nothing is left out, wherever anything breaks off."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from disio_manager.core.changes import AddForeign, AddResults, Change, DropNotices, NoteResults
from disio_manager.stores import mongo_books
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.journal import Position
from disio_manager.stores.opening import open_store
from tests.contract.breaking_off import broke_off
from tests.contract.manager_store_rows import (
    ME,
    all_results,
    begin,
    failures,
    fresh_url,
    front,
    opener,
    put,
    results,
    stretch,
    task,
)
from tests.contract.test_manager_store_journal import START, failed, pages, told

OTHER = "manager-b"


def at(seconds: float, indexes: list[int]) -> AddResults:
    return msgspec.structs.replace(results(indexes), at=seconds)


async def take_notices(store: ManagerStore) -> None:
    """Do what an owner does that hears of results."""
    notices = (await store.look(["task1"])).notices
    noted: list[Change] = [NoteResults("task1", notice.done) for notice in notices]
    await store.commit([*noted, DropNotices([notice.id for notice in notices])])


async def check_all_is_told(store: ManagerStore, when: str) -> None:
    assert set(await told(store)) == {row.index for row in await all_results(store)}, when
    assert set(await failed(store)) == {row.index for row in await store.failures("task1", 0, 0)}, when


@pytest.mark.parametrize("names_rows", [True, False], ids=["named", "counted"])
async def test_nothing_is_left_out_wherever_a_commit_breaks_off(
    names_rows: bool, mongodb_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a stretch's document names its results or its owner reads them."""
    monkeypatch.setattr(mongo_books, "MAX_RUNS", 1_000 if names_rows else 0)
    group: list[Change] = [results([10, 11, 12]), failures([13, 14]), front(100, done=5, failed=2)]
    for writes in range(12):
        open_again = opener("mongodb", tmp_path, mongodb_uri)
        store = await open_again()
        await begin(store, task(), 100)
        await store.commit([results([0, 1]), front(100, done=2)])
        broke = await broke_off(store, writes, lambda it: it.commit(group))
        again = await open_again()
        await again.load()
        await again.recount()
        await take_notices(again)
        await check_all_is_told(again, f"after {writes} writes")
        await again.commit(group)
        await check_all_is_told(again, f"after {writes} writes and a second try")
        await again.close()
        if not broke:
            assert writes >= 4
            return
    raise AssertionError("the commit never got through")


async def test_a_start_that_finds_all_told_tells_nothing_again(mongodb_uri: str, tmp_path: Path) -> None:
    open_again = opener("mongodb", tmp_path, mongodb_uri)
    store = await open_again()
    await begin(store, task(), 100)
    await store.commit([results([1, 3]), failures([2]), front(100, done=2, failed=1)])
    counts = []
    for _ in range(3):
        await store.close()
        store = await open_again()
        await store.load()
        await store.recount()
        database: Any = store
        counts.append(await database._db["arrivals"].count_documents({}))
    assert counts == [3, 3, 3], "results, failures, and once that the failures are still there"
    await store.close()


async def test_what_several_managers_accepted_comes_by_time(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    mine, other = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, OTHER)
    await begin(mine, task(), 1_000)
    for seconds in range(10):
        store = (mine, other)[seconds % 3 == 1]
        rows = at(float(seconds), [100 - seconds])
        await store.commit([rows if store is mine else AddForeign(rows)])
    assert await told(mine) == await told(other) == [100 - seconds for seconds in range(10)]
    page = await mine.journal.arrivals("task1", START, 4)
    assert {name: mark.seq for name, mark in page.position.marks.items()} == {ME: 3, OTHER: 1}
    again = Position.parse(page.position.text())
    assert await told(other, again) == [100 - seconds for seconds in range(4, 10)]
    assert (await pages(mine))[-1].position == await mine.journal.head("task1")
    await mine.close()
    await other.close()


async def test_pages_are_whole_though_one_manager_told_of_much_more(
    mongodb_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disio_manager.stores.mongo_journal.MAX_LOOKED_AT", 2)
    url = fresh_url("mongodb", mongodb_uri)
    mine, other = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, OTHER)
    await begin(mine, task(), 1_000)
    for seconds in range(9):
        await mine.commit([at(float(seconds), [seconds])])
    await other.commit([AddForeign(at(5.5, [55]))])
    await other.commit([AddForeign(at(0.5, [550]))])
    assert await told(mine) == [0, 1, 2, 3, 4, 5, 55, 550, 6, 7, 8]
    await mine.close()
    await other.close()


async def test_rows_of_a_manager_that_is_gone_are_told_by_who_takes_over(mongodb_uri: str, tmp_path: Path) -> None:
    for writes in range(1, 4):
        url = fresh_url("mongodb", mongodb_uri)
        gone = await open_store(url, tmp_path, OTHER)
        await gone.commit([put(task())])
        await gone.claim(stretch(0, 100, frontier=100, owner=OTHER))
        await broke_off(gone, writes, lambda it: it.commit([results([1, 2, 60])]))
        mine = await open_store(url, tmp_path, ME)
        await mine.take_over(OTHER)
        await mine.recount()
        await take_notices(mine)
        assert set(await told(mine)) == {1, 2, 60}, f"after {writes} writes"
        await mine.close()
