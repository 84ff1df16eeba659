"""Journals: what was accepted, in the order it was, over both kinds of stores. SQLite tells of each result once."""

import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest
import pytest_asyncio

from disio_manager.core.changes import AddForeign, DeleteTask, DropFailures
from disio_manager.stores import journal
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.journal import ArrivalPage, JournalReader, Mark, Position
from disio_manager.stores.sqlite import SqliteStore
from disio_manager.stores.sqlite_schema import LATER_INDEXES, SINCE_5, SINCE_6
from disio_shared.errors import StoreUnavailable
from disio_shared.ranges import RangeSet
from tests.contract.manager_store_rows import ME, Opener, begin, block, failures, opener, results, task

START = Position()


@pytest_asyncio.fixture(params=["sqlite", "mongodb"])
async def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    return opener(request.param, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    found = await open_again()
    await begin(found, task(), 1_000)
    yield found
    await found.close()


@pytest_asyncio.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A file alone, for what only a file promises."""
    found = await SqliteStore.open(tmp_path / "manager.db", ME)
    await begin(found, task(), 1_000)
    yield found
    await found.close()


async def pages(store: ManagerStore, after: Position = START, limit: int = 0, name: str = "task1") -> list[ArrivalPage]:
    found = []
    while True:
        page = await store.journal.arrivals(name, after, limit)
        found.append(page)
        if page.is_end:
            return found
        assert page.position != after, "no page without an end may stand still"
        after = page.position


async def told(store: ManagerStore, after: Position = START, limit: int = 0, name: str = "task1") -> list[int]:
    """Return the indexes of results in the order of the journal, less repeats."""
    reader = JournalReader(store.journal, name, after, RangeSet())
    seen: list[int] = []
    while True:
        page = await reader.page(limit)
        seen += [row.index for row in page.results]
        if page.is_end:
            return seen


async def failed(store: ManagerStore, after: Position = START) -> list[int]:
    return [row.index for page in await pages(store, after) for row in page.failures]


async def test_results_come_in_the_order_in_which_they_were_accepted(store: ManagerStore) -> None:
    assert (await store.journal.arrivals("task1", START, 0)).is_end
    for indexes in ([500, 501], [3], [40, 41, 42, 44], [0, 1]):
        await store.commit([block(0, 1_000), results(indexes)])
    [page] = await pages(store)
    assert [row.index for row in page.results] == [500, 501, 3, 40, 41, 42, 44, 0, 1] and page.failures == []
    assert (page.results[2].value, page.results[2].client) == (b"v3", "c1")
    assert page.position == await store.journal.head("task1")
    await store.commit([results([7])])
    assert await told(store, page.position) == [7]


async def test_a_position_is_a_text_that_can_be_read_on_from_after_a_restart(open_again: Opener) -> None:
    store = await open_again()
    await begin(store, task(), 1_000)
    await store.commit([results([5, 6, 9])])
    page = await store.journal.arrivals("task1", START, 2)
    await store.commit([results([1])])
    await store.close()
    store = await open_again()
    await store.commit([results([2])])
    assert await told(store, Position.parse(page.position.text())) == [9, 1, 2]
    await store.close()


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 0])
async def test_pages_of_any_size_tell_everything_once(store: ManagerStore, limit: int) -> None:
    seed = random.Random(limit)
    indexes = seed.sample(range(1_000), 200)
    expected = []
    while indexes:
        group, indexes = indexes[: (size := seed.randrange(1, 30))], indexes[size:]
        await store.commit([results(group)])
        expected.append(sorted(group))
    found = await pages(store, limit=limit)
    assert [row.index for page in found for row in page.results] == [index for group in expected for index in group]
    assert limit == 0 or max(len(page.results) for page in found) <= limit


async def test_an_arrival_of_very_many_runs_is_read_in_parts(store: ManagerStore) -> None:
    await store.commit([results(range(0, 1_000, 2))])
    await store.commit([results([1])])
    for limit in (0, 99, 100, 101):
        assert await told(store, limit=limit) == [*range(0, 1_000, 2), 1]


async def test_large_results_make_short_pages(store: ManagerStore) -> None:
    await store.commit([results(range(10), value=b"x" * 1_000_000)])
    found = await pages(store)
    assert [len(page.results) for page in found] == [5, 5, 0]
    assert await told(store) == list(range(10))


async def test_a_group_that_is_committed_again_leaves_nothing_out(store: ManagerStore) -> None:
    for _ in range(2):
        await store.commit([results([10, 11, 12]), failures([20])])
    await store.commit([results([11, 12, 13, 9])])
    await store.commit([AddForeign(results([13, 14]))])
    assert await told(store) in ([10, 11, 12, 9, 13, 14], [10, 11, 12, 13, 9, 14])
    assert set(await failed(store)) == {20}


async def test_failures_come_as_they_stand_and_again_when_they_fail_again(store: ManagerStore) -> None:
    await store.commit([failures([4, 5]), results([6])])
    [page] = await pages(store)
    assert [row.index for row in page.failures] == [4, 5] and page.failures[0].errors == ["error of 4", "again\nü"]
    await store.commit([DropFailures("task1", [(4, 6)])])
    [again] = await pages(store)
    assert again.failures == [] and [row.index for row in again.results] == [6]
    await store.commit([failures([5]), results([4])])
    [after] = await pages(store, page.position)
    assert ([row.index for row in after.failures], [row.index for row in after.results]) == ([5], [4])


async def test_a_failure_of_a_payload_that_has_a_result_is_none(store: ManagerStore) -> None:
    await store.commit([results([4])])
    await store.commit([failures([4])])
    assert (await told(store), await failed(store)) == ([4], [])


async def test_the_journal_goes_with_its_task(store: ManagerStore) -> None:
    await begin(store, task(2), 1_000)
    await store.commit([results([1]), results([2], number=2)])
    await store.commit([DeleteTask("task1")])
    assert await store.journal.arrivals("task1", START, 0) == ArrivalPage(START, [], [], is_end=True)
    assert await store.journal.head("task1") == START
    await begin(store, task(1), 1_000)
    assert await told(store) == [] and await told(store, name="task2") == [2]


async def test_a_reader_drops_what_it_has_had(store: ManagerStore) -> None:
    await store.commit([results([1, 2, 3])])
    reader = JournalReader(store.journal, "task1", START, RangeSet([(2, 3)]))
    page = await reader.page(2)
    assert ([row.index for row in page.results], page.is_end) == ([1], False)
    await store.commit([AddForeign(results([3, 4])), results([3])])
    assert [row.index for row in (await reader.page()).results] == [3, 4]
    assert reader.position == await store.journal.head("task1")


# What a file alone promises


async def test_a_file_tells_of_new_rows_alone(file: SqliteStore) -> None:
    for _ in range(2):
        await file.commit([results([10, 11, 12]), failures([20])])
    await file.commit([results([11, 12, 13, 9])])
    await file.commit([AddForeign(results([13, 14]))])
    found = await pages(file)
    assert [row.index for page in found for row in page.results] == [10, 11, 12, 9, 13, 14]
    assert [row.index for page in found for row in page.failures] == [20]


async def test_a_group_makes_one_arrival_of_a_task_and_a_kind(file: SqliteStore) -> None:
    await begin(file, task(2), 1_000)
    await file.commit([results([5]), results([3], number=2), failures([9]), results([4]), results([4, 6])])
    assert await told(file) == [4, 5, 6]
    assert (await file.journal.head("task1")).marks[""].seq == 2
    await file.commit([results([7]), results([8], number=2), DeleteTask("task2")])
    assert await told(file) == [4, 5, 6, 7] and file._write.execute("SELECT count(*) FROM arrivals").get == 3


async def test_a_group_that_is_undone_leaves_no_arrival(file: SqliteStore) -> None:
    await file.commit([results([1])])
    pages_now = file._write.pragma("page_count")
    file._write.pragma("max_page_count", pages_now)
    with pytest.raises(StoreUnavailable, match="full"):
        await file.commit([results([2]), results([3], value=b"x" * 1_000_000)])
    file._write.pragma("max_page_count", 2**30)
    await file.commit([results([5])])
    await file.commit([results([2])])
    assert await told(file) == [1, 5, 2]
    assert (await file.journal.head("task1")).marks[""].seq == 3


async def test_a_file_of_version_3_gets_arrivals_of_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await SqliteStore.open(tmp_path / "manager.db", ME)
    for number in (1, 2):
        await begin(store, task(number), 1_000)
    done = [0, 1, 2, 5, 7, 8, 999]
    await store.commit([results(done), failures([3, 4]), results([6], number=2)])
    await store.close()
    older = apsw.Connection(str(tmp_path / "manager.db"))
    since_5 = re.findall(r"CREATE TABLE (\w+)", SINCE_5 + SINCE_6)
    newer = "".join(f"DROP INDEX {name}; " for name in re.findall(r"INDEX IF NOT EXISTS (\w+)", LATER_INDEXES))
    newer += "".join(
        f"DROP TABLE {name}; " for name in ("arrivals", "keys", "matches", "segments", "snapshots", *since_5)
    )
    columns = ["matched", *re.findall(r"ALTER TABLE tasks ADD COLUMN (\w+)", SINCE_5 + SINCE_6)]
    newer += "".join(f"ALTER TABLE tasks DROP COLUMN {name}; " for name in columns)
    older.execute(f"{newer} PRAGMA user_version = 3")
    older.close()
    monkeypatch.setattr("disio_manager.stores.sqlite_journal.MAX_RUNS", 2)
    for _ in range(2):
        store = await SqliteStore.open(tmp_path / "manager.db", ME)
        assert await told(store) == done
        assert await failed(store) == [3, 4]
        assert (await store.journal.head("task1")).marks[""].seq == 3, "two runs each of results, then the failures"
        await store.snapshots.put("task1", "a", b"x")
        assert await store.snapshots.get("task1", "a") == b"x"
        await store.close()


async def test_a_page_looks_at_few_arrivals_of_which_nothing_is_left(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("sqlite", "mongo"):
        monkeypatch.setattr(f"disio_manager.stores.{kind}_journal.MAX_LOOKED_AT", 3)
    for _ in range(5):
        await store.commit([failures([1])])
        await store.commit([DropFailures("task1", [(1, 2)])])
    await store.commit([results([2])])
    assert [(len(page.results), page.is_end) for page in await pages(store)] == [(0, False), (1, False), (0, True)]


@pytest.mark.parametrize(
    "position", [START, Position({"": Mark(5, 0)}), Position({"m1": Mark(2**40, 7), "m2": Mark(0, 3)})]
)
def test_positions_are_written_as_text(position: Position) -> None:
    text = position.text()
    assert Position.parse(text) == position
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("text", ["?", "A", "AAAA", "gKA", "é", "5" * 100_000, "haE", "gaBAAA", "gaCS_wE"])
def test_a_text_that_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no position"):
        journal.Position.parse(text)


RUNS = [(0, 3), (10, 12), (20, 21)]
CUTS: list[tuple[int, Any]] = [
    (0, RUNS),
    (2, [(2, 3), (10, 12), (20, 21)]),
    (3, [(10, 12), (20, 21)]),
    (5, [(20, 21)]),
    (6, []),
]


@pytest.mark.parametrize(("offset", "rest"), CUTS)
def test_an_arrival_is_read_on_behind_an_offset(offset: int, rest: list[tuple[int, int]]) -> None:
    assert journal.rest_of(RUNS, offset) == rest
    last = [index for start, stop in RUNS for index in range(start, stop)][:offset]
    assert journal.passed_by(RUNS, last[-1] if last else -1) == offset
