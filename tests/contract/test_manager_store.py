"""What every manager store must do; one suite over SQLite and MongoDB."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from disio_manager.core.changes import (
    AddResults,
    Change,
    DeleteTask,
    DropBlock,
    DropDistributor,
    DropFailures,
    PutDistributor,
)
from disio_manager.core.records import DistributorRecord
from disio_manager.stores.base import ManagerEntry, ManagerStore, ResultRow
from disio_shared.messages import Terms
from tests.contract.manager_store_rows import (
    Opener,
    all_results,
    begin,
    block,
    everything,
    failures,
    front,
    opener,
    put,
    results,
    task,
    votes,
)


@pytest.fixture(params=["sqlite", "mongodb"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_again(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Opener:
    uri = request.getfixturevalue("mongodb_uri") if kind == "mongodb" else ""
    return opener(kind, tmp_path, uri)


@pytest_asyncio.fixture
async def store(open_again: Opener) -> AsyncIterator[ManagerStore]:
    opened = await open_again()
    yield opened
    await opened.close()


async def test_a_committed_task_comes_back_as_it_was(store: ManagerStore) -> None:
    record = task(3, total=10**9)
    await store.commit([put(record)])
    assert await store.task("task3") == record
    assert await store.task("task4") is None


async def test_how_the_units_of_a_task_run_comes_back(store: ManagerStore) -> None:
    terms = Terms(output="text", clock="real", max_result_bytes=5, max_log_bytes=6)
    record = msgspec.structs.replace(task(3), language="python", runtime="native", terms=terms)
    await store.commit([put(record)])
    assert await store.task("task3") == record


async def test_numbers_and_cluster_id_survive_a_reopening(open_again: Opener) -> None:
    first = await open_again()
    cluster, numbers = await first.cluster_id(), [await first.next_number() for _ in range(3)]
    key = await first.token_key()
    assert (len(key), await first.token_key()) == (32, key)
    await first.close()
    second = await open_again()
    assert (await second.cluster_id(), await second.token_key()) == (cluster, key)
    assert [*numbers, await second.next_number()] == [1, 2, 3, 4]
    await second.close()


async def test_an_index_that_has_a_result_keeps_it(store: ManagerStore) -> None:
    await begin(store, task(), 10)
    await store.commit([block(0, 10)])
    await store.commit([results([3, 4], value=b"first")])
    await store.commit([results([4, 5], value=b"second", client="c2")])
    assert await all_results(store) == [
        ResultRow(3, b"first3", "c1", 0.5),
        ResultRow(4, b"first4", "other", 0.5),
        ResultRow(5, b"second5", "other", 0.5),
    ]


async def test_loading_counts_from_the_rows(store: ManagerStore) -> None:
    await begin(store, task())
    await store.commit([front(30, done=99, failed=99), block(0, 10, holder="d"), block(20, 30)])
    await store.commit([results([*range(10, 20), 1, 2, 25]), failures([5, 26])])
    [loaded] = await store.load()
    assert (loaded.record.done, loaded.record.failed) == (13, 2)
    assert loaded.closed == {"b1-0": [(1, 3), (5, 6)], "b1-20": [(25, 27)]}
    assert loaded.failed == [(5, 6), (26, 27)]
    assert [(one.id, one.holder, one.lease) for one in loaded.blocks] == [("b1-0", "d", 1), ("b1-20", "", 1)]


async def test_only_open_tasks_are_loaded_but_any_can_be_asked_for(store: ManagerStore) -> None:
    states = ["queued", "running", "paused", "done", "failed", "cancelled", "expired"]
    await store.commit([put(task(n, state=state)) for n, state in enumerate(states, 1)])
    assert [one.record.state for one in await store.load()] == ["queued", "running", "paused"]
    closed = await store.load_task("task5")
    assert closed is not None and closed.record.state == "failed"
    assert await store.load_task("nothing") is None


async def test_a_group_that_is_committed_twice_changes_nothing_more(store: ManagerStore) -> None:
    await begin(store, task(1))
    await begin(store, task(2))
    group: list[Change] = [
        front(20),
        front(5, number=2),
        block(0, 10, holder="d"),
        block(10, 20),
        block(0, 5, number=2),
        results([0, 1, 12]),
        failures([2, 13]),
        results([0, 1], number=2),
        votes([0, 12, 13]),
        votes([0, 1], value=b"w", client="rebel"),
        DropFailures("task1", [(2, 3), (13, 14)]),
        failures([14]),
        DropBlock("b1-10", "task1"),
        block(10, 20, holder="e", lease=2),
        DeleteTask("task2"),
    ]
    await store.commit(group)
    once = await everything(store, ["task1", "task2"])
    await store.commit(group)
    assert await everything(store, ["task1", "task2"]) == once
    assert once[1] == (None, [], [], [])
    first = once[0][0]
    assert first is not None and first.failed == [(14, 15)]


async def test_a_deleted_task_leaves_nothing_behind(store: ManagerStore) -> None:
    await begin(store, task(1), 10)
    await begin(store, task(2), 10)
    await store.commit([block(0, 10), block(0, 10, number=2)])
    await store.commit([results([1]), failures([2]), votes([1]), results([1], number=2)])
    await store.commit([DeleteTask("task1"), results([3]), failures([4]), votes([3]), block(0, 10), front(9)])
    assert await everything(store, ["task1"]) == [(None, [], [], [])]
    assert [row.index for row in await all_results(store, "task2")] == [1]
    assert [one.record.id for one in await store.load()] == ["task2"]


async def test_results_of_a_task_nobody_knows_go_nowhere(store: ManagerStore) -> None:
    await store.commit(
        [results([1], number=9), failures([1], number=9), DropFailures("task9", [(0, 5)]), DeleteTask("task9")]
    )
    assert await all_results(store, "task9") == []
    assert await store.failures("task9", 0, 0) == []


async def test_everything_is_there_after_a_reopening(open_again: Opener) -> None:
    first = await open_again()
    await begin(first, task(), 10)
    await first.commit([block(0, 10), results([1, 7]), failures([3]), votes([1, 7], value=b"w")])
    before = await everything(first, ["task1"])
    await first.close()
    second = await open_again()
    assert await everything(second, ["task1"]) == before
    await second.commit([results([7, 8], value=b"late")])
    assert [row.value for row in await all_results(second)] == [b"v1", b"v7", b"late8"]
    await second.close()


async def test_results_come_in_index_order_from_where_and_as_many_as_asked(store: ManagerStore) -> None:
    await begin(store, task(), 1_000)
    await store.commit([block(0, 1_000)])
    await store.commit([results([9, 500, 3]), results([700, 1, 40])])
    assert [row.index for row in await all_results(store)] == [1, 3, 9, 40, 500, 700]
    assert [row.index for row in await all_results(store, start=9, limit=2)] == [9, 40]
    assert await all_results(store, start=701) == []


async def test_many_results_go_in_as_columns_and_come_out_in_pages(store: ManagerStore, kind: str) -> None:
    total = 100_000 if kind == "sqlite" else 4_000
    await begin(store, task(total=total), total)
    await store.commit([block(0, total)])
    for start in range(0, total, 2_000):
        await store.commit([results(range(start, start + 2_000))])
    seen = 0
    async for page in store.results("task1", 0, 0):
        assert 0 < len(page) <= 2_000
        assert [row.index for row in page] == list(range(seen, seen + len(page)))
        seen += len(page)
    assert seen == total
    [loaded] = await store.load()
    assert loaded.record.done == total and loaded.closed == {"b1-0": [(0, total)]}


async def test_large_values_are_kept_whole(store: ManagerStore) -> None:
    large = b"\0" + bytes(range(256)) * (8 << 12)
    await begin(store, task(), 5)
    await store.commit([block(0, 5)])
    await store.commit([AddResults("task1", [0, 1], [large, b""], [0.0, 1e9], ["c"], [0, 0], "d", 1.0)])
    rows = await all_results(store)
    assert rows[0].value == large and rows[1] == ResultRow(1, b"", "c", 1e9)


async def test_payload_lists_larger_than_a_document_are_kept_whole(store: ManagerStore) -> None:
    record = task(total=3)
    record.payloads = b'{"list":["%s","b","c"]}' % (b"x" * (17 << 20))
    await store.commit([put(record)])
    found = await store.task("task1")
    assert found is not None and found.payloads == record.payloads
    [loaded] = await store.load()
    assert len(loaded.spec.values) == 3  # type: ignore[union-attr]
    await store.commit([DeleteTask("task1")])
    assert await store.task("task1") is None


async def test_work_units_are_kept_by_their_hash(store: ManagerStore) -> None:
    code = b"\0asm" + bytes(17 << 20)
    digest = hashlib.sha256(code).hexdigest()
    await store.put_workunit(digest, "wasm", code)
    await store.put_workunit(digest, "wasm", code)
    assert await store.workunit(digest) == ("wasm", code)
    assert await store.workunit("00" * 32) is None


async def test_tasks_are_paged_newest_first_with_exact_totals(store: ManagerStore) -> None:
    await store.commit([put(task(n, state="done" if n % 2 else "running")) for n in range(1, 8)])
    seen, cursor = [], ""
    while True:
        page = await store.tasks("", "", 3, cursor)
        assert page.total == 7
        seen += [one.number for one in page.items]
        assert all(one.payloads == b"" for one in page.items)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    done = await store.tasks("done", "", 2, "")
    assert ([one.number for one in done.items], done.total, done.next_cursor is None) == ([7, 5], 4, False)


async def test_tasks_are_found_by_runs_of_numbers_on_pages(store: ManagerStore) -> None:
    await store.commit([put(task(n, state="done" if n % 2 else "running")) for n in range(1, 8)])
    wanted = [(1, 4), (6, 100)]
    page = await store.tasks("", "", 2, "", wanted)
    assert ([one.number for one in page.items], page.total) == ([7, 6], 5)
    page = await store.tasks("", "", 9, page.next_cursor or "", wanted)
    assert ([one.number for one in page.items], page.next_cursor) == ([3, 2, 1], None)
    page = await store.tasks("done", "n3", 9, "", wanted)
    assert ([one.number for one in page.items], page.total) == ([3], 1)
    assert (await store.tasks("", "", 9, "", [(8, 9)])).total == 0


@pytest.mark.parametrize(
    ("q", "found"), [("pi", [2]), ("PI (", [2]), ("ÄPFEL", [1]), ("n3", [3]), (".*", []), ("math", [3, 2, 1])]
)
async def test_tasks_are_found_by_a_part_of_name_or_tag(store: ManagerStore, q: str, found: list[int]) -> None:
    await store.commit([put(task(1, name="Äpfel zählen")), put(task(2, name="Pi (hex)")), put(task(3))])
    page = await store.tasks("", q, 10, "")
    assert ([one.number for one in page.items], page.total) == (found, len(found))


async def test_failures_are_paged_in_index_order(store: ManagerStore) -> None:
    await begin(store, task(), 20)
    await store.commit([block(0, 20), failures([7, 2]), failures([2, 11])])
    assert [row.index for row in await store.failures("task1", 0, 0)] == [2, 7, 11]
    [row] = await store.failures("task1", 3, 1)
    assert (row.index, row.errors) == (7, ["error of 7", "again\nü"])


async def test_distributors_are_replaced_and_forgotten(store: ManagerStore) -> None:
    old = DistributorRecord(id="d1", name="one", url="http://a", kinds={"web": 2}, last_seen=5.0)
    new = DistributorRecord(id="d1", name="ONE", url="http://b", state="online")
    other = DistributorRecord(id="d2", name="two", url="")
    await store.commit([PutDistributor(old), PutDistributor(other), PutDistributor(new)])
    assert await store.distributors() == [new, other]
    await store.commit([DropDistributor("d1"), DropDistributor("d9")])
    assert await store.distributors() == [other]


async def test_the_store_answers_a_ping(store: ManagerStore) -> None:
    await store.ping()


async def test_managers_are_listed_until_they_are_struck_off(kind: str, store: ManagerStore) -> None:
    first, second = ManagerEntry("a", "http://a", 1.0, 2), ManagerEntry("b", "http://b", 1.5, 3)
    renewed = ManagerEntry("a", "http://a", 1.0, 9)
    for entry in (first, second, renewed):
        await store.enlist(entry)
    assert sorted(await store.managers(), key=lambda entry: entry.id) == (
        [renewed, second] if kind == "mongodb" else []
    )
    await store.strike_off("a")
    await store.strike_off("never there")
    assert await store.managers() == ([second] if kind == "mongodb" else [])
