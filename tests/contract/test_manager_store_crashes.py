"""Manager stores over commits that break off anywhere, and commits that are repeated."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disio_manager.core.changes import AddForeign, Change, DeleteTask, DropBlock, DropFailures, PutBlock, PutStretch
from disio_manager.core.records import BlockRecord, LoadedTask
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.opening import open_store
from disio_shared.ranges import runs_of
from tests.contract.breaking_off import broke_off, closed_by
from tests.contract.manager_store_rows import (
    ME,
    all_results,
    begin,
    block,
    everything,
    failures,
    fresh_url,
    front,
    opener,
    put,
    results,
    stretch,
    task,
    votes,
)

KINDS = ["sqlite", "mongodb"]
OTHER = "manager-b"


def open_and_closed(loaded: LoadedTask) -> tuple[set[int], set[int], int]:
    """Return open indexes and all below the frontiers of the stretches that came with blocks; how many are closed.

    None may be in two blocks.
    """
    seen: set[int] = set()
    for one in loaded.blocks:
        [home] = [each for each in loaded.stretches if each.start <= one.start < each.stop]
        span = set(range(one.start, one.stop))
        assert one.stop <= home.frontier and not span & seen, "blocks overlap or pass the frontier"
        seen |= span - {i for a, b in loaded.closed[one.id] for i in range(a, b)}
    below = {i for each in loaded.stretches if each.owner == ME for i in range(each.start, each.frontier)}
    return seen, below, sum(each.done + each.failed for each in loaded.stretches if each.owner == ME)


async def check_nothing_is_lost(store: ManagerStore, loaded: LoadedTask, when: str) -> None:
    """Every index below a frontier of this manager is open in one block, or closed by one row."""
    seen, below, closed = open_and_closed(loaded)
    done = {row.index for row in await all_results(store)}
    failed = {row.index for row in await store.failures("task1", 0, 0)}
    assert not done & failed, f"done and failed {when}"
    assert seen | (done | failed) & below == below, f"lost {when}"
    assert not seen & (done | failed) and closed == len((done | failed) & below), f"doubled {when}"


LOST_TAIL = PutBlock(BlockRecord(id="b-rest", task="task1", start=5, stop=10, lease=0))
CUT_FRONT = PutBlock(BlockRecord(id="b1-0", task="task1", start=0, stop=5, lease=2, holder="e"))
GROUP: list[Change] = [
    results([10, 11, 12]),
    failures([13]),
    votes([0, 10]),
    DropBlock("b1-10", "task1"),
    LOST_TAIL,
    CUT_FRONT,
    block(20, 30, holder="d"),
    front(30, done=10, failed=1),
    block(30, 40, holder="d"),
    front(40, done=10, failed=1),
    put(task(), was="running"),
    put(task(2)),
]


async def test_no_index_is_lost_wherever_a_commit_to_mongodb_breaks_off(mongodb_uri: str, tmp_path: Path) -> None:
    for writes in range(20):
        open_again = opener("mongodb", tmp_path, mongodb_uri)
        store = await open_again()
        await begin(store, task(), 20)
        await store.commit([block(0, 10, holder="d"), block(10, 20, holder="d")])
        await store.commit([results(range(14, 20)), results([0])])
        broke = await broke_off(store, writes, lambda it: it.commit(GROUP))

        again = await open_again()
        for _ in range(2):  # the second load sees what the first has mended
            [loaded, *_] = await again.load()
            await check_nothing_is_lost(again, loaded, f"after {writes} writes")
            [seen] = [one for one in (await again.look([])).tasks if one.record.id == "task1"]
            assert seen.stretches == loaded.stretches, "others see counters that are not mended"
        await again.commit(GROUP)
        whole = (await again.load())[0]
        assert (whole.stretches[0].frontier, whole.record.done, whole.record.failed) == (40, 10, 1)
        assert len(await again.votes("task1", 0, 0)) == 2
        await again.close()
        if not broke:
            assert writes >= 8, "the commit makes fewer writes than there are steps"
            return
    raise AssertionError("the commit never got through")


async def test_no_index_is_lost_wherever_a_retry_in_mongodb_breaks_off(mongodb_uri: str, tmp_path: Path) -> None:
    group: list[Change] = [DropFailures("task1", [(3, 5)]), block(3, 5), front(10, done=8), put(task(), was="running")]
    for writes in range(8):
        open_again = opener("mongodb", tmp_path, mongodb_uri)
        store = await open_again()
        await begin(store, task(), 10)
        await store.commit([results([0, 1, 2, *range(5, 10)]), failures([3, 4]), front(10, done=8, failed=2)])
        broke = await broke_off(store, writes, lambda it: it.commit(group))
        again = await open_again()
        [loaded] = await again.load()
        await check_nothing_is_lost(again, loaded, f"after {writes} writes")
        await again.close()
        if not broke:
            assert loaded.record.failed == 0
            return
    raise AssertionError("the commit never got through")


async def test_no_index_is_lost_wherever_taking_over_breaks_off(mongodb_uri: str, tmp_path: Path) -> None:
    for writes in range(20):
        url = fresh_url("mongodb", mongodb_uri)
        gone = await open_store(url, tmp_path, OTHER)
        await gone.commit([put(task())])
        await gone.claim(stretch(0, 30, owner=OTHER))
        await gone.claim(stretch(30, 60, owner=OTHER))
        await gone.commit(
            [PutStretch(stretch(0, 30, frontier=20, owner=OTHER)), block(0, 10, holder="d"), block(10, 20)]
        )
        await gone.commit([PutStretch(stretch(30, 60, frontier=40, owner=OTHER)), block(30, 40, holder="d")])
        await gone.commit([results([0, 31]), failures([10])])
        await gone.commit([block(20, 25, holder="never granted")])
        await gone.close()
        store = await open_store(url, tmp_path, ME)
        broke = await broke_off(store, writes, lambda it: it.take_over(OTHER))

        again = await open_store(url, tmp_path, ME)
        [loaded] = await again.load()
        await check_nothing_is_lost(again, loaded, f"after {writes} writes")
        await again.take_over(OTHER)
        [loaded] = await again.load()
        await check_nothing_is_lost(again, loaded, f"after {writes} writes and a second try")
        assert {one.owner for one in loaded.stretches} == {ME}
        assert [(one.id, one.holder) for one in loaded.blocks] == [("b1-0", "d"), ("b1-10", ""), ("b1-30", "d")]
        await again.close()
        if not broke:
            assert writes >= 5
            return
    raise AssertionError("taking over never got through")


async def test_an_owner_hears_of_its_rows_wherever_another_ones_commit_breaks_off(
    mongodb_uri: str, tmp_path: Path
) -> None:
    """The commit was not acknowledged, so it comes again; after that the owner knows, by its notices or its rows."""
    group: list[Change] = [AddForeign(results([1, 2])), AddForeign(failures([2, 3]))]
    for writes in range(8):
        url = fresh_url("mongodb", mongodb_uri)
        owner = await open_store(url, tmp_path, ME)
        await begin(owner, task(), 10)
        await owner.commit([block(0, 10, holder="d")])
        other = await open_store(url, tmp_path, OTHER)
        broke = await broke_off(other, writes, lambda it: it.commit(group))
        other = await open_store(url, tmp_path, OTHER)
        await other.commit(group)
        told = await owner.look(["task1"])
        assert closed_by(told.notices) == ([(1, 3)], [(2, 4)]), f"after {writes} writes"
        await other.close()
        await owner.close()
        if not broke:
            return
    raise AssertionError("the commit never got through")


async def test_a_delete_that_broke_off_is_finished_at_the_next_load(mongodb_uri: str, tmp_path: Path) -> None:
    for writes in range(20):
        open_again = opener("mongodb", tmp_path, mongodb_uri)
        store = await open_again()
        await begin(store, task(), 10)
        await store.commit([block(0, 10), results([1, 2]), failures([3]), votes([1])])
        broke = await broke_off(store, writes, lambda it: it.commit([DeleteTask("task1")]))
        again: Any = await open_again()
        if writes:
            assert await again.task("task1") is None
            assert (await again.tasks("", "", 10, "")).total == 0
            assert (await again.look(["task1"])).tasks == []
            assert await again.load() == []
            for collection in ("tasks", "stretches", "blocks", "results", "failures", "votes", "chunks"):
                assert await again._db[collection].count_documents({}) == 0, collection
        await again.close()
        if not broke:
            return
    raise AssertionError("the delete never got through")


indexes = st.lists(st.integers(0, 29), min_size=1, max_size=6, unique=True)
numbers = st.integers(1, 2)
change = st.one_of(
    st.builds(lambda n, i: results(i, number=n), numbers, indexes),
    st.builds(lambda n, i: failures(i, number=n), numbers, indexes),
    st.builds(lambda n, s: block(s * 10, s * 10 + 10, number=n), numbers, st.integers(0, 2)),
    st.builds(lambda n, s: DropBlock(f"b{n}-{s * 10}", f"task{n}"), numbers, st.integers(0, 2)),
    st.builds(lambda n, state: put(task(n, state=state), "running"), numbers, st.sampled_from(["running", "done"])),
    st.builds(lambda n, at: front(at, number=n), numbers, st.integers(0, 30)),
    st.builds(lambda n, i: DropFailures(f"task{n}", runs_of(i)), numbers, indexes),
    st.builds(lambda n, i, v: votes(i, number=n, value=v), numbers, indexes, st.sampled_from([b"v", b"w"])),
    st.builds(lambda n: DeleteTask(f"task{n}"), numbers),
)


@pytest.mark.parametrize("kind", KINDS)
def test_any_group_committed_twice_equals_once(
    kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    """A group about tasks that are there is idempotent."""
    uri = request.getfixturevalue("mongodb_uri") if kind == "mongodb" else ""
    names = ["task1", "task2"]

    async def committed_twice(group: list[Change]) -> None:
        store = await opener(kind, tmp_path_factory.mktemp("db"), uri)()
        try:
            for name in (1, 2):
                await begin(store, task(name), 30)
            await store.commit(group)
            once = await everything(store, names)
            await store.commit(group)
            twice = await everything(store, names)
            assert [rows[1:] for rows in twice] == [rows[1:] for rows in once]
            assert [rows[0] and rows[0].record for rows in twice] == [rows[0] and rows[0].record for rows in once]
        finally:
            await store.close()

    @settings(
        max_examples=25 if kind == "sqlite" else 6,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(change, max_size=10))
    def check(group: list[Change]) -> None:
        # Rows that one group both adds and removes come back with a repeat only where it removes a whole task.
        asyncio.run(committed_twice(group))

    check()
