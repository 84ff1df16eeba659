"""A manager store's start that reads no results: documents of stretches name them, and a recount finds the others."""

from pathlib import Path
from typing import Any

import pytest

from disio_manager.core.changes import AddForeign, Change, DropBlock, NoteResults, PutStretch
from disio_manager.core.records import LoadedTask
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.mongo_books import MAX_RUNS
from disio_manager.stores.opening import open_store
from disio_shared.ranges import Run, runs_of
from tests.contract.breaking_off import broke_off, closed_by
from tests.contract.manager_store_rows import (
    ME,
    all_results,
    begin,
    block,
    failures,
    fresh_url,
    front,
    opener,
    put,
    results,
    stretch,
    task,
)

OTHER = "manager-b"
KINDS = ["sqlite", "mongodb"]


class NoResults:
    """A database in which nobody may read results."""

    def __init__(self, db: Any) -> None:
        self._db = db

    def __getitem__(self, name: str) -> Any:
        assert name != "results", "results are read"
        return self._db[name]


async def load_blind(store: Any) -> list[LoadedTask]:
    """Load with a store that must not read results; with SQLite that is not looked at."""
    if not store.is_shared:
        return list(await store.load())
    db, store._loader._db = store._loader._db, NoResults(store._loader._db)
    try:
        return list(await store.load())
    finally:
        store._loader._db = db


def done_of(loaded: LoadedTask) -> list[Run]:
    """Return the results of a task's one stretch, as its blocks and counters tell of them."""
    [home] = loaded.stretches
    is_open = {i for one in loaded.blocks for i in range(one.start, one.stop)}
    is_open -= {i for runs in loaded.closed.values() for a, b in runs for i in range(a, b)}
    failed = {i for a, b in loaded.failed for i in range(a, b)}
    done = set(range(home.start, home.frontier)) - is_open - failed
    assert len(done) == home.done == loaded.record.done
    return runs_of(sorted(done))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_start_reads_no_results(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    open_again = opener(kind, tmp_path, request.getfixturevalue("mongodb_uri") if kind == "mongodb" else "")
    store = await open_again()
    await begin(store, task())
    await store.commit([block(0, 10), block(10, 20), front(20)])
    await store.commit([results([0, 1, 11]), failures([12]), front(20, done=3, failed=1)])
    await store.close()
    for done in ([(0, 2), (11, 12)], [(0, 2), (11, 12), (15, 17)]):
        store = await open_again()
        [loaded] = await load_blind(store)
        assert done_of(loaded) == done
        assert loaded.failed == [(12, 13)]
        assert not await store.recount(), "nothing broke off"
        await store.commit([results([15, 16]), front(20, done=5, failed=1)])  # on what the start knew
        await store.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_results_without_their_counters_are_counted_at_the_next_start(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    open_again = opener(kind, tmp_path, request.getfixturevalue("mongodb_uri") if kind == "mongodb" else "")
    store = await open_again()
    await begin(store, task())
    await store.commit([block(0, 10), front(10), results([0]), front(10, done=1)])
    await store.commit([results([4])])
    await store.close()
    store = await open_again()
    [loaded] = await store.load()
    assert done_of(loaded) == [(0, 1), (4, 5)]
    await store.close()
    store = await open_again()
    [loaded] = await load_blind(store)  # the first start has put it right
    assert done_of(loaded) == [(0, 1), (4, 5)]
    await store.close()


async def test_what_a_release_that_names_no_results_counted_is_read(mongodb_uri: str, tmp_path: Path) -> None:
    open_again = opener("mongodb", tmp_path, mongodb_uri)
    store: Any = await open_again()
    await begin(store, task())
    await store.commit([block(0, 10), front(10), results([0]), front(10, done=1)])
    named = (await store._db["stretches"].find_one({}))["results"]
    await store.commit([results([3]), front(10, done=2)])
    await store._db["stretches"].update_one({}, {"$set": {"results": named}})
    await store.close()
    store = await open_again()
    [loaded] = await store.load()
    assert done_of(loaded) == [(0, 1), (3, 4)]
    await store.close()


async def test_scattered_results_are_read(mongodb_uri: str, tmp_path: Path) -> None:
    open_again = opener("mongodb", tmp_path, mongodb_uri)
    scattered = range(0, 2 * MAX_RUNS + 2, 2)
    store = await open_again()
    await begin(store, task(total=3_000))
    await store.commit([block(0, 3_000), front(3_000, total=3_000)])
    await store.commit([results(scattered), front(3_000, total=3_000, done=len(scattered))])
    await store.close()
    store = await open_again()
    [loaded] = await store.load()
    assert done_of(loaded) == [(at, at + 1) for at in scattered]
    await store.commit([results(range(1, 2_000, 2)), front(3_000, total=3_000, done=2_001)])
    await store.close()
    store = await open_again()
    [loaded] = await load_blind(store)  # few runs again
    assert done_of(loaded) == [(0, 2_001)]
    await store.close()


async def recounted(store: ManagerStore) -> set[int]:
    """Return the results that a recount tells of."""
    found = await store.recount()
    done, failed = closed_by((await store.look(["task1"])).notices)
    assert not failed
    assert found == bool(done)
    return {i for a, b in done for i in range(a, b)}


async def test_a_recount_finds_what_a_commit_wrote_before_it_broke_off(mongodb_uri: str, tmp_path: Path) -> None:
    group: list[Change] = [results([2, 10, 11]), failures([13]), block(20, 30), front(30, done=5, failed=1)]
    found_at = 0
    for writes in range(12):
        open_again = opener("mongodb", tmp_path, mongodb_uri)
        store = await open_again()
        await begin(store, task())
        await store.commit([block(0, 10), block(10, 20), front(20), results([0, 1]), front(20, done=2)])
        broke = await broke_off(store, writes, lambda it: it.commit(group))

        again = await open_again()
        [loaded] = await load_blind(again)
        rows = {row.index for row in await all_results(again)}
        done = {i for a, b in done_of(loaded) for i in range(a, b)}
        assert {0, 1} <= done <= rows, "what was acknowledged is known, and nothing that is not there"
        told = await recounted(again)
        assert told == rows - done, f"after {writes} writes"
        found_at += bool(told)
        # As the core does on hearing of them.
        [home] = loaded.stretches
        home.done += len(told)
        await again.commit([NoteResults("task1", runs_of(sorted(told))), PutStretch(home)])
        await again.close()
        again = await open_again()
        [loaded] = await load_blind(again)
        assert {i for a, b in done_of(loaded) for i in range(a, b)} == rows
        assert not await again.recount()
        await again.close()
        if not broke:
            assert found_at >= 2, "no commit broke off between its results and its counters"
            return
    raise AssertionError("the commit never got through")


async def test_what_ends_a_block_and_breaks_off_leaves_none_of_its_results_to_be_computed_again(
    mongodb_uri: str, tmp_path: Path
) -> None:
    group: list[Change] = [results(range(2, 10)), DropBlock("b1-0", "task1"), front(20, done=10)]
    for writes in range(8):
        open_again = opener("mongodb", tmp_path, mongodb_uri)
        store = await open_again()
        await begin(store, task())
        await store.commit([block(0, 10, holder="d"), block(10, 20), front(20), results([0, 1]), front(20, done=2)])
        broke = await broke_off(store, writes, lambda it: it.commit(group))

        again = await open_again()
        [loaded] = await again.load()
        rows = {row.index for row in await all_results(again)}
        holders = {one.id: one.holder for one in loaded.blocks}
        # What the distributor may hold is its own, and asks nobody else: it brings the rest of it again.
        assert holders in ({"b1-0": "d", "b1-10": ""}, {"b1-10": ""}), f"after {writes} writes"
        assert "b1-0" in holders or rows == set(range(10)), f"lost after {writes} writes"
        await again.close()
        if not broke:
            return
    raise AssertionError("the commit never got through")


async def test_a_recount_that_breaks_off_is_done_again(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    store: Any = await open_store(url, tmp_path, ME)
    await begin(store, task())
    await store.commit([block(0, 10), front(10), results([0]), front(10, done=1)])
    await broke_off(store, 1, lambda it: it.commit([results([5]), front(10, done=2)]))
    store = await open_store(url, tmp_path, ME)
    await store.load()
    db, store._sharing._db = store._sharing._db, NoResults(store._sharing._db)
    with pytest.raises(AssertionError, match="results are read"):
        await store.recount()
    store._sharing._db = db
    assert await recounted(store) == {5}
    await store.close()


async def test_who_takes_over_reads_no_results_either(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    gone = await open_store(url, tmp_path, OTHER)
    await gone.commit([put(task())])
    home = stretch(0, 1_000, owner=OTHER)
    await gone.claim(home)
    home.frontier, home.done = 10, 1
    await gone.commit([block(0, 10), results([0]), PutStretch(home)])
    await broke_off(gone, 1, lambda it: it.commit([results([7])]))
    store: Any = await open_store(url, tmp_path, ME)
    db, store._loader._db = store._loader._db, NoResults(store._loader._db)
    [loaded] = await store.take_over(OTHER)
    store._loader._db = db
    assert done_of(loaded) == [(0, 1)]
    assert await recounted(store) == {7}
    await store.close()


async def test_what_others_put_in_is_named_once_the_owner_has_heard_of_it(mongodb_uri: str, tmp_path: Path) -> None:
    url = fresh_url("mongodb", mongodb_uri)
    owner = await open_store(url, tmp_path, ME)
    await begin(owner, task())
    await owner.commit([block(0, 10), front(10)])
    other = await open_store(url, tmp_path, OTHER)
    await other.commit([AddForeign(results([4, 5]))])
    await other.close()
    [notice] = (await owner.look(["task1"])).notices
    await owner.commit([NoteResults("task1", notice.done), front(10, done=2)])
    await owner.close()
    owner = await open_store(url, tmp_path, ME)
    [loaded] = await load_blind(owner)
    assert done_of(loaded) == [(4, 6)]
    await owner.close()


async def test_a_manager_that_quarantines_a_payload_with_a_result_hears_of_the_result(
    mongodb_uri: str, tmp_path: Path
) -> None:
    store = await opener("mongodb", tmp_path, mongodb_uri)()
    await begin(store, task())
    await store.commit([block(0, 10), front(10)])
    await store.commit([results([4]), front(10)])  # memory that does not know of its row
    await store.commit([failures([4, 6]), front(10, failed=2)])
    assert [row.index for row in await store.failures("task1", 0, 0)] == [6]
    assert closed_by((await store.look(["task1"])).notices) == ([(4, 5)], [])
    await store.close()
