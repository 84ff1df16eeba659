"""Manager stores over broken off commits and databases that go away."""

import asyncio
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disio_manager.core.changes import Change, DeleteTask, DropBlock, DropFailures, PutBlock
from disio_manager.core.records import BlockRecord, LoadedTask
from disio_manager.stores.opening import open_store
from disio_shared.errors import ConfigError, StoreUnavailable
from tests.contract.manager_store_rows import all_results, block, everything, failures, opener, put, results, task
from tests.services.process import ServerProcess

KINDS = ["sqlite", "mongodb"]


class PowerFailure(BaseException):
    """The process ends here."""


class CountedWrites:
    """A database that lets only so many writes through."""

    def __init__(self, db: Any, writes: int) -> None:
        self._db, self.left = db, writes

    def __getitem__(self, name: str) -> "CountedCollection":
        return CountedCollection(self._db[name], self)


class CountedCollection:
    def __init__(self, collection: Any, counter: CountedWrites) -> None:
        self._collection, self._counter = collection, counter

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._collection, name)
        if not name.startswith(("insert", "replace", "update", "delete", "bulk")):
            return found
        if self._counter.left <= 0:
            raise PowerFailure
        self._counter.left -= 1
        return found


def open_and_closed(loaded: LoadedTask) -> tuple[set[int], int]:
    """Return open indexes below the frontier, after checking that none is in two blocks."""
    seen: set[int] = set()
    for one in loaded.blocks:
        span = set(range(one.start, one.stop))
        assert one.stop <= loaded.record.frontier and not span & seen, "blocks overlap or pass the frontier"
        seen |= span - {i for a, b in loaded.closed[one.id] for i in range(a, b)}
    return seen, loaded.record.done + loaded.record.failed


async def test_no_index_is_lost_wherever_a_commit_to_mongodb_breaks_off(mongodb_uri: str, tmp_path: Path) -> None:
    rest = PutBlock(BlockRecord(id="b-rest", task="task1", start=5, stop=10, lease=0))
    front = PutBlock(BlockRecord(id="b1-0", task="task1", start=0, stop=5, lease=2, holder="e"))
    group: list[Change] = [
        results([10, 11, 12]),
        failures([13]),
        DropBlock("b1-10", "task1"),
        rest,
        front,
        block(20, 30, holder="d"),
        put(task(frontier=30)),
        block(30, 40, holder="d"),
        put(task(frontier=40)),
        put(task(2, frontier=0)),
    ]
    for writes in range(8):
        open_again = opener("mongodb", tmp_path, mongodb_uri)
        store = await open_again()
        await store.commit([put(task(frontier=20)), block(0, 10, holder="d"), block(10, 20, holder="d")])
        await store.commit([results(range(14, 20)), results([0])])
        store._writer._db = CountedWrites(store._db, writes)  # type: ignore[attr-defined]
        broke = False
        try:
            await store.commit(group)
        except PowerFailure:
            broke = True
        await store.close()

        again = await open_again()
        for _ in range(2):  # the second load sees what the first has mended
            loaded = (await again.load())[0]
            seen, closed = open_and_closed(loaded)
            rows = {row.index for row in await all_results(again)}
            rows |= {row.index for row in await again.failures("task1", 0, 0)}
            assert seen | rows == set(range(loaded.record.frontier)), f"lost after {writes} writes"
            assert not seen & rows and closed == len(rows)
        await again.commit(group)
        whole = (await again.load())[0]
        assert whole.record.frontier == 40 and whole.record.done == 10 and whole.record.failed == 1
        await again.close()
        if not broke:
            return
    raise AssertionError("the commit never got through")


async def test_a_delete_that_broke_off_is_finished_at_the_next_load(mongodb_uri: str, tmp_path: Path) -> None:
    open_again = opener("mongodb", tmp_path, mongodb_uri)
    store = await open_again()
    await store.commit([put(task(frontier=10)), block(0, 10), results([1, 2])])
    store._writer._db = CountedWrites(store._db, 2)  # type: ignore[attr-defined]
    with pytest.raises(PowerFailure):
        await store.commit([DeleteTask("task1")])
    await store.close()
    again = await open_again()
    assert await again.task("task1") is None
    assert (await again.tasks("", "", 10, "")).total == 0
    assert await again.load() == []
    assert await again._db["tasks"].count_documents({}) == 0  # type: ignore[attr-defined]
    await again.close()


indexes = st.lists(st.integers(0, 29), min_size=1, max_size=6, unique=True)
numbers = st.integers(1, 2)
change = st.one_of(
    st.builds(lambda n, i: results(i, number=n), numbers, indexes),
    st.builds(lambda n, i: failures(i, number=n), numbers, indexes),
    st.builds(lambda n, s: block(s * 10, s * 10 + 10, number=n), numbers, st.integers(0, 2)),
    st.builds(lambda n, s: DropBlock(f"b{n}-{s * 10}", f"task{n}"), numbers, st.integers(0, 2)),
    st.builds(lambda n, state: put(task(n, frontier=30, state=state)), numbers, st.sampled_from(["running", "done"])),
    st.builds(lambda n: DropFailures(f"task{n}"), numbers),
    st.builds(lambda n: DeleteTask(f"task{n}"), numbers),
)


@pytest.mark.parametrize("kind", KINDS)
def test_any_group_committed_twice_equals_once(
    kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    """A group that begins with its tasks' rows, as every repeated one does, is idempotent."""
    uri = request.getfixturevalue("mongodb_uri") if kind == "mongodb" else ""
    names = ["task1", "task2"]

    async def committed_twice(group: list[Change]) -> None:
        store = await opener(kind, tmp_path_factory.mktemp("db"), uri)()
        try:
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
        whole = [put(task(1, frontier=30)), put(task(2, frontier=30)), *group]
        # Rows that one group both adds and removes come back with a repeat only where it removes a whole task.
        asyncio.run(committed_twice([DeleteTask("task1"), DeleteTask("task2"), *whole]))

    check()


# Databases that are not there


async def test_a_mongodb_that_is_not_there_is_reported_within_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"MongoDB at 127\.0\.0\.1:1: .*refused") as problem:
        await open_store("mongodb://user:secret@127.0.0.1:1/x", tmp_path)
    assert time.monotonic() - began < 8
    assert "secret" not in str(problem.value) and problem.value.remedy


async def test_a_mongodb_that_goes_away_is_reported_and_used_again_when_it_is_back(
    mongodb_server: ServerProcess, tmp_path: Path
) -> None:
    store = await opener("mongodb", tmp_path, mongodb_server.url)()
    await store.commit([put(task(frontier=10)), block(0, 10), results([1])])
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
        await open_store(url, tmp_path)


async def test_a_place_that_cannot_be_written_is_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailable) as problem:
        await open_store("", tmp_path / "file")
    assert "--data-dir" in problem.value.remedy


async def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to have a header of 100 bytes" * 9)
    with pytest.raises(StoreUnavailable, match=r"text\.db"):
        await open_store(f"sqlite:{tmp_path / 'text.db'}", tmp_path)
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreUnavailable, match="another program"):
        await open_store(f"sqlite:{tmp_path / 'other.db'}", tmp_path)


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    await (await open_store("", tmp_path)).close()
    newer = apsw.Connection(str(tmp_path / "manager.db"))
    newer.pragma("user_version", 99)
    newer.close()
    with pytest.raises(StoreUnavailable, match="version 99"):
        await open_store("", tmp_path)


async def test_two_managers_never_share_one_file(tmp_path: Path) -> None:
    first = await open_store("", tmp_path)
    with pytest.raises(StoreUnavailable, match="another manager"):
        await open_store("", tmp_path)
    await first.close()
    await (await open_store("", tmp_path)).close()


async def test_a_full_disk_is_reported_and_nothing_of_the_group_stays(tmp_path: Path) -> None:
    store = await open_store("", tmp_path)
    await store.commit([put(task(frontier=10)), block(0, 10), results([1])])
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
    store = await open_store("", tmp_path)
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.ping()
