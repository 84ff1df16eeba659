"""Results that satisfy the ``stop_when`` of their task: stored with the results, counted, read, judged for others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from disio_manager.core.changes import AddForeign, AddResults, Change, DeleteTask
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared.errors import OwnershipLost
from tests.contract.breaking_off import broke_off, closed_by
from tests.contract.manager_store_rows import (
    FOUND,
    ME,
    Opener,
    begin,
    block,
    failures,
    finds,
    fresh_url,
    front,
    opener,
    put,
    results,
    searching,
    stretch,
    task,
)

OTHER = "manager-b"


@pytest_asyncio.fixture(params=["sqlite", "mongodb"])
async def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    found = await open_again()
    await begin(found, searching(), 100)
    yield found
    await found.close()


async def found_in(store: ManagerStore, start: int = 0, limit: int = 0, name: str = "task1") -> list[int]:
    rows = [row async for page in store.matches(name, start, limit) for row in page]
    assert all(row.value == FOUND for row in rows)
    return [row.index for row in rows]


def mixed(indexes: list[int], matching: list[int]) -> AddResults:
    rows = results(indexes)
    values = [FOUND if index in matching else value for index, value in zip(indexes, rows.values, strict=True)]
    return msgspec.structs.replace(rows, values=values, matching=matching)


async def test_they_are_counted_and_read_in_index_order(store: ManagerStore, open_again: Opener) -> None:
    await store.commit([block(0, 100), mixed([7, 3, 5, 4], [7, 3]), failures([8])])
    await store.commit([finds([50]), front(100, done=5, failed=1, matched=3)])
    assert await found_in(store) == [3, 7, 50]
    assert (await found_in(store, 4), await found_in(store, 0, 2), await found_in(store, 51)) == ([7, 50], [3, 7], [])
    assert await found_in(store, name="none") == []
    assert await store.indexes("matches", "task1", 4, 1) == [7]
    await store.close()
    again = await open_again()
    [loaded] = await again.load()
    assert (loaded.record.matched, loaded.stretches[0].matched, loaded.record.done) == (3, 3, 5)
    [row] = (await again.tasks("", "", 10, "")).items
    assert row.matched == 3 and (await again.look([])).tasks[0].record.matched == 3
    await again.close()


async def test_a_group_that_is_committed_again_changes_nothing(store: ManagerStore) -> None:
    group: list[Change] = [mixed([1, 2, 3], [2]), front(100, done=3, matched=1)]
    for _ in range(2):
        await store.commit(group)
        assert await found_in(store) == [2]
    loaded = await store.load_task("task1")
    assert loaded is not None and (loaded.record.done, loaded.record.matched) == (3, 1)


async def test_an_end_is_stored_with_what_ended_it(store: ManagerStore) -> None:
    ended = searching(state="done", ended_by="stop_when")
    await store.commit([finds([1, 2]), front(100, done=2, matched=2), put(ended, was="running")])
    row = await store.task("task1")
    assert row is not None and (row.state, row.ended_by, row.matched, row.done) == ("done", "stop_when", 2, 2)
    assert await store.load() == [] and await found_in(store) == [1, 2]


async def test_what_others_were_sent_is_judged_by_the_store(store: ManagerStore) -> None:
    """They may not have heard of the task."""
    rows = msgspec.structs.replace(results([1, 2, 3]), values=[FOUND, b"1", FOUND])
    await store.commit([AddForeign(rows), AddForeign(failures([4]))])
    assert await found_in(store) == [1, 3]
    await begin(store, task(2), 100)
    await store.commit([AddForeign(msgspec.structs.replace(results([1], number=2), values=[FOUND]))])
    assert await found_in(store, name="task2") == []


async def test_they_go_with_their_task(store: ManagerStore) -> None:
    await begin(store, searching(2), 100)
    await store.commit([finds([1, 2]), finds([3], number=2)])
    await store.commit([DeleteTask("task1")])
    await begin(store, searching(), 100)
    assert await found_in(store) == [] and await found_in(store, name="task2") == [3]


async def test_a_large_search_comes_in_pages(store: ManagerStore) -> None:
    await store.commit([finds(range(0, 1_000, 2)), finds(range(1, 1_000, 2))])
    await begin(store, searching(2, total=5_000), 5_000)
    await store.commit([finds(range(5_000), number=2)])
    assert await found_in(store) == list(range(1_000))
    assert await found_in(store, 10, 4_500, name="task2") == list(range(10, 4_510))
    assert await store.indexes("matches", "task2", 5, 3_000) == list(range(5, 3_005))


# Several managers


async def test_an_owner_hears_which_of_its_payloads_were_found(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    mine, other = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, OTHER)
    await begin(mine, searching(), 100)
    rows = msgspec.structs.replace(results([1, 2, 3]), values=[FOUND, b"1", FOUND])
    await other.commit([AddForeign(rows)])
    [notice] = (await mine.look(["task1"])).notices
    assert (notice.done, notice.matched) == ([(1, 4)], [1, 3])
    await mine.close()
    await other.close()


async def test_two_results_of_which_one_is_found_are_not_both_counted(mongodb_uri: str, tmp_path: Path) -> None:
    """Whoever counted the one that was not stored loads anew, and then counts what is there."""
    url = fresh_url("mongodb", mongodb_uri)
    mine, other = await open_store(url, tmp_path, ME), await open_store(url, tmp_path, OTHER)
    await begin(mine, searching(), 100)
    found = msgspec.structs.replace(results([1]), values=[FOUND])
    await other.commit([AddForeign(found), AddForeign(results([2]))])
    for mistaken in (results([1, 5]), finds([2, 6])):
        with pytest.raises(OwnershipLost, match="results"):
            await mine.commit([mistaken, front(100, done=2)])
    await mine.commit([finds([1]), results([2])])
    await mine.load()
    assert await mine.recount() and await found_in(mine) == [1, 6]
    notices = (await mine.look(["task1"])).notices
    assert {index for notice in notices for index in notice.matched} == {1, 6}
    assert closed_by(notices) == ([(1, 3), (5, 7)], [])
    await mine.close()
    await other.close()


async def test_finds_are_never_lost_wherever_a_commit_breaks_off(mongodb_uri: str, tmp_path: Path) -> None:
    ended = searching(state="done", ended_by="stop_when")
    group: list[Change] = [mixed([10, 11, 12], [10, 12]), front(100, done=5, matched=2), put(ended, was="running")]
    for writes in range(12):
        open_again = opener("mongodb", tmp_path, mongodb_uri)
        store = await open_again()
        await begin(store, searching(), 100)
        await store.commit([block(0, 100, holder="d"), results([0, 1]), front(100, done=2)])
        broke = await broke_off(store, writes, lambda it: it.commit(group))
        again = await open_again()
        loaded = await again.load()
        if not loaded:
            assert not broke and writes >= 4
            row = await again.task("task1")
            assert row is not None and (row.ended_by, row.matched) == ("stop_when", 2)
            await again.close()
            return
        await check_finds(again, loaded[0])
        await again.commit(group)
        assert await found_in(again) == [10, 12]
        await again.close()
    raise AssertionError("the commit never got through")


async def check_finds(store: ManagerStore, loaded: Any) -> None:
    """What is there is counted at once, or told of after a recount."""
    known = loaded.record.matched
    await store.recount()
    told = [index for notice in (await store.look(["task1"])).notices for index in notice.matched]
    there = {row.index for row in [row async for page in store.results("task1", 0, 0) for row in page]}
    assert known + len(told) == len(there & {10, 12})
    assert await found_in(store) == sorted(there & {10, 12})


async def test_finds_of_a_manager_that_is_gone_are_counted_by_who_takes_over(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    gone = await open_store(url, tmp_path, OTHER)
    await gone.commit([put(searching())])
    for start in (0, 50):
        await gone.claim(stretch(start, start + 50, frontier=start + 50, owner=OTHER))
    rows = mixed([1, 2, 60], [2, 60])
    await gone.commit([rows])
    await gone.close()
    mine = await open_store(url, tmp_path, ME)
    [loaded] = await mine.take_over(OTHER)
    assert [(row.start, row.done, row.matched) for row in loaded.stretches] == [(0, 2, 1), (50, 1, 1)]
    assert (await mine.look([])).tasks[0].record.matched == 2, "others see counters that are not mended"
    await mine.close()
