"""Past tries and logs of payloads, over both stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import msgspec
import pytest
import pytest_asyncio

from disio_manager.core.changes import MAX_TRIES, AddTries, DeleteTask
from disio_manager.stores import mongo_tries, sqlite_tries
from disio_manager.stores.base import ManagerStore
from disio_manager.stores.finding import TaskFilter
from disio_manager.stores.sqlite import SqliteStore
from disio_manager.stores.tries import PastOf, TriesKept, TryRow
from tests.contract.manager_store_rows import ME, begin, block, opener, results, task

AT = 1_700_000_000.0


@pytest_asyncio.fixture(params=["sqlite", "mongodb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ManagerStore]:
    uri = request.getfixturevalue("mongodb_uri") if request.param == "mongodb" else ""
    opened = await opener(request.param, tmp_path, uri)()
    await begin(opened, task(), 100)
    await opened.commit([block(0, 100), results(range(10))])
    yield opened
    await opened.close()


def tried(*rows: tuple[int, float, str], log: str = "", number: int = 1) -> AddTries:
    """Return past tries: index, seconds after ``AT``, outcome."""
    count = len(rows)
    return AddTries(
        f"task{number}",
        [index for index, _, _ in rows],
        ["client"] * count,
        ["dist"] * count,
        [outcome for _, _, outcome in rows],
        ["boom" if outcome == "failed" else "" for _, _, outcome in rows],
        [log] * count,
        [AT + after for _, after, _ in rows],
    )


async def test_tries_of_a_payload_are_told_by_when_they_ended_and_a_repeat_adds_none(store: ManagerStore) -> None:
    change = tried((3, 5.5, "done"), (3, 1, "failed"), (4, 0, "lost"), log="ß a line\nanother")
    await store.commit([change])
    await store.commit([change])
    past = await store.tries.of("task1", 3)
    assert past.rows == [
        TryRow("client", "dist", "failed", "boom", "ß a line\nanother", AT + 1),
        TryRow("client", "dist", "done", "", "ß a line\nanother", AT + 5.5),
    ]
    assert (past.left_out, past.task) == (0, TriesKept(3, 0))
    assert [row.outcome for row in (await store.tries.of("task1", 4)).rows] == ["lost"]
    assert await store.tries.of("task1", 5) == PastOf([], 0, TriesKept(3, 0))
    assert await store.tries.of("task9", 3) == PastOf([], 0, TriesKept(0, 0))


async def test_two_tries_that_ended_together_are_two(store: ManagerStore) -> None:
    await store.commit([tried((3, 1, "failed"), (3, 1, "lost"))])
    assert [row.outcome for row in (await store.tries.of("task1", 3)).rows] == ["failed", "lost"]


async def test_a_payload_keeps_its_first_tries_and_counts_the_others(store: ManagerStore) -> None:
    await store.commit([tried(*((3, at, "failed") for at in range(MAX_TRIES + 2)))])
    await store.commit([tried((3, 1_000, "done"), (4, 1, "lost"))])
    past = await store.tries.of("task1", 3)
    assert (len(past.rows), past.left_out, past.rows[-1].ended_at) == (MAX_TRIES, 3, AT + MAX_TRIES - 1)
    assert past.task == TriesKept(MAX_TRIES + 1, 0)


@pytest.mark.parametrize(("limit", "most"), [("MAX_TASK_TRIES", 3), ("MAX_TASK_CHARS", 15)])
async def test_a_task_keeps_so_many_tries_and_so_much_text(
    store: ManagerStore, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    for module in (sqlite_tries, mongo_tries):
        monkeypatch.setattr(module, limit, most)
    await store.commit([tried(*((index, 0, "done") for index in range(5)), log="12345")])
    await store.commit([tried((7, 0, "done"), (8, 0, "done"), log="12345")])
    assert [len((await store.tries.of("task1", index)).rows) for index in range(9)] == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert (await store.tries.of("task1", 0)).task == TriesKept(3, 4)


async def test_tries_go_with_their_task_and_none_come_after(store: ManagerStore) -> None:
    await begin(store, task(2), 100)
    await store.commit([tried((3, 1, "lost")), tried((3, 1, "lost"), number=2)])
    await store.commit([tried(*((3, at, "failed") for at in range(2, MAX_TRIES + 4)))])
    await store.commit([DeleteTask("task1")])
    await store.commit([tried((3, 2, "lost"))])
    assert await store.tries.of("task1", 3) == PastOf([], 0, TriesKept(0, 0))
    assert len((await store.tries.of("task2", 3)).rows) == 1


async def test_a_file_of_version_5_gets_a_place_for_tries(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "manager.db", ME)
    await begin(store, msgspec.structs.replace(task(), owner="ann"), 100)
    await store.commit([block(0, 100), results(range(10))])
    await store.close()
    older = apsw.Connection(str(tmp_path / "manager.db"))
    columns = "ALTER TABLE tasks DROP COLUMN owner;"
    older.execute(f"DROP TABLE tries; DROP TABLE tries_kept; {columns} PRAGMA user_version = 5")
    older.close()
    for kept in (1, 2):
        store = await SqliteStore.open(tmp_path / "manager.db", ME)
        await store.commit([tried((kept, 1, "lost"))])
        assert (await store.tries.of("task1", kept)).task == TriesKept(kept, 0)
        assert (await store.finding.ids(TaskFilter(owner="ann"))).ids == ["task1"]
        assert (await store.finding.ids(TaskFilter(owner="bob"))).total == 0
        assert [row.index async for page in store.results("task1", 0, 0) for row in page] == list(range(10))
        await store.close()
